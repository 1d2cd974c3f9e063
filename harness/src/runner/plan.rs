//! Decides which scenario runs with which client, and says why where it does not.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;

use super::Warehouse;
use crate::client::{self, Availability, Client, InContainers, Login, Operation};
use crate::scenario::{self, LoadError, Scenario};
use crate::shard::Shard;
use crate::stack::Stacks;
use crate::step;

/// Which cases are wanted.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Only these clients.
    pub clients: Option<Vec<String>>,
    /// Only cases whose name contains this.
    pub filter: Option<String>,
    /// Seed in place of the scenarios' own.
    pub seed: Option<u64>,
    /// Only the i-th of n parts, counted from 1: (i, n).
    pub shard: Option<Shard>,
    /// What cases took in an earlier run, in milliseconds, by name: parts are made equally long.
    pub durations: BTreeMap<String, u64>,
    /// Each case so many times.
    pub repeat: usize,
    /// Where the stacks come from.
    pub stacks: Stacks,
    /// The SQL Server that loads backups; absent: they are read here.
    pub warehouse: Option<Arc<Warehouse>>,
}

/// A scenario with a client.
#[derive(Clone)]
pub struct Case {
    /// Topic and file without ending, such as `nightly/backup-is-loaded`.
    pub scenario_name: String,
    /// The file.
    pub path: PathBuf,
    /// What it says.
    pub scenario: Arc<Scenario>,
    /// The client.
    pub client: &'static dyn Client,
    /// Its version, as the program tells it.
    pub client_version: String,
    /// The seed.
    pub seed: u64,
    /// Which repetition, from 1.
    pub repetition: usize,
    /// Where its stack comes from.
    pub stacks: Stacks,
    /// The SQL Server that loads its backups.
    pub warehouse: Option<Arc<Warehouse>>,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.name())
    }
}

impl Case {
    /// The whole name: scenario, row, client, and which repetition.
    pub fn name(&self) -> String {
        let repetition = if self.repetition > 1 { format!(" #{}", self.repetition) } else { String::new() };
        format!("{}{repetition}", self.name_of_all())
    }

    /// What all its repetitions are called.
    pub fn name_of_all(&self) -> String {
        let row = self.scenario.row.as_ref().map(|row| format!(" ({row})")).unwrap_or_default();
        format!("{}{row} [{}]", self.scenario_name, self.client.name())
    }

    /// The command that runs this case again.
    pub fn replay(&self) -> String {
        let quoted = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
        let filter =
            self.scenario.row.as_ref().map(|row| format!(" --filter {}", quoted(&format!("({row})"))));
        let path = self.path.display().to_string();
        let is_plain = path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
        format!(
            "spatialcloud run {} --client {} --seed {}{}",
            if is_plain { path } else { quoted(&path) },
            self.client.name(),
            self.seed,
            filter.unwrap_or_default()
        )
    }
}

/// Why a client did not run a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SkipKind {
    /// It is not installed here.
    Missing,
    /// It has no such ability.
    Unable,
    /// The stack cannot do it.
    Stack,
}

/// A scenario that a client did not run.
#[derive(Clone, Debug)]
pub struct Skip {
    /// Scenario and row.
    pub scenario_name: String,
    /// The client.
    pub client: &'static str,
    /// Missing or unable, it or the stack.
    pub kind: SkipKind,
    /// Why, and how to mend it if it is missing.
    pub reason: String,
}

