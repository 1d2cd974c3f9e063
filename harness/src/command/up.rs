//! `up`: starts a Spatial Cloud here, prints one card with everything needed, runs until it is ended.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use spatialcloud_harness::keys::{self, KeyPair};
use spatialcloud_harness::scenario::node;
use spatialcloud_harness::stack::StackError;
use spatialcloud_harness::{Stack, stack};

use super::{ended, events, fail};
use crate::exit::Exit;

/// The site that is there where no configuration names another.
pub const DEMO: &str = "DEMO";

#[derive(Args)]
pub struct Arguments {
    /// Settings as YAML, as under `settings:` in a scenario
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder that keeps everything; without it, a temporary one that is removed at the end
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where SFTP listens
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:2222")]
    listen: SocketAddr,
    /// Where the control API listens
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8022")]
    http: SocketAddr,
    /// How simulated time passes: real, xN (N times faster) or manual
    #[arg(long, value_name = "PACE")]
    clock: Option<String>,
    /// Seed of every random choice
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Demand this token of whoever calls the control API
    #[arg(long, value_name = "TOKEN", env = "SPATIALCLOUD_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Make no demonstration site
    #[arg(long)]
    no_demo: bool,
    /// Print one line of JSON when ready, and nothing else
    #[arg(long)]
    json: bool,
    /// End also when standard input ends: when whoever started it has gone
    #[arg(long)]
    until_eof: bool,
}

pub async fn perform(arguments: Arguments) -> Exit {
    let settings = match settings(&arguments) {
        Ok(settings) => settings,
        Err(message) => return fail(Exit::WrongUse, message),
    };
    let has_sites = settings["sites"].as_object().is_some_and(|sites| !sites.is_empty());
    let mut builder =
        Stack::in_process().alone().settings(settings).http(arguments.http).token(arguments.token.clone());
    if let Some(data) = &arguments.data {
        builder = builder.data(data);
    }
    let stack = match builder.start().await {
        Ok(stack) => stack,
        Err(StackError::Settings(message)) => return fail(Exit::WrongUse, message),
        Err(error) => return fail(Exit::NoStack, error),
    };
    let demo = match has_sites || arguments.no_demo {
        true => None,
        false => match demo(&stack).await {
            Ok(demo) => Some(demo),
            Err(message) => return fail(Exit::NoStack, message),
        },
    };
    if arguments.json {
        println!("{}", card_as_json(&stack, demo.as_ref()));
    } else {
        print!("{}", card(&stack, demo.as_ref(), arguments.data.is_some()));
    }
    let log = (!arguments.json).then(|| tokio::spawn(events::log(stack.api().clone())));
    tokio::select! {
        () = ended() => {}
        () = eof(), if arguments.until_eof => {}
    }
    if let Some(log) = log {
        log.abort();
    }
    match stack.stop().await {
        Ok(()) => {
            if !arguments.json {
                eprintln!("\nstopped; everything is put away");
            }
            Exit::Passed
        }
        Err(error) => fail(Exit::NoStack, error),
    }
}

/// Waits for the end of standard input; one that cannot be read has ended.
async fn eof() {
    let read = || io::copy(&mut io::stdin(), &mut io::sink());
    let _ = tokio::task::spawn_blocking(read).await;
}

fn settings(arguments: &Arguments) -> Result<Value, String> {
    let mut settings = match &arguments.config {
        None => json!({}),
        Some(path) => {
            let text =
                std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
            let node =
                node::parse(&text).map_err(|error| format!("{}: {}", path.display(), error.message))?;
            match node.to_json() {
                Value::Null => json!({}),
                settings @ Value::Object(_) => settings,
                _ => return Err(format!("{}: expected a map of settings", path.display())),
            }
        }
    };
    let mut put = |part: &str, name: &str, value: Value| {
        if !settings[part].is_object() {
            settings[part] = json!({});
        }
        settings[part][name] = value;
    };
    put("endpoint", "listen", json!(arguments.listen));
    if let Some(pace) = &arguments.clock {
        put("clock", "pace", json!(pace));
    }
    if let Some(seed) = arguments.seed {
        settings["seed"] = json!(seed);
    }
    let from = arguments.config.as_ref().map(|path| format!("{}: ", path.display())).unwrap_or_default();
    stack::check_settings(&settings).map_err(|reason| format!("{from}{reason}"))?;
    Ok(settings)
}

/// The demonstration site: its key pair, made once and kept beside the stack's data.
pub struct Demo {
    /// The keys.
    pub pair: KeyPair,
    known_hosts: PathBuf,
}

