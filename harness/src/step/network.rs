//! The step that breaks the network between clients and the endpoint, and mends it.

use std::time::Duration;

use async_trait::async_trait;

use super::{Failure, Names, Parsed, Step, World};
use crate::scenario::fields::{Fields, Mistake};
use crate::stack::NetworkFault;

/// What can be wrong with it.
const FAULTS: &[&str] = &["none", "partition", "pause", "loss", "rate", "reset", "mtu"];

struct Network(NetworkFault);

pub(super) fn network(fields: &mut Fields<'_>, _names: &Names) -> Parsed {
    let fault = fields.need_one_of("fault", "network fault", FAULTS)?;
    let place = fields.place().clone();
    let number = |fields: &mut Fields<'_>, name: &'static str, least: i64, most: i64| {
        let found = fields.number(name)?;
        found
            .filter(|number| (least..=most).contains(number))
            .and_then(|number| u32::try_from(number).ok())
            .ok_or_else(|| {
                Mistake::new(
                    &place,
                    format!("network: {fault} needs {name:?}, a number from {least} to {most}"),
                )
            })
    };
    Ok(Box::new(Network(match fault.as_str() {
        "partition" => NetworkFault::Partition,
        "pause" => NetworkFault::Pause(Duration::from_millis(number(fields, "for-ms", 1, 60_000)?.into())),
        "loss" => NetworkFault::Loss { percent: number(fields, "percent", 1, 99)? },
        "rate" => NetworkFault::Rate { bytes_per_second: fields.need_size("per-second")? },
        "reset" => NetworkFault::Reset { after_bytes: fields.need_size("after")? },
        "mtu" => NetworkFault::Mtu { bytes: number(fields, "bytes", 300, 1500)? },
        _ => NetworkFault::None,
    })))
}

#[async_trait]
impl Step for Network {
    fn needs_network(&self) -> bool {
        true
    }

    async fn run(&self, world: &mut World) -> Result<(), Failure> {
        Ok(world.stack.network(self.0).await?)
    }
}
