//! Stacks in containers: the simulator in one for each case, each client in one of its own, on a network that was made
//! for the run. A scenario's loopback addresses are addresses of that network, so that what comes from where is real.

mod network;
mod simulator;
mod sweep;

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use testcontainers::bollard::Docker;
use testcontainers::bollard::errors::Error;
use testcontainers::bollard::models::{
    EndpointIpamConfig, EndpointSettings, Ipam, IpamConfig, NetworkConnectRequest, NetworkCreateRequest,
    NetworkDisconnectRequest,
};
use testcontainers::core::client::docker_client_instance;
use testcontainers::core::{AccessMode, Mount};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, ImageExt};
use tokio::sync::{Mutex, RwLock};

use super::StackError;
use crate::client::{Client, InContainers, Place, names};
use crate::keys;
use crate::scope::Scope;
pub use network::NetworkFault;
pub(super) use simulator::Simulator;

/// Names the simulator's image, where it is not the one that `docker/build` makes.
const SIMULATOR_VARIABLE: &str = "SPATIALCLOUD_SIMULATOR_IMAGE";
/// The same for the clients' image.
const CLIENTS_VARIABLE: &str = "SPATIALCLOUD_CLIENTS_IMAGE";
/// Beginnings of networks that are tried: `10.N.0.0/16`, from 10.128 on, where few others are.
const NETWORKS: std::ops::Range<u8> = 128..255;
/// Where the endpoint listens, as in production.
const SFTP_PORT: u16 = 22;
/// What scenarios call the network.
const LOOPBACK: &str = "127.0.";

/// The containers of a run, and their network. [`Containers::end`] takes all of it away; dropped, it does so too.
pub struct Containers {
    docker: Docker,
    run: String,
    owner: String,
    /// `10.213.`
    network: String,
    /// Folders of cases, at the same path in the containers of clients.
    folder: tempfile::TempDir,
    /// Clients by address.
    clients: Mutex<BTreeMap<Ipv4Addr, ContainerAsync<GenericImage>>>,
    simulators: AtomicUsize,
    /// Whether a container may still be started; read while one is.
    is_open: Arc<RwLock<bool>>,
    /// Where the versions of clients are asked for.
    first: Place,
}

impl std::fmt::Debug for Containers {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Containers {}", self.run)
    }
}

fn failed(what: &str, error: impl std::fmt::Display) -> StackError {
    StackError::Start(format!("{what}: {error}"))
}

impl Containers {
    /// Makes the network and the first client's container. What earlier runs have left is taken away before.
    ///
    /// # Errors
    /// Where no engine answers, an image is missing, or no network is free.
    pub async fn start() -> Result<Arc<Containers>, StackError> {
        if !cfg!(target_os = "linux") {
            return Err(StackError::Start(
                "stacks in containers need an engine on this machine, whose networks it is on: that is Linux. \
                 Start one container by hand, and use --stack attach=URL"
                    .to_owned(),
            ));
        }
        let no_engine = |error: &dyn std::fmt::Display| {
            StackError::Start(format!(
                "no container engine answers: {error}; install Docker and start it, or use --stack in-process"
            ))
        };
        let docker = docker_client_instance().await.map_err(|error| no_engine(&error))?;
        docker.ping().await.map_err(|error| no_engine(&error))?;
        sweep::earlier(&docker).await.map_err(|error| failed("what an earlier run left", error))?;
        for image in [simulator_image(), clients_image()] {
            docker.inspect_image(&image).await.map_err(|_| {
                StackError::Start(format!("there is no image {image}: docker/build makes it"))
            })?;
        }
        let owner = sweep::owner();
        let run =
            format!("spatialcloud-{}-{:x}", std::process::id(), jiff::Timestamp::now().as_microsecond());
        let folder = tempfile::Builder::new().prefix("spatialcloud-run-").tempdir()?;
        let mut containers = Containers {
            docker,
            run,
            owner,
            network: String::new(),
            folder,
            clients: Mutex::default(),
            simulators: AtomicUsize::new(0),
            is_open: Arc::new(RwLock::new(true)),
            first: Place::Here,
        };
        // From here on its end takes away what there is.
        containers.network = make_network(&containers.docker, &containers.run, &containers.owner).await?;
        containers.first = containers.client_at(containers.usual_address(0)).await?;
        Ok(Arc::new(containers))
    }

    /// Where the cases of the run keep their files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where clients' programs can be asked for their versions.
    pub fn first(&self) -> &Place {
        &self.first
    }

