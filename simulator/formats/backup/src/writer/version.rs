//! Versions of SQL Server that a backup can say it comes from.
//!
//! They differ in what headers and the boot page tell. Pages and catalog are laid out as 2008 and later have them, so
//! 2005 is not among these.

/// A version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its name: the year.
    pub name: &'static str,
    /// Major, minor and build number.
    pub software: (u8, u8, u16),
    /// Internal version of its databases.
    pub database: u16,
    /// Compatibility level of databases made on it.
    pub compatibility: u8,
}

/// All of them, oldest first.
pub const VERSIONS: &[Version] = &[
    version("2008", (10, 0, 4067), 655, 100),
    version("2008r2", (10, 50, 4042), 661, 100),
    version("2012", (11, 0, 6020), 706, 110),
    version("2014", (12, 0, 5207), 782, 120),
    version("2016", (13, 0, 5081), 852, 130),
    version("2017", (14, 0, 2027), 869, 140),
    version("2019", (15, 0, 2080), 904, 150),
    version("2022", (16, 0, 1000), 957, 160),
    version("2025", (17, 0, 1050), 998, 170),
];

const fn version(name: &'static str, software: (u8, u8, u16), database: u16, compatibility: u8) -> Version {
    Version { name, software, database, compatibility }
}

/// What is written unless another is asked for.
pub const DEFAULT: Version = version("2016", (13, 0, 5081), 852, 130);

impl Version {
    /// The version of that name.
    pub fn named(name: &str) -> Option<Version> {
        VERSIONS.iter().find(|version| version.name == name).copied()
    }
}

impl Default for Version {
    fn default() -> Version {
        DEFAULT
    }
}
