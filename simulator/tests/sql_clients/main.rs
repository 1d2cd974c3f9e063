//! Real SQL clients read the warehouse: each logs in, in each encryption mode that it has, and runs its script.
//!
//! A client that is missing is a test shown as ignored, with the reason; with `SPATIALCLOUD_REQUIRE=all` it fails.
//! What Python's clients find is in the golden files beside them (`UPDATE_GOLDEN=1`).

mod backups;
mod freetds;
mod gdal;
mod memory;
mod python;
mod rust;
mod server;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

/// A client in one of its modes.
struct Visit {
    title: String,
    /// What is not here, and how to get it.
    missing: Option<String>,
    make: Box<dyn FnOnce() -> Result<(), Failed> + Send>,
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let required = std::env::var("SPATIALCLOUD_REQUIRE").is_ok_and(|value| value == "all");
    let visits = [rust::visits(), python::visits(), freetds::visits(), gdal::visits()];
    let trials = visits.into_iter().flatten().map(|visit| match visit.missing {
        None => Trial::test(visit.title, visit.make),
        Some(reason) => {
            let title = format!("{} (not run here: {reason})", visit.title);
            Trial::test(title, move || Err(reason.into())).with_ignored_flag(!required)
        }
    });
    libtest_mimic::run(&arguments, trials.chain([backups::trial()]).collect()).exit_code()
}
