//! What only a network has: it is broken from beside the simulator, by a container that shares its network and may
//! change it, while the simulator itself may nothing. The control API stays in reach, but for a pause.

use std::time::Duration;

use testcontainers::core::WaitFor;
use testcontainers::core::wait::ExitWaitStrategy;
use testcontainers::{GenericImage, ImageExt};

use super::{Containers, clients_image, failed, split, sweep};
use crate::stack::StackError;

/// What is wrong with the network between clients and the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkFault {
    /// Nothing: whatever was wrong is mended.
    None,
    /// What clients send vanishes.
    Partition,
    /// The endpoint's machine stands still for so long.
    Pause(Duration),
    /// So much of what clients send vanishes, at random.
    Loss {
        /// Of a hundred packets.
        percent: u32,
    },
    /// What clients send faster vanishes, so that they slow down.
    Rate {
        /// Bytes each second.
        bytes_per_second: u64,
    },
    /// A connection on which a client has sent so much is reset.
    Reset {
        /// Bytes, headers counted.
        after_bytes: u64,
    },
    /// The endpoint's packets are no larger.
    Mtu {
        /// Bytes.
        bytes: u32,
    },
}

/// What a network of the engine has.
const USUAL_MTU: u32 = 1500;

impl NetworkFault {
    /// Commands that make it so, whatever was before.
    fn script(self) -> String {
        let mend = format!("iptables -F INPUT && ip link set eth0 mtu {USUAL_MTU}");
        let rule = |matches: String, then: &str| {
            format!("{mend} && iptables -A INPUT -p tcp --dport {} {matches} -j {then}", super::SFTP_PORT)
        };
        match self {
            NetworkFault::None | NetworkFault::Pause(_) => mend,
            NetworkFault::Partition => rule(String::new(), "DROP"),
            NetworkFault::Loss { percent } => {
                let probability = f64::from(percent) / 100.0;
                rule(format!("-m statistic --mode random --probability {probability}"), "DROP")
            }
            NetworkFault::Rate { bytes_per_second } => {
                let burst = bytes_per_second.max(64 << 10);
                let limit = format!("--hashlimit-above {bytes_per_second}b/s --hashlimit-burst {burst}b");
                rule(format!("-m hashlimit --hashlimit-name rate {limit}"), "DROP")
            }
            NetworkFault::Reset { after_bytes } => {
                let counted = "--connbytes-dir original --connbytes-mode bytes";
                rule(
                    format!("-m connbytes --connbytes {after_bytes}: {counted}"),
                    "REJECT --reject-with tcp-reset",
                )
            }
            NetworkFault::Mtu { bytes } => format!("{mend} && ip link set eth0 mtu {bytes}"),
        }
    }
}

impl Containers {
    /// Breaks or mends the network of a container.
    pub(super) async fn network(&self, container: &str, fault: NetworkFault) -> Result<(), StackError> {
        let (name, tag) = split(&clients_image());
        let ended = ExitWaitStrategy::new().with_exit_code(0);
        let beside = format!("container:{container}");
        let request = GenericImage::new(name, tag)
            .with_wait_for(WaitFor::Exit(ended))
            .with_cmd(["sh", "-c", &fault.script()])
            .with_labels([(sweep::RUN_LABEL, &self.run), (sweep::OWNER_LABEL, &self.owner)])
            .with_user("0:0")
            .with_cap_drop("ALL")
            .with_cap_add("NET_ADMIN")
            .with_cap_add("NET_RAW")
            .with_host_config_modifier(move |host| {
                host.network_mode = Some(beside.clone());
                host.publish_all_ports = Some(false);
            });
        let done = self.begin(request).await.map_err(|error| failed(&format!("{fault:?}"), error))?;
        done.rm().await.map_err(|error| failed("the container beside the simulator", error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_begins_with_a_whole_network() {
        let mend = "iptables -F INPUT && ip link set eth0 mtu 1500";
        for (fault, script) in [
            (NetworkFault::None, String::new()),
            (NetworkFault::Partition, " && iptables -A INPUT -p tcp --dport 22  -j DROP".to_owned()),
            (NetworkFault::Mtu { bytes: 600 }, " && ip link set eth0 mtu 600".to_owned()),
        ] {
            assert_eq!(fault.script(), format!("{mend}{script}"));
        }
        assert!(NetworkFault::Loss { percent: 5 }.script().contains("--probability 0.05 "));
        assert!(NetworkFault::Reset { after_bytes: 1000 }.script().contains("--connbytes 1000: "));
    }
}
