//! Errors by number: SQL Server's own where it has one for the case, ours from 60000 on for what is not served.

use spatialcloud_tds::NOT_SERVED;

use super::Halt;

/// A statement, an expression or a procedure that is understood as such and not served.
pub const UNSUPPORTED: i32 = NOT_SERVED + 1;
/// The tables cannot be read.
pub const TABLES: i32 = NOT_SERVED + 2;
/// A mistake of the stand-in's.
pub const INTERNAL: i32 = NOT_SERVED + 9;

/// What is not served: SQL Server may know it, the stand-in does not.
pub fn unsupported(what: impl std::fmt::Display) -> Halt {
    Halt::error(UNSUPPORTED, format!("The simulated warehouse does not serve {what}."))
}

/// 102.
pub fn syntax(near: &str) -> Halt {
    Halt::error(102, format!("Incorrect syntax near '{near}'."))
}

/// 208.
pub fn no_object(name: &str) -> Halt {
    Halt::error(208, format!("Invalid object name '{name}'."))
}

/// 207.
pub fn no_column(name: &str) -> Halt {
    Halt::error(207, format!("Invalid column name '{name}'."))
}

/// 911.
pub fn no_database(name: &str) -> Halt {
    let text = format!("Database '{name}' does not exist. Make sure that the name is entered correctly.");
    Halt::error(911, text)
}

/// 2812.
pub fn no_procedure(name: &str) -> Halt {
    Halt::error(2812, format!("Could not find stored procedure '{name}'."))
}
