//! The step that calls the port of the FTP service that SFTP has replaced.

use std::time::Duration;

use async_trait::async_trait;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::{Failure, Names, Parsed, Step, World};
use crate::scenario::fields::Fields;

/// Longest wait for the service's first line.
const ANSWER: Duration = Duration::from_secs(10);

struct Call {
    says: Option<String>,
}

pub(super) fn call(fields: &mut Fields<'_>, _names: &Names) -> Parsed {
    Ok(Box::new(Call { says: fields.text("says")? }))
}

#[async_trait]
impl Step for Call {
    async fn run(&self, world: &mut World) -> Result<(), Failure> {
        let endpoint = world.stack.api().get("endpoint").await?;
        match (endpoint["legacy_ftp"].as_str(), &self.says) {
            (None, None) => Ok(()),
            (None, Some(says)) => Err(Failure::new(
                format!("a service that says {says:?}"),
                "nothing listens: the setting endpoint.legacy-ftp is not there",
            )),
            (Some(address), says) => {
                let said = said(address).await.unwrap_or_else(|error| error.to_string());
                match says {
                    Some(says) if said.contains(says.as_str()) => Ok(()),
                    Some(says) => Err(Failure::new(format!("a service that says {says:?}"), said)),
                    None => Err(Failure::new("nothing that listens", said)),
                }
            }
        }
    }
}

/// Everything it says before it hangs up.
async fn said(address: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let mut said = String::new();
    tokio::time::timeout(ANSWER, stream.read_to_string(&mut said)).await??;
    Ok(said)
}