/// What will run, and what will not.
#[derive(Clone, Default)]
pub struct Plan {
    /// What runs.
    pub cases: Vec<Case>,
    /// What does not, and why.
    pub skips: Vec<Skip>,
    /// Every client that was asked for, with its version or the reason it is missing.
    pub clients: Vec<(&'static dyn Client, Availability)>,
    /// How many scenarios were read, rows counted.
    pub scenarios: usize,
}

/// Why no plan could be made.
#[derive(Debug)]
pub enum PlanError {
    /// A path cannot be read.
    Paths(std::io::Error),
    /// Files that cannot be used.
    Files(Vec<LoadError>),
}

/// Reads the files and decides.
pub fn plan(paths: &[PathBuf], options: &Options) -> Result<Plan, PlanError> {
    let files = scenario::find(paths).map_err(PlanError::Paths)?;
    let mut mistakes = Vec::new();
    let mut scenarios = Vec::new();
    for file in files {
        match scenario::load(&file) {
            Ok(found) => {
                scenarios.extend(found.into_iter().map(|scenario| (file.clone(), Arc::new(scenario))))
            }
            Err(mistake) => mistakes.push(mistake),
        }
    }
    if !mistakes.is_empty() {
        return Err(PlanError::Files(mistakes));
    }
    // What stands for a client that runs here takes part only where somebody names it.
    let names_it = |names: &Option<Vec<String>>, client: &dyn Client| {
        names.as_ref().is_some_and(|names| names.iter().any(|name| name == client.name()))
    };
    let wanted = |client: &dyn Client| match (&options.clients, client.stands_for()) {
        (None, None) => true,
        (None, Some(_)) => scenarios.iter().any(|(_, scenario)| names_it(&scenario.clients, client)),
        (names, _) => names_it(names, client),
    };
    let place = options.stacks.place();
    let clients: Vec<_> = client::all()
        .into_iter()
        .filter(|client| wanted(*client))
        .map(|client| (client, client.availability_at(&place)))
        .collect();
    let mut plan = Plan { scenarios: scenarios.len(), clients: clients.clone(), ..Plan::default() };
    for (path, scenario) in scenarios {
        let needs = Needs::of(&scenario);
        let scenario_name = short_name(&path);
        for (client, availability) in &clients {
            let is_named = names_it(&scenario.clients, *client);
            if scenario.clients.is_some() && !is_named {
                continue;
            }
            if client.stands_for().is_some() && !is_named && options.clients.is_none() {
                continue;
            }
            let skip = |kind, reason| Skip {
                scenario_name: scenario_name.clone(),
                client: client.name(),
                kind,
                reason,
            };
            if let Some(reason) = scenario.except.get(client.name()) {
                plan.skips.push(skip(SkipKind::Unable, reason.clone()));
                continue;
            }
            if let Err(reason) = needs.met_by(*client, &options.stacks) {
                plan.skips.push(skip(SkipKind::Unable, reason));
                continue;
            }
            if let Err(reason) = needs.met_on(&options.stacks, &scenario, *client) {
                plan.skips.push(skip(SkipKind::Stack, reason));
                continue;
            }
            match availability {
                Availability::Missing { reason, remedy } => {
                    plan.skips.push(skip(SkipKind::Missing, format!("{reason}: {remedy}")));
                }
                Availability::Usable { version } => {
                    plan.cases.extend((1..=options.repeat.max(1)).map(|repetition| Case {
                        scenario_name: scenario_name.clone(),
                        path: path.clone(),
                        scenario: scenario.clone(),
                        client: *client,
                        client_version: version.clone(),
                        seed: options.seed.unwrap_or_else(|| scenario.settings["seed"].as_u64().unwrap_or(1)),
                        repetition,
                        stacks: options.stacks.clone(),
                        warehouse: options.warehouse.clone(),
                    }))
                }
            }
        }
    }
    if let Some(filter) = &options.filter {
        plan.cases.retain(|case| case.name().contains(filter));
        plan.skips.retain(|skip| skip.scenario_name.contains(filter));
    }
    if let Some(shard) = options.shard {
        let names: Vec<String> = plan.cases.iter().map(Case::name).collect();
        let parts = parts(&names, shard.total as usize, &options.durations);
        let mut part = parts.iter();
        plan.cases.retain(|_| part.next() == Some(&(shard.index as usize)));
    }
    Ok(plan)
}

/// The part, from 0, of each case: longest first, each to the part that has least. What is not known counts as
/// the mean, so without durations every part gets the same number.
fn parts(names: &[String], count: usize, durations: &BTreeMap<String, u64>) -> Vec<usize> {
    let mean = durations.values().sum::<u64>().checked_div(durations.len() as u64).unwrap_or(1).max(1);
    let duration = |name: &String| durations.get(name).copied().unwrap_or(mean);
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(duration(&names[index])));
    let mut loads = vec![0; count];
    let mut parts = vec![0; names.len()];
    for index in order {
        let part = (0..count).min_by_key(|&part| loads[part]).unwrap_or_default();
        loads[part] += duration(&names[index]);
        parts[index] = part;
    }
    parts
}

/// Topic and file without ending.
pub fn short_name(path: &std::path::Path) -> String {
    let file = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    match path.parent().and_then(|parent| parent.file_name()) {
        Some(topic) if topic != "scenarios" && topic != "." => format!("{}/{file}", topic.to_string_lossy()),
        _ => file,
    }
}

/// What a scenario asks of its client.
struct Needs {
    operations: Vec<Operation>,
    builtin: bool,
    source_address: bool,
    password: bool,
    sql: bool,
    /// SHA-1 signatures are taken.
    sha1: bool,
    /// The network is broken.
    network: bool,
    /// Why its stack must be its own.
    own_stack: Option<&'static str>,
}

