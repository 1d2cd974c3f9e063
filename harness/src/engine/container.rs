//! Starts an engine, waits until it lets somebody in, and removes it again.

use std::collections::HashMap;
use std::fs::{self, Permissions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use spatialcloud_sql_client::{Connection, Encryption, Login};
use testcontainers::bollard::models::PortBinding;
use testcontainers::core::client::docker_client_instance;
use testcontainers::core::{IntoContainerPort, Mount, WaitFor};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, GenericImage, ImageExt};

use super::preflight::{Found, look};
use super::sweep::{FOLDER_PREFIX, LABEL, owner, remove, sweep};
use super::{EngineError, Image, is_licence_accepted};

/// Port of SQL Server in the container.
const PORT: u16 = 1433;
/// Longest wait until it lets somebody in; a cold disk takes Microsoft's image a minute.
const READY_TIMEOUT: Duration = Duration::from_secs(240);
/// First wait between two tries, doubled each time.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// Longest of them.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Lines of the log that a failure shows.
const SHOWN_LINES: usize = 15;
/// The engine runs as a user of its own: it must be able to read what is put into its folder, and to write there.
const FOLDER_MODE: u32 = 0o777;
const FILE_MODE: u32 = 0o644;

/// A running engine. Dropped, its container and its folder are gone.
pub struct Engine {
    image: Image,
    container: ContainerAsync<GenericImage>,
    login: Login,
    folder: tempfile::TempDir,
}

impl Engine {
    /// Starts one; `progress` hears what it waits for.
    ///
    /// # Errors
    /// [`EngineError`], with the container's last words where it ended by itself.
    pub async fn start(image: Image, progress: &mut (dyn FnMut(&str) + Send)) -> Result<Engine, EngineError> {
        let warnings = match look(&image).await {
            Found::Ready { warnings } => warnings,
            Found::NoImage { remedy } => {
                let told = format!("the image {} is not here; `{remedy}` brings it", image.name);
                return Err(EngineError::Environment(told));
            }
            Found::Unfit { reasons } => return Err(EngineError::Environment(reasons.join("; "))),
        };
        if image.is_licensed && !is_licence_accepted() {
            return Err(EngineError::Licence { image: image.name });
        }
        if let Ok(docker) = docker_client_instance().await {
            sweep(&docker).await;
        }
        progress(&format!("starting {} from {}", image.what, image.name));
        let folder = tempfile::Builder::new().prefix(FOLDER_PREFIX).tempdir();
        let folder = folder.map_err(|error| EngineError::Folder { folder: std::env::temp_dir(), error })?;
        let password = password();
        prepare(&image, folder.path(), &password)?;
        let failed = |reason: String, log: String| EngineError::Container {
            image: image.name.clone(),
            reason: warnings.iter().fold(reason, |reason, warning| format!("{reason} ({warning})")),
            log,
        };
        let container = request(&image, folder.path(), &password).start().await;
        let container =
            container.map_err(|error| failed(format!("does not start: {error}"), String::new()))?;
        let port = match container.get_host_port_ipv4(PORT).await {
            Ok(port) => port,
            // One that has ended already has none.
            Err(error) => return Err(failed(format!("has no port: {error}"), last_words(&container).await)),
        };
        let login = Login {
            host: "127.0.0.1".to_owned(),
            port,
            user: "sa".to_owned(),
            password,
            database: None,
            encryption: Encryption::default(),
        };
        let engine = Engine { image: image.clone(), container, login, folder };
        match engine.ready(progress).await {
            Ok(()) => Ok(engine),
            Err(reason) => {
                let log = last_words(&engine.container).await;
                engine.stop().await;
                Err(failed(reason, log))
            }
        }
    }

    /// As whom to log in, and where.
    pub fn login(&self) -> &Login {
        &self.login
    }

