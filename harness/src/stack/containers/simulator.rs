//! The simulator's container: one for each case.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::Value;
use testcontainers::bollard::errors::Error;
use testcontainers::core::{AccessMode, Mount, WaitFor};
use testcontainers::{ContainerAsync, GenericImage, ImageExt};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use super::{Containers, NetworkFault, SFTP_PORT, failed, simulator_image, split};
use crate::api::Api;
use crate::scope::Scope;
use crate::stack::{SftpAddress, StackError};

/// Where the control API listens.
const HTTP_PORT: u16 = 8022;
/// Longest wait for it to be up, or to have ended.
const READY: Duration = Duration::from_secs(60);

/// A simulator in a container. Dropped, it is gone.
pub(in crate::stack) struct Simulator {
    containers: Arc<Containers>,
    container: ContainerAsync<GenericImage>,
    token: String,
    scope: Arc<Scope>,
    /// Ends with a pause that has not ended yet.
    pause: Mutex<Option<JoinHandle<()>>>,
}

impl Simulator {
    pub(in crate::stack) async fn start(
        containers: Arc<Containers>,
        settings: &Value,
        token: Option<String>,
        scope: Scope,
    ) -> Result<Simulator, StackError> {
        let number = containers.simulators.fetch_add(1, Ordering::Relaxed);
        let file = containers.folder().join(format!("settings-{number}.yaml"));
        let written = std::fs::write(&file, settings.to_string()).and_then(|()| {
            // The simulator is another user.
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644))
        });
        written.map_err(|error| failed("settings of the simulator's container", error))?;
        let token = token.unwrap_or_else(|| {
            let random = || RandomState::new().build_hasher().finish();
            format!("{:016x}{:016x}", random(), random())
        });
        let (name, tag) = split(&simulator_image());
        // The line with all addresses is the last thing it does before it serves.
        let image = GenericImage::new(name, tag).with_wait_for(WaitFor::message_on_stdout("\"http\""));
        let listen = |port: u16| format!("0.0.0.0:{port}");
        let request = containers
            .labelled(image, &format!("simulator-{number}"))
            .with_cmd([
                "up",
                "--json",
                "--no-demo",
                "--data",
                "/data",
                "--config",
                "/settings.yaml",
                "--listen",
                &listen(SFTP_PORT),
                "--http",
                &listen(HTTP_PORT),
            ])
            .with_env_var("SPATIALCLOUD_TOKEN", &token)
            .with_mount(
                Mount::bind_mount(file.display().to_string(), "/settings.yaml")
                    .with_access_mode(AccessMode::ReadOnly),
            )
            .with_readonly_rootfs(true)
            .with_startup_timeout(READY);
        let container = containers.begin(request).await?;
        let pause = Mutex::new(None);
        Ok(Simulator { containers, container, token, scope: Arc::new(scope), pause })
    }

    /// The run's containers.
    pub(in crate::stack) fn containers(&self) -> &Arc<Containers> {
        &self.containers
    }

    /// Its container, for what is done to it from outside.
    pub(in crate::stack) fn id(&self) -> &str {
        self.container.id()
    }

    pub(in crate::stack) fn token(&self) -> &str {
        &self.token
    }

    /// Its control API and its endpoint, once it answers: both are elsewhere after a restart.
    pub(in crate::stack) async fn reach(&self) -> Result<(Api, SftpAddress), StackError> {
        let shown = self.containers.docker.inspect_container(self.id(), None).await;
        let shown = shown.map_err(|error| failed("the simulator's container", error))?;
        let networks = shown.network_settings.and_then(|settings| settings.networks).unwrap_or_default();
        let host = networks.get(&self.containers.run).and_then(|network| network.ip_address.clone());
        let host = host.filter(|host| !host.is_empty()).ok_or_else(|| {
            StackError::Start("the simulator's container has no address: it has ended".to_owned())
        })?;
        let api = Api::new(format!("http://{host}:{HTTP_PORT}"))
            .with_token(Some(self.token.clone()))
            .seen_by(self.scope.clone());
        let ends = Instant::now() + READY;
        while let Err(error) = api.get("readyz").await {
            if Instant::now() > ends {
                return Err(error.into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let sftp = SftpAddress::of(&api).await?;
        Ok((api, SftpAddress { host, port: SFTP_PORT, ..sftp }))
    }

    /// Breaks the network between clients and it, or mends it.
    pub(in crate::stack) async fn network(&self, fault: NetworkFault) -> Result<(), StackError> {
        self.after_pause().await;
        let NetworkFault::Pause(span) = fault else {
            return self.containers.network(self.id(), fault).await;
        };
        let (docker, id) = (self.containers.docker.clone(), self.id().to_owned());
        docker.pause_container(&id).await.map_err(|error| failed("pause", error))?;
        *self.pause.lock().await = Some(tokio::spawn(async move {
            tokio::time::sleep(span).await;
            // A container that has gone meanwhile is not paused.
            let _ = docker.unpause_container(&id).await;
        }));
        Ok(())
    }

    /// Nothing can be done to a container that is paused.
    async fn after_pause(&self) {
        if let Some(pause) = self.pause.lock().await.take() {
            let _ = pause.await;
        }
    }

    /// Ends it as an orderly stop does, and starts it again on the same data.
    pub(in crate::stack) async fn restart(&self) -> Result<(), StackError> {
        self.end().await?;
        self.container.start().await.map_err(|error| failed("the simulator's container", error))
    }

    /// Kills it, and starts it again on the same data.
    pub(in crate::stack) async fn kill(&self) -> Result<(), StackError> {
        self.after_pause().await;
        match self.containers.docker.kill_container(self.id(), None).await {
            // A fault has killed it before.
            Ok(()) | Err(Error::DockerResponseServerError { status_code: 409, .. }) => {}
            Err(error) => return Err(failed("the simulator's container", error)),
        }
        self.container.start().await.map_err(|error| failed("the simulator's container", error))
    }

    async fn end(&self) -> Result<(), StackError> {
        self.after_pause().await;
        let stopped = self.container.stop_with_timeout(Some(READY.as_secs() as i32)).await;
        stopped.map_err(|error| failed("the simulator's container", error))?;
        let code = self.container.exit_code().await;
        match code.map_err(|error| failed("the simulator's container", error))? {
            Some(0) | None => Ok(()),
            Some(code) => Err(StackError::Start(format!("the simulator ended with exit code {code}"))),
        }
    }

    /// Ends it in an orderly way; nothing of it is left.
    pub(in crate::stack) async fn stop(self) -> Result<(), StackError> {
        let ended = self.end().await;
        let gone = self.container.rm().await;
        ended?;
        gone.map_err(|error| failed("the simulator's container", error))
    }
}