/// Makes the demonstration site, unless it is there.
pub async fn demo(stack: &Stack) -> Result<Demo, String> {
    let folder = stack.data().join("demo");
    let shown = |error: io::Error| format!("the demonstration site's key: {error}");
    std::fs::create_dir_all(&folder).map_err(shown)?;
    let folder = folder.canonicalize().map_err(shown)?;
    let private = folder.join("demo_rsa");
    let pair = tokio::task::spawn_blocking(move || kept_pair(&private))
        .await
        .map_err(|error| error.to_string())?
        .map_err(shown)?;
    let sftp = stack.sftp();
    let known_hosts = folder.join("known_hosts");
    let line = format!("[{}]:{} {}\n", sftp.host, sftp.port, sftp.host_key);
    std::fs::write(&known_hosts, line).map_err(shown)?;
    if stack.api().get(&format!("sites/{DEMO}")).await.is_err() {
        // Whoever can reach the endpoint's address may be this machine under any of its own.
        let from = ["127.0.0.0/8".to_owned(), "::1".to_owned(), sftp.host.clone()];
        let from: Vec<String> =
            from.into_iter().filter(|address| address != "0.0.0.0" && address != "::").collect();
        stack.api().create_site(DEMO, &pair.public, &from, true).await.map_err(|error| error.to_string())?;
    }
    Ok(Demo { pair, known_hosts })
}

fn kept_pair(private: &Path) -> io::Result<KeyPair> {
    if !private.exists() {
        return keys::make(private, &["-t", "rsa", "-b", "2048"]);
    }
    let ppk = private.with_added_extension("ppk");
    Ok(KeyPair {
        private: private.to_owned(),
        ppk: ppk.exists().then_some(ppk),
        public: std::fs::read_to_string(private.with_added_extension("pub"))?.trim().to_owned(),
    })
}

/// Everything that is needed to connect.
pub fn card(stack: &Stack, demo: Option<&Demo>, is_kept: bool) -> String {
    let (style, sftp) = (super::style(), stack.sftp());
    let mut lines = vec![
        ("host", sftp.host.clone()),
        ("port", sftp.port.to_string()),
        ("host key", sftp.host_key_fingerprint.clone()),
    ];
    if let Some(demo) = demo {
        lines.push(("user", DEMO.to_owned()));
        lines.push(("key", demo.pair.private.display().to_string()));
        if let Some(ppk) = &demo.pair.ppk {
            lines.push(("key (PuTTY)", ppk.display().to_string()));
        }
    }
    lines.push(("page", page(stack)));
    lines.push(("API", format!("{}/api/v1", stack.api().url())));
    if let Some(token) = stack.token() {
        lines.push(("API token", token.to_owned()));
    }
    if let Some(sql) = stack.sql() {
        lines.push(("SQL", format!("{},{} as {}, password {}", sql.host, sql.port, sql.user, sql.password)));
    }
    let kept = if is_kept { "" } else { " (removed at the end; --data DIR keeps it)" };
    lines.push(("data", format!("{}{kept}", stack.data().display())));
    let mut text = format!("{}\n", style.strong("The Spatial Cloud is up."));
    for (name, value) in lines {
        text.push_str(&format!("  {name:<12} {value}\n"));
    }
    if let Some(demo) = demo {
        text.push_str(&format!("\nUpload a file:\n  {}\n", paste(stack, demo)));
    }
    text.push_str("\nMove time on to tonight:\n  spatialcloud clock advance --to nightly");
    if stack.api().url() != "http://127.0.0.1:8022" {
        text.push_str(&format!(" --api {}", stack.api().url()));
    }
    text.push_str("\n\nCtrl-C ends it.\n\n");
    text
}

/// Where a browser shows it all; the address lets in by itself.
fn page(stack: &Stack) -> String {
    let token = stack.token().map(|token| format!("?token={token}")).unwrap_or_default();
    format!("{}/{token}", stack.api().url())
}

/// One line that uploads a file with the client everybody has.
fn paste(stack: &Stack, demo: &Demo) -> String {
    let sftp = stack.sftp();
    format!(
        "echo 'put /etc/hostname Spatial/hello.txt' | sftp -b - -P {} -i {} -o UserKnownHostsFile={} {DEMO}@{}",
        sftp.port,
        demo.pair.private.display(),
        demo.known_hosts.display(),
        sftp.host
    )
}

fn card_as_json(stack: &Stack, demo: Option<&Demo>) -> Value {
    let sftp = stack.sftp();
    let mut card = json!({
        "sftp": {"host": sftp.host, "port": sftp.port, "host_key": sftp.host_key},
        "http": stack.api().url(),
        "page": page(stack),
    });
    if let Some(demo) = demo {
        card["sftp"]["user"] = json!(DEMO);
        card["sftp"]["key"] = json!(demo.pair.private);
    }
    if let Some(sql) = stack.sql() {
        card["sql"] = json!({"host": sql.host, "port": sql.port, "user": sql.user, "password": sql.password});
    }
    if let Some(token) = stack.token() {
        card["token"] = json!(token);
    }
    card
}
