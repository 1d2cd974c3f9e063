//! How the program ends: one line for each exit code.

use std::process::ExitCode;

/// Why the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything that ran has passed.
    Passed,
    /// The command line is wrong, or names what is not there.
    WrongUse,
    /// A scenario file cannot be read or used.
    BadScenario,
    /// The stack could not be started.
    NoStack,
    /// Something was not as expected.
    Failed,
    /// What `--require` demands is missing.
    Missing,
    /// Ctrl-C.
    Interrupted,
}

impl Exit {
    /// The number; public, and listed in the README.
    pub fn code(self) -> u8 {
        match self {
            Exit::Passed => 0,
            Exit::WrongUse => 1,
            Exit::BadScenario => 2,
            Exit::NoStack => 3,
            Exit::Failed => 4,
            Exit::Missing => 5,
            Exit::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}