impl Needs {
    fn of(scenario: &Scenario) -> Needs {
        let names = step::Names {
            files: scenario.files.keys().cloned().collect(),
            sites: scenario.sites.keys().cloned().collect(),
        };
        let steps = scenario.steps.iter().chain(&scenario.always);
        // Steps were parsed when the file was read; those with captures in them parse the same here.
        let steps: Vec<_> = steps.filter_map(|node| step::parse(node, &names).ok()).collect();
        let operations: Vec<Operation> = steps.iter().flat_map(|step| step.operations()).collect();
        Needs {
            // Where no client takes part, one run says it all.
            builtin: operations.is_empty() || steps.iter().any(|step| step.needs_builtin()),
            source_address: steps.iter().any(|step| step.needs_source_address()),
            password: steps.iter().any(|step| step.needs_password()),
            sql: steps.iter().any(|step| step.needs_sql()),
            // A scenario that names its clients knows what it asks of them.
            sha1: scenario.clients.is_some()
                || scenario.settings["endpoint"]["allow-ssh-rsa"].as_bool().unwrap_or(false),
            network: steps.iter().any(|step| step.needs_network()),
            own_stack: scenario
                .twice
                .then_some("it compares the events of two stacks")
                .or_else(|| steps.iter().find_map(|step| step.needs_own_stack())),
            operations,
        }
    }

    fn met_on(&self, stacks: &Stacks, scenario: &Scenario, client: &dyn Client) -> Result<(), String> {
        if self.network && !stacks.have_a_network() {
            return Err("it breaks the network, and only --stack containers has one of its own".to_owned());
        }
        if stacks.have_a_network() {
            if let InContainers::No(reason) = client.in_containers() {
                return Err(format!("{}: {reason}", client.name()));
            }
            if self.source_address && client.in_containers() == InContainers::Ours {
                return Err(
                    "it comes from several addresses, and our own client runs on one machine".to_owned()
                );
            }
            if scenario.settings["endpoint"].get("legacy-ftp").is_some() {
                return Err("it calls the legacy port, which is inside the container".to_owned());
            }
        }
        match stacks {
            Stacks::InProcess => Ok(()),
            Stacks::Containers(_) => Ok(()),
            Stacks::Attached(attached) => {
                if let Some(reason) = self.own_stack {
                    return Err(reason.to_owned());
                }
                if self.source_address {
                    attached.has_addresses()?;
                }
                if self.sql && attached.sql().is_none() {
                    return Err("it asks in SQL, and the stack does not listen for that".to_owned());
                }
                attached.has_settings(&scenario.settings)
            }
        }
    }

    fn met_by(&self, client: &dyn Client, stacks: &Stacks) -> Result<(), String> {
        if self.builtin && client.name() != client::BUILT_IN {
            return Err("only the built-in client can stop in the middle, and no other is needed where none takes part".to_owned());
        }
        if client.signs_with_sha1_only(&stacks.place()) && !self.sha1 {
            return Err(
                "it signs with SHA-1 only, which the endpoint refuses (allow-ssh-rsa is off)".to_owned()
            );
        }
        let login = Login {
            // On a network a client comes from its own machine's address, and need not choose one.
            source_address: (self.source_address && !stacks.have_a_network())
                .then_some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            password: self.password.then(String::new),
            ..Login::default()
        };
        self.operations
            .iter()
            .try_for_each(|operation| client.can(Some(&login), operation))
            .map_err(str::to_owned)
    }
}

/// Skips of the same client for the same reason, counted; where it is the stack's reason, of all clients.
pub fn grouped(skips: &[Skip]) -> BTreeMap<(SkipKind, &'static str, &str), usize> {
    let mut groups = BTreeMap::new();
    for skip in skips {
        let client = if skip.kind == SkipKind::Stack { "" } else { skip.client };
        *groups.entry((skip.kind, client, skip.reason.as_str())).or_insert(0) += 1;
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_equally_long_and_hold_every_case_once() {
        let names: Vec<String> = ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec();
        let durations = BTreeMap::from([("a".to_owned(), 900), ("b".to_owned(), 300), ("c".to_owned(), 300)]);
        let found = parts(&names, 2, &durations);
        assert_eq!(found.len(), names.len());
        let load = |wanted: usize| {
            let of = names.iter().zip(&found).filter(|(_, part)| **part == wanted);
            of.map(|(name, _)| durations.get(name).copied().unwrap_or(500)).sum::<u64>()
        };
        assert_eq!((load(0), load(1)), (1200, 1300));
        let counts = parts(&names, 2, &BTreeMap::new());
        assert_eq!(counts.iter().filter(|part| **part == 0).count(), 3);
    }
}
