//! Whether an engine can run on this machine, before anything is started: in words that say what to do.

use testcontainers::bollard::errors::Error;
use testcontainers::core::client::docker_client_instance;

use super::Image;

/// Kernels from this one on end builds of SQL Server that are older than they are.
const STRICT_KERNEL: (u32, u32) = (6, 7);

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It can run; what may go wrong all the same.
    Ready {
        /// Warnings, for the reader of a failure.
        warnings: Vec<String>,
    },
    /// The image is not here; everything else may be.
    NoImage {
        /// How to get it.
        remedy: String,
    },
    /// This machine cannot run it.
    Unfit {
        /// Why, and what to do.
        reasons: Vec<String>,
    },
}

/// Looks at the machine's Docker. Pulls nothing: an image is there because somebody wanted it.
pub async fn look(image: &Image) -> Found {
    let unfit = |reason: String| Found::Unfit { reasons: vec![reason] };
    let docker = match docker_client_instance().await {
        Ok(docker) => docker,
        Err(error) => return unfit(format!("Docker does not answer: {error}; install and start it")),
    };
    let info = match docker.info().await {
        Ok(info) => info,
        Err(error) => return unfit(format!("Docker does not answer: {error}; start it")),
    };
    let machine = Machine {
        memory_bytes: info.mem_total.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0),
        architecture: info.architecture.unwrap_or_default(),
        kernel: info.kernel_version.unwrap_or_default(),
    };
    match docker.inspect_image(&image.name).await {
        Ok(_) => machine.judge(image),
        Err(Error::DockerResponseServerError { status_code: 404, .. }) => {
            Found::NoImage { remedy: format!("docker pull {}", image.name) }
        }
        Err(error) => unfit(format!("Docker says of {}: {error}", image.name)),
    }
}

/// The machine that Docker runs containers on.
struct Machine {
    memory_bytes: u64,
    architecture: String,
    kernel: String,
}

impl Machine {
    fn judge(&self, image: &Image) -> Found {
        let mut reasons = Vec::new();
        if self.memory_bytes < image.least_memory_bytes {
            reasons.push(format!(
                "{} needs {} MB of memory, and Docker has {} MB: give it more",
                image.what,
                image.least_memory_bytes / 1_000_000,
                self.memory_bytes / 1_000_000
            ));
        }
        if image.is_licensed && !["x86_64", "amd64"].contains(&self.architecture.as_str()) {
            reasons.push(format!(
                "{} runs on amd64, and Docker runs on {}: emulation is not reliable; use another machine, or a server elsewhere with --server",
                image.what, self.architecture
            ));
        }
        if !reasons.is_empty() {
            return Found::Unfit { reasons };
        }
        let is_strict =
            image.is_licensed && version(&self.kernel).is_some_and(|kernel| kernel >= STRICT_KERNEL);
        let warnings = is_strict.then(|| {
            format!(
                "the kernel is {}: builds of SQL Server from before it end at once; if this one does, name a newer one with {}",
                self.kernel,
                super::IMAGE_VARIABLE
            )
        });
        Found::Ready { warnings: warnings.into_iter().collect() }
    }
}

/// The first two numbers of a version such as `6.8.0-49-generic`.
fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split(['.', '-']).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_machine_is_said_before_anything_is_started() {
        let machine = |memory_mb: u64, architecture: &str, kernel: &str| Machine {
            memory_bytes: memory_mb * 1_000_000,
            architecture: architecture.to_owned(),
            kernel: kernel.to_owned(),
        };
        let told = |found: Found| match found {
            Found::Ready { warnings } => warnings.join("; "),
            Found::Unfit { reasons } => format!("unfit: {}", reasons.join("; ")),
            Found::NoImage { remedy } => remedy,
        };
        let microsoft = Image::microsoft();
        for (machine, says) in [
            (machine(8000, "x86_64", "5.15.0-1-generic"), ""),
            (
                machine(1900, "x86_64", "5.15.0"),
                "unfit: Microsoft SQL Server needs 2000 MB of memory, and Docker has 1900 MB",
            ),
            (
                machine(8000, "aarch64", "5.15.0"),
                "unfit: Microsoft SQL Server runs on amd64, and Docker runs on aarch64",
            ),
            (
                machine(8000, "x86_64", "6.7.1"),
                "the kernel is 6.7.1: builds of SQL Server from before it end at once",
            ),
            (machine(8000, "x86_64", "6.6.99"), ""),
            (machine(8000, "x86_64", "odd"), ""),
        ] {
            let told = told(machine.judge(&microsoft));
            assert!(told.starts_with(says) && told.is_empty() == says.is_empty(), "{told}");
        }
        let small = machine(100, "aarch64", "6.8.0").judge(&Image::stand_in("x"));
        assert_eq!(small, Found::Ready { warnings: Vec::new() });
    }
}