    /// Names and addresses as a case with this client has them.
    pub(super) fn scope(&self, client: Option<&dyn Client>) -> Scope {
        let usual = match client.map(|client| (client.in_containers(), client.name())) {
            Some((InContainers::Program, name)) => self.usual_address(position(name)),
            // Our own client connects from this machine.
            _ => self.address(0, 1),
        };
        Scope::new().with_address("127.0.0.1", &usual.to_string()).with_network(LOOPBACK, &self.network)
    }

    fn address(&self, third: u8, fourth: u8) -> Ipv4Addr {
        let text = format!("{}{third}.{fourth}", self.network);
        text.parse().unwrap_or(Ipv4Addr::UNSPECIFIED)
    }

    /// Where the client at that position of the table connects from, unless told otherwise.
    fn usual_address(&self, position: usize) -> Ipv4Addr {
        self.address(254, u8::try_from(position % 250).unwrap_or_default() + 1)
    }

    /// Where a client runs, `from` one of the scenario's addresses, or from its usual one. Our own runs here.
    pub(super) async fn place(&self, client: &dyn Client, from: Option<IpAddr>) -> Result<Place, StackError> {
        match client.in_containers() {
            InContainers::Ours => Ok(Place::Here),
            InContainers::Program => {
                let address = match from {
                    None => self.usual_address(position(client.name())),
                    Some(from) => {
                        let there = self.scope(None).address(&from.to_string());
                        there.parse().map_err(|_| failed("not an address of the network", there))?
                    }
                };
                self.client_at(address).await
            }
            InContainers::No(reason) => Err(failed(client.name(), reason)),
        }
    }

    /// The container of clients at that address, started by the first who asks.
    async fn client_at(&self, address: Ipv4Addr) -> Result<Place, StackError> {
        let mut clients = self.clients.lock().await;
        if let Some(container) = clients.get(&address) {
            return Ok(self.place_in(container.id()));
        }
        let folder = self.folder.path().display().to_string();
        // OpenSSH does not work as a user who is in no list.
        let users = self.folder.path().join("passwd");
        let owner =
            std::fs::metadata(self.folder.path()).map_err(|error| failed("the run's folder", error))?;
        let (user, group) = (owner.uid(), owner.gid());
        let list = format!("root:x:0:0::/root:/bin/sh\nclient:x:{user}:{group}::/:/bin/sh\n");
        std::fs::write(&users, list).map_err(|error| failed("users of the client's container", error))?;
        let keys = keys::folder().map_err(|error| failed("keys", error))?.display().to_string();
        let (name, tag) = split(&clients_image());
        let request = self
            .labelled(GenericImage::new(name, tag), &format!("client-{address}"))
            .with_mount(Mount::bind_mount(folder.clone(), folder))
            .with_mount(Mount::bind_mount(keys.clone(), keys).with_access_mode(AccessMode::ReadOnly))
            .with_mount(
                Mount::bind_mount(users.display().to_string(), "/etc/passwd")
                    .with_access_mode(AccessMode::ReadOnly),
            )
            .with_mount(Mount::tmpfs_mount("/tmp"))
            .with_user(format!("{user}:{group}"))
            .with_readonly_rootfs(true);
        let container = self.begin(request).await?;
        let id = container.id().to_owned();
        self.move_to(&id, address).await.map_err(|error| failed(&format!("address {address}"), error))?;
        clients.insert(address, container);
        Ok(self.place_in(&id))
    }

    fn place_in(&self, container: &str) -> Place {
        Place::Container { name: container.to_owned(), folder: self.folder.path().to_owned() }
    }

    /// Gives a container an address: none can be asked for when it is started.
    async fn move_to(&self, container: &str, address: Ipv4Addr) -> Result<(), Error> {
        let leave = NetworkDisconnectRequest { container: container.to_owned(), force: Some(true) };
        self.docker.disconnect_network(&self.run, leave).await?;
        let ipam = EndpointIpamConfig { ipv4_address: Some(address.to_string()), ..Default::default() };
        let join = NetworkConnectRequest {
            container: container.to_owned(),
            endpoint_config: Some(EndpointSettings { ipam_config: Some(ipam), ..Default::default() }),
        };
        self.docker.connect_network(&self.run, join).await
    }

