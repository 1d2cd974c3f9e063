//! The servers that the nights are tried on.

use std::path::PathBuf;

use libtest_mimic::Failed;
use serde_json::{Value, json};
use spatialcloud_harness::Stack;
use spatialcloud_harness::calibrate::Folder;
use spatialcloud_harness::engine::{Engine, Found, Image, LICENCE_VARIABLE, is_licence_accepted, look};
use spatialcloud_sql_client::{Connection, Login};

/// Names the image that stands for Microsoft's, if not the usual one.
const STAND_IN_VARIABLE: &str = "SPATIALCLOUD_SIMULATOR_IMAGE";

fn stand_in_image() -> String {
    std::env::var(STAND_IN_VARIABLE).unwrap_or_else(|_| "spatialcloud-simulator:latest".to_owned())
}

/// A kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    InProcess,
    Container,
    Microsoft,
}

impl Kind {
    pub const ALL: [Kind; 3] = [Kind::InProcess, Kind::Container, Kind::Microsoft];

    pub fn name(self) -> &'static str {
        match self {
            Kind::InProcess => "the stand-in in this process",
            Kind::Container => "the stand-in in a container",
            Kind::Microsoft => "Microsoft SQL Server",
        }
    }

    fn image(self) -> Option<Image> {
        match self {
            Kind::InProcess => None,
            Kind::Container => Some(Image::stand_in(&stand_in_image())),
            Kind::Microsoft => Some(Image::microsoft()),
        }
    }

    /// Why there is none here.
    pub async fn missing(self) -> Option<Missing> {
        let image = self.image()?;
        let (reason, can_be_had) = match look(&image).await {
            Found::Ready { .. } if image.is_licensed && !is_licence_accepted() => {
                (format!("nobody has accepted its licence with {LICENCE_VARIABLE}=Y"), false)
            }
            Found::Ready { .. } => return None,
            Found::NoImage { .. } if self == Kind::Container => {
                (format!("no image {}: docker/build simulator makes it", image.name), true)
            }
            Found::NoImage { remedy } => (format!("no SQL Server image: {remedy}"), false),
            Found::Unfit { reasons } => (reasons.join("; "), false),
        };
        Some(Missing { reason, can_be_had })
    }
}

/// Why a kind of server is not here, and whether this machine could have it without anybody's leave.
pub struct Missing {
    pub reason: String,
    pub can_be_had: bool,
}

/// A running server.
pub enum Server {
    InProcess { stack: Box<Stack>, folder: PathBuf },
    Container(Box<Engine>),
}

impl Server {
    pub async fn start(kind: Kind) -> Result<Server, Failed> {
        match kind.image() {
            None => Server::stand_in(Value::Null).await,
            Some(image) => Ok(Server::Container(Box::new(Engine::start(image, &mut |_| {}).await?))),
        }
    }

    /// The stand-in in this process, with these settings.
    pub async fn stand_in(settings: Value) -> Result<Server, Failed> {
        let stack = Stack::in_process().settings(settings).sql().start().await?;
        let folder = stack.data().join("sql/backup");
        Ok(Server::InProcess { stack: Box::new(stack), folder })
    }

    pub fn login(&self) -> Result<Login, Failed> {
        match self {
            Server::InProcess { stack, .. } => {
                Ok(stack.sql().ok_or("it does not listen for SQL")?.login(None))
            }
            Server::Container(engine) => Ok(engine.login().clone()),
        }
    }

    pub fn folder(&self) -> Folder<'_> {
        match self {
            Server::InProcess { folder, .. } => Folder { here: folder, there: "/var/opt/mssql/backup" },
            Server::Container(engine) => Folder { here: engine.folder(), there: engine.folder_on_server() },
        }
    }

    /// As the nightly load's settings name it.
    pub fn settings(&self) -> Result<Value, Failed> {
        let (login, folder) = (self.login()?, self.folder());
        Ok(json!({
            "host": login.host,
            "port": login.port,
            "user": login.user,
            "password": login.password,
            "shared-folder": folder.here,
            "folder-on-server": folder.there,
        }))
    }

    pub async fn connect(&self) -> Result<Connection, Failed> {
        Ok(Connection::open(&self.login()?).await?)
    }

    pub async fn stop(&self) {
        if let Server::Container(engine) = self {
            engine.stop().await;
        }
    }
}
