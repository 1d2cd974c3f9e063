//! Upload of 256 MiB.
fn main() {}