    /// The folder of backups as this machine sees it: what is put there the engine can read.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The same folder as the engine sees it.
    pub fn folder_on_server(&self) -> &'static str {
        self.image.folder
    }

    /// Removes it, and waits until it is gone; whoever still asks it something is not answered.
    pub async fn stop(&self) {
        // What could not be removed the next run sweeps away.
        if let Ok(docker) = docker_client_instance().await {
            remove(&docker, self.container.id()).await;
        }
        let _ = fs::remove_dir_all(self.folder.path());
    }

    /// Waits for the words in its log, and then until it lets somebody in.
    async fn ready(&self, progress: &mut (dyn FnMut(&str) + Send)) -> Result<(), String> {
        let since = Instant::now();
        let mut wait = FIRST_WAIT;
        loop {
            if !self.container.is_running().await.unwrap_or(false) {
                let code = self.container.exit_code().await.ok().flatten();
                return Err(format!(
                    "ended by itself, with {}",
                    code.map_or("no code".to_owned(), |code| code.to_string())
                ));
            }
            let log = log(&self.container).await;
            let last = match self.image.ready.iter().find(|words| !log.contains(*words)) {
                Some(words) => format!("its log does not say {words:?}"),
                None => match Connection::open(&self.login).await {
                    Ok(_) => {
                        progress(&format!(
                            "{} is ready after {} s",
                            self.image.what,
                            since.elapsed().as_secs()
                        ));
                        return Ok(());
                    }
                    Err(error) => error.to_string(),
                },
            };
            if since.elapsed() > READY_TIMEOUT {
                return Err(format!("is not ready after {} s: {last}", READY_TIMEOUT.as_secs()));
            }
            progress(&format!("waiting: {last}"));
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }
}

async fn log(container: &ContainerAsync<GenericImage>) -> String {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let said = container.stdout_to_vec().await.map(text).unwrap_or_default();
    said + &container.stderr_to_vec().await.map(text).unwrap_or_default()
}

async fn last_words(container: &ContainerAsync<GenericImage>) -> String {
    let log = log(container).await;
    let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n")
}

/// Puts a file where the server behind `here` can read it; answers its place there.
///
/// # Errors
/// The disk's.
pub fn put(file: &Path, here: &Path, name: &str) -> std::io::Result<PathBuf> {
    let placed = here.join(name);
    fs::copy(file, &placed)?;
    fs::set_permissions(&placed, Permissions::from_mode(FILE_MODE))?;
    Ok(placed)
}

fn prepare(image: &Image, folder: &Path, password: &str) -> Result<(), EngineError> {
    let failed = |error| EngineError::Folder { folder: folder.to_owned(), error };
    fs::set_permissions(folder, Permissions::from_mode(FOLDER_MODE)).map_err(failed)?;
    if let Some((name, text)) = image.settings {
        let file = folder.join(name);
        fs::write(&file, text.replace("{password}", password)).map_err(failed)?;
        fs::set_permissions(&file, Permissions::from_mode(FILE_MODE)).map_err(failed)?;
    }
    Ok(())
}

fn request(image: &Image, folder: &Path, password: &str) -> testcontainers::ContainerRequest<GenericImage> {
    let (name, tag) = match image.name.rsplit_once(':') {
        // A port of a registry has a path behind it.
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (image.name.as_str(), "latest"),
    };
    let port = format!("{PORT}/tcp");
    let mut request = GenericImage::new(name, tag)
        // It is waited for below, where its end is noticed too.
        .with_wait_for(WaitFor::Nothing)
        .with_exposed_port(PORT.tcp())
        .with_label(LABEL, owner())
        .with_container_name(format!("spatialcloud-sql-server-{}-{}", std::process::id(), unique()))
        .with_mount(Mount::bind_mount(folder.display().to_string(), image.folder))
        // To this machine only: the password is nobody's secret.
        .with_host_config_modifier(move |config| {
            config.publish_all_ports = Some(false);
            let binding =
                PortBinding { host_ip: Some("127.0.0.1".to_owned()), host_port: Some(String::new()) };
            config.port_bindings = Some(HashMap::from([(port.clone(), Some(vec![binding]))]));
        });
    if image.is_licensed {
        request = request
            .with_env_var(super::LICENCE_VARIABLE, "Y")
            .with_env_var("MSSQL_SA_PASSWORD", password)
            .with_env_var("MSSQL_PID", "Developer");
    }
    if !image.command.is_empty() {
        request = request.with_cmd(image.command.iter().copied());
    }
    if let Some(user) = image.user {
        request = request.with_user(user);
    }
    request
}

/// A number that no other container of this process has.
fn unique() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Long enough and of enough kinds of letter for SQL Server's policy; it guards a port of this machine while a run lasts.
fn password() -> String {
    // The standard library's hash maps have a secret of the operating system's, anew for each.
    let secret = || RandomState::new().build_hasher().finish();
    format!("Aa1-{:016x}{:016x}", secret(), secret())
}
