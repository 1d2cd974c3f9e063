//! `key check`: would the vendor accept this key, and how to mend it if not.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use spatialcloud_harness::stack;

use super::fail;
use crate::exit::Exit;

#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Say whether the vendor would accept the public key in FILE
    Check {
        /// The file to be handed over
        file: PathBuf,
    },
}

/// A key file is a few hundred bytes; whatever is longer is another file.
const LONGEST_FILE_BYTES: u64 = 1 << 20;

pub fn perform(arguments: &Arguments) -> Exit {
    let Action::Check { file } = &arguments.action;
    let shown = file.display();
    match std::fs::metadata(file) {
        Ok(metadata) if metadata.len() > LONGEST_FILE_BYTES => {
            return fail(Exit::Failed, format!("{shown}: {} bytes are no key", metadata.len()));
        }
        _ => {}
    }
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) => return fail(Exit::WrongUse, format!("{shown}: {error}")),
    };
    match stack::check_key(&bytes) {
        Ok(key) => {
            println!("{} RSA, {} bits, {}", super::style().good("accepted:"), key.bits, key.fingerprint);
            Exit::Passed
        }
        Err(refusal) => fail(Exit::Failed, format!("{shown}: {}", refusal.message)),
    }
}
