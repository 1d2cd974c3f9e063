//! The step that breaks the network between clients and the endpoint, and mends it.

use std::time::Duration;

use async_trait::async_trait;

use super::{Failure, Names, Parsed, Step, World};
use crate::scenario::fields::{Fields, Mistake};
use crate::stack::NetworkFault;

/// What can be wrong with it, and what has to be said of it.
const FAULTS: &[(&str, Option<&str>)] = &[
    ("none", None),
    ("partition", None),
    ("pause", Some("for-ms")),
    ("loss", Some("percent")),
    ("rate", Some("per-second")),
    ("reset", Some("after")),
    ("mtu", Some("bytes")),
];

struct Network(NetworkFault);

pub(super) fn network(fields: &mut Fields<'_>, _names: &Names) -> Parsed {
    let names: Vec<&str> = FAULTS.iter().map(|(name, _)| *name).collect();
    let fault = fields.need_one_of("fault", "network fault", &names)?;
    let place = fields.place().clone();
    // All are asked for, whatever the fault: the schema knows what is asked for.
    let mut said = Vec::new();
    for (name, least, most) in [("for-ms", 1, 60_000), ("percent", 1, 99), ("bytes", 300, 1500)] {
        if let Some(number) = fields.number(name)? {
            if !(least..=most).contains(&number) {
                let place = fields.place_of(name);
                return Err(Mistake::new(place, format!("{name}: expected a number from {least} to {most}")));
            }
            said.push((name, number as u64));
        }
    }
    for name in ["per-second", "after"] {
        said.extend(fields.size(name)?.map(|size_bytes| (name, size_bytes)));
    }
    let wanted = FAULTS.iter().find(|(name, _)| *name == fault).and_then(|(_, wanted)| *wanted);
    let number = match (wanted, said.as_slice()) {
        (None, []) => 0,
        (Some(wanted), [(name, number)]) if wanted == *name => *number,
        (Some(wanted), _) => {
            return Err(Mistake::new(&place, format!("network: {fault} takes {wanted:?} and nothing else")));
        }
        (None, _) => return Err(Mistake::new(&place, format!("network: {fault} takes nothing else"))),
    };
    let small = u32::try_from(number).unwrap_or(u32::MAX);
    Ok(Box::new(Network(match fault.as_str() {
        "partition" => NetworkFault::Partition,
        "pause" => NetworkFault::Pause(Duration::from_millis(number)),
        "loss" => NetworkFault::Loss { percent: small },
        "rate" => NetworkFault::Rate { bytes_per_second: number },
        "reset" => NetworkFault::Reset { after_bytes: number },
        "mtu" => NetworkFault::Mtu { bytes: small },
        _ => NetworkFault::None,
    })))
}

#[async_trait]
impl Step for Network {
    fn needs_network(&self) -> bool {
        true
    }

    async fn run(&self, world: &mut World) -> Result<(), Failure> {
        Ok(world.stack.network(self.0).await?)
    }
}