    /// Named, labelled, on the network, and with no more rights than it needs.
    fn labelled(&self, image: GenericImage, what: &str) -> ContainerRequest<GenericImage> {
        image
            .with_container_name(format!("{}-{what}", self.run))
            .with_network(self.run.clone())
            .with_labels([(sweep::RUN_LABEL, &self.run), (sweep::OWNER_LABEL, &self.owner)])
            .with_cap_drop("ALL")
            .with_security_opt("no-new-privileges")
            // The engine's own first process hands signals on, and lets a program be killed from inside.
            .with_host_config_modifier(|host| {
                host.init = Some(true);
                // This machine is on the network too; nobody else is to reach it.
                host.publish_all_ports = Some(false);
            })
    }

    /// Starts a container, unless the run has ended. Whoever waits may go away: the start does not, so that the end
    /// of the run finds what came of it.
    async fn begin(
        &self,
        request: ContainerRequest<GenericImage>,
    ) -> Result<ContainerAsync<GenericImage>, StackError> {
        let is_open = self.is_open.clone().read_owned().await;
        if !*is_open {
            return Err(StackError::Start("the run has ended".to_owned()));
        }
        let starting = tokio::spawn(async move {
            let started = request.start().await;
            drop(is_open);
            started
        });
        let started = starting.await.map_err(|error| failed("a container", error))?;
        started.map_err(|error| failed("a container", error))
    }

    /// Takes away every container and the network.
    ///
    /// # Errors
    /// Where the engine refuses, or has gone.
    pub async fn end(&self) -> Result<(), StackError> {
        *self.is_open.write().await = false;
        self.clients.lock().await.clear();
        sweep::run(&self.docker, &self.run).await.map_err(|error| failed("what the run has started", error))
    }
}

impl Drop for Containers {
    fn drop(&mut self) {
        // A runtime that is ending takes no more work; another one does.
        let (docker, run) = (self.docker.clone(), self.run.clone());
        let swept = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map(|runtime| runtime.block_on(sweep::run(&docker, &run)))
        });
        match swept.join() {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => eprintln!("containers of {} may be left: {error}", self.run),
            Ok(Err(_)) | Err(_) => eprintln!("containers of {} may be left", self.run),
        }
    }
}

async fn make_network(docker: &Docker, run: &str, owner: &str) -> Result<String, StackError> {
    let first = usize::try_from(std::process::id()).unwrap_or_default();
    let mut last = None;
    for number in NETWORKS.cycle_from(first) {
        let network = format!("10.{number}.");
        let ipam = IpamConfig {
            subnet: Some(format!("{network}0.0/16")),
            // Whatever asks for no address gets one from here, and never one that a client is to have.
            ip_range: Some(format!("{network}255.0/24")),
            gateway: Some(format!("{network}0.1")),
            ..Default::default()
        };
        let made = docker
            .create_network(NetworkCreateRequest {
                name: run.to_owned(),
                driver: Some("bridge".to_owned()),
                ipam: Some(Ipam { config: Some(vec![ipam]), ..Default::default() }),
                labels: Some(HashMap::from([
                    (sweep::RUN_LABEL.to_owned(), run.to_owned()),
                    (sweep::OWNER_LABEL.to_owned(), owner.to_owned()),
                ])),
                ..Default::default()
            })
            .await;
        match made {
            Ok(_) => return Ok(network),
            Err(error) => last = Some(error),
        }
    }
    Err(failed("no network is free", last.map(|error| error.to_string()).unwrap_or_default()))
}

/// Ranges that begin somewhere in the middle.
trait CycleFrom {
    fn cycle_from(self, first: usize) -> impl Iterator<Item = u8>;
}

impl CycleFrom for std::ops::Range<u8> {
    fn cycle_from(self, first: usize) -> impl Iterator<Item = u8> {
        let count = self.len();
        self.cycle().skip(first % count.max(1)).take(count)
    }
}

fn position(client: &str) -> usize {
    names().iter().position(|name| *name == client).unwrap_or_default()
}

fn simulator_image() -> String {
    image(SIMULATOR_VARIABLE, "spatialcloud-simulator")
}

fn clients_image() -> String {
    image(CLIENTS_VARIABLE, "spatialcloud-clients")
}

/// The image a variable names, or the one of this version.
fn image(variable: &str, name: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| format!("{name}:{}", env!("CARGO_PKG_VERSION")))
}

/// Name and tag; what stands before a slash may hold a colon too.
fn split(image: &str) -> (String, String) {
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name.to_owned(), tag.to_owned()),
        _ => (image.to_owned(), "latest".to_owned()),
    }
}
