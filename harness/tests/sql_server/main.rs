//! The nightly load on a SQL Server, the same on each there is: the stand-in in this process, the stand-in's image in the
//! place of Microsoft's, and Microsoft's own.
//!
//! A server that is missing is a test shown as ignored, with the reason. With `SPATIALCLOUD_REQUIRE=all` it fails where
//! the machine could have it, but for Microsoft's: whether that is here is its user's choice. With its licence
//! accepted, all of it is `ACCEPT_EULA=Y cargo test -p spatialcloud-harness --test sql_server`.

mod broken;
mod nights;
mod recorded;
mod server;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use server::{Kind, Missing, Server};
use spatialcloud_harness::keys;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let required = std::env::var("SPATIALCLOUD_REQUIRE").is_ok_and(|value| value == "all");
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => panic!("{error}"),
    };
    let mut trials = Vec::new();
    for kind in Kind::ALL {
        match runtime.block_on(kind.missing()) {
            None => trials.push(Trial::test(kind.name(), move || run(kind))),
            Some(Missing { reason, can_be_had }) => {
                let title = format!("{} (not run here: {reason})", kind.name());
                let is_ignored = !(required && can_be_had);
                trials.push(Trial::test(title, move || Err(reason.into())).with_ignored_flag(is_ignored));
            }
        }
    }
    let files = recorded::files();
    if files.is_empty() {
        let title = "the stand-in says what an engine said (not run here: nobody has recorded one)";
        trials.push(Trial::test(title, || Ok(())).with_ignored_flag(true));
    }
    for file in files {
        let title = format!("the stand-in says what was recorded in {}", file.display());
        trials
            .push(Trial::test(title, move || with_runtime(async move { recorded::said_again(&file).await })));
    }
    trials.push(Trial::test("a server that is not there", || with_runtime(nights::without_server())));
    let exit = libtest_mimic::run(&arguments, trials).exit_code();
    keys::remove();
    exit
}

/// Everything on one server: starting Microsoft's takes most of the time.
fn run(kind: Kind) -> Result<(), Failed> {
    with_runtime(async move {
        let server = Server::start(kind).await?;
        let done = async {
            nights::on(&server).await?;
            broken::on(&server).await?;
            recorded::from(&server).await
        };
        let done = done.await;
        server.stop().await;
        done.map_err(|failed| match kind {
            Kind::Container => {
                let told = failed.message().unwrap_or_default();
                format!("{told}\n(if the image is older than this: docker/build simulator makes it anew)")
                    .into()
            }
            _ => failed,
        })
    })
}

fn with_runtime(work: impl Future<Output = Result<(), Failed>>) -> Result<(), Failed> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(work)
}
