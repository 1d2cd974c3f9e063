//! `completions` and `manual`: what shells and `man` are told of the command line, from the command line itself.

use std::io::{self, Write};

use clap::{Args, Command};
use clap_complete::Shell;

use super::fail;
use crate::exit::Exit;

#[derive(Args)]
pub struct Completions {
    /// For which shell
    shell: Shell,
}

/// Prints what completes the command line in a shell.
pub fn completions(arguments: &Completions, mut command: Command) -> Exit {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "spatialcloud", &mut text);
    printed(&text)
}

/// Prints the manual: the program's page, then that of each subcommand.
pub fn manual(mut command: Command) -> Exit {
    command.build();
    let mut text = Vec::new();
    let subcommands: Vec<Command> = command.get_subcommands().cloned().collect();
    let pages =
        std::iter::once(command).chain(subcommands.into_iter().filter(|command| !command.is_hide_set()));
    for page in pages.filter(|page| page.get_name() != "help") {
        if let Err(error) = clap_mangen::Man::new(page).render(&mut text) {
            return fail(Exit::WrongUse, error);
        }
    }
    printed(&text)
}

fn printed(text: &[u8]) -> Exit {
    match io::stdout().write_all(text) {
        Ok(()) => Exit::Passed,
        Err(error) => fail(Exit::WrongUse, error),
    }
}
