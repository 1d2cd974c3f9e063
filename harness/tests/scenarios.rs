//! Every scenario file is one test.
fn main() {}
