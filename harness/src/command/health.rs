//! `health`: says whether a stack answers. An image that holds nothing but this program is checked with it.

use clap::Args;

use super::{Target, answered};
use crate::exit::Exit;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    target: Target,
}

pub async fn perform(arguments: &Arguments) -> Exit {
    answered(arguments.target.api().get("readyz").await, false, |_| println!("ok"))
}
