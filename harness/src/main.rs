//! The `spatialcloud` program.
fn main() {}
