//! The model: what must be where after each step of a night, and which steps a night can have.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest_state_machine::ReferenceStateMachine;
use spatialcloud_harness::client::{self, Availability, BUILT_IN};

pub const SITES: &[&str] = &["CITY", "TOWN"];
/// The kind of each site's key.
pub const KEYS: &[&str] = &["rsa-2048", "rsa-3072"];
pub const PATHS: &[&str] = &[
    "Spatial/x.tif",
    "Spatial/y.tif",
    "Spatial/x.tif.filepart",
    "Web/x.tif",
    "Database/IntraMapsSpatialCloud.bak",
];
const WRONG_PATHS: &[&str] = &[
    "x.tif",
    "../TOWN/Spatial/x.tif",
    "spatial/x.tif",
    "Nowhere/x.tif",
    "Spatial/../../x.tif",
    "/etc/x.tif",
];
/// The last one is large enough to be cut in the middle.
pub const FILES: &[(&str, &str)] = &[("empty.tif", "0B"), ("small.tif", "1KiB"), ("large.tif", "700KiB")];
pub const LARGE: &str = "large.tif";
const EMPTY: &str = "empty.tif";
const MOVERS: &[&str] = &["interval", "nightly"];
/// Minutes from the first instant, 16:01, to the nightly run.
const NIGHT: u64 = 6 * 60 - 1;
const DAY: u64 = 24 * 60;
/// Real clients that take part where they are installed: quick ones that do a plain upload in a plain way.
pub const REAL_CLIENTS: &[&str] = &["openssh", "lftp", "rclone"];

/// What a file is known to hold: one of [`FILES`], or nobody knows how much of one.
pub type Content = Option<&'static str>;
pub type Place = (&'static str, &'static str);

#[derive(Clone, Debug)]
pub struct Model {
    pub client: &'static str,
    /// Whether the night is run twice, and must tell the same events.
    pub is_twice: bool,
    minute: u64,
    pub inbox: BTreeMap<Place, Content>,
    pub cloud: BTreeMap<Place, Content>,
    /// What was replaced, oldest first.
    pub history: BTreeMap<Place, Vec<Content>>,
    /// Moves that the journal tells of since the last start: at least and at most.
    pub moves: BTreeMap<Place, RangeInclusive<u64>>,
    /// An upload that is held open.
    pub held: Option<Place>,
}

#[derive(Clone, Debug)]
pub enum Transition {
    Upload(Place, &'static str),
    /// Uploads side by side, each to a place of its own.
    Together(Vec<(Place, &'static str)>),
    /// The connection is cut in the middle.
    CutUpload(Place),
    /// CLOSE is refused, after every byte was taken.
    UnclosedUpload(Place),
    UploadWrong(&'static str, &'static str),
    Rename(Place, &'static str),
    Remove(Place),
    Download(Place),
    Hold(Place),
    Finish,
    Disconnect,
    /// As the site, with another key, another name, or from an address that is not listed.
    Stranger(&'static str, &'static str),
    Advance(u64),
    Night,
    RunMover(&'static str),
    Restart,
    /// SIGKILL.
    Kill,
    /// SIGKILL before this request of an upload is done.
    KillAt(Place, &'static str),
    /// SIGKILL in the middle of a mover's run, which is then done again.
    KillMover(&'static str),
}

impl Model {
    fn new(client: &'static str, is_twice: bool) -> Model {
        Model {
            client,
            is_twice,
            minute: 0,
            inbox: BTreeMap::new(),
            cloud: BTreeMap::new(),
            history: BTreeMap::new(),
            moves: BTreeMap::new(),
            held: None,
        }
    }

    /// Everything that is due leaves; `told` is how often the journal says so.
    fn sweep(&mut self, mover: &str, told: RangeInclusive<u64>) {
        let folders: &[&str] = if mover == "interval" { &["Spatial/", "Web/"] } else { &["Database/"] };
        let leaves = |(site, path): Place| {
            folders.iter().any(|folder| path.starts_with(folder))
                && !path.ends_with(".filepart")
                && self.held != Some((site, path))
        };
        let moved: Vec<Place> = self.inbox.keys().copied().filter(|place| leaves(*place)).collect();
        for place in moved {
            let content = self.inbox.remove(&place).unwrap();
            if let Some(old) = self.cloud.insert(place, content) {
                self.history.entry(place).or_default().push(old);
            }
            let before = self.moves.get(&place).cloned().unwrap_or(0..=0);
            self.moves.insert(place, before.start() + told.start()..=before.end() + told.end());
        }
    }

    fn pass(&mut self, minutes: u64) {
        for minute in self.minute + 1..=self.minute + minutes {
            // The first instant is one minute past a run.
            if (minute + 1) % 5 == 0 {
                self.sweep("interval", 1..=1);
            }
            if minute % DAY == NIGHT {
                self.sweep("nightly", 1..=1);
            }
        }
        self.minute += minutes;
    }

    fn until_night(&self) -> u64 {
        (NIGHT + DAY - self.minute % DAY - 1) % DAY + 1
    }

    fn is_free(&self, place: Place) -> bool {
        self.held != Some(place)
    }

    /// Whether its client does this in the one way that the model knows.
    fn is_for_its_client(&self, transition: &Transition) -> bool {
        use Transition::*;
        match transition {
            Upload(..) | Together(_) | Remove(_) | Download(_) | Advance(_) | Night | RunMover(_)
            | Restart | Kill | KillMover(_) => true,
            UploadWrong(..) | Stranger(..) => [BUILT_IN, "openssh"].contains(&self.client),
            CutUpload(_) | UnclosedUpload(_) | KillAt(..) | Rename(..) | Hold(_) | Finish | Disconnect => {
                self.client == BUILT_IN
            }
        }
    }
}

fn places() -> impl Strategy<Value = Place> {
    (select(SITES), select(PATHS))
}

fn files() -> impl Strategy<Value = &'static str> {
    select(FILES.iter().map(|(name, _)| *name).collect::<Vec<_>>())
}

/// Uploads to up to four different places; one alone is what a failure may shrink to.
fn together() -> impl Strategy<Value = Transition> {
    let all: Vec<Place> =
        SITES.iter().flat_map(|site| PATHS.iter().map(move |path| (*site, *path))).collect();
    (subsequence(all, 1..=4), prop::collection::vec(files(), 4))
        .prop_map(|(places, files)| Transition::Together(places.into_iter().zip(files).collect()))
}

/// The real clients that can be used here.
pub fn usable() -> Vec<&'static str> {
    let is_usable = |name: &str| {
        let client = client::named(name).unwrap();
        matches!(client.availability(), Availability::Usable { .. })
    };
    REAL_CLIENTS.iter().copied().filter(|name| is_usable(name)).collect()
}

pub struct Nights;

impl ReferenceStateMachine for Nights {
    type State = Model;
    type Transition = Transition;

    fn init_state() -> BoxedStrategy<Model> {
        // A failure is shrunk towards what comes first.
        let plain = Just(Model::new(BUILT_IN, false));
        let twice = Just(Model::new(BUILT_IN, true));
        match usable() {
            none if none.is_empty() => prop_oneof![3 => plain, 1 => twice].boxed(),
            real => {
                let real = select(real).prop_map(|client| Model::new(client, false));
                prop_oneof![5 => plain, 2 => twice, 3 => real].boxed()
            }
        }
    }

    fn transitions(_: &Model) -> BoxedStrategy<Transition> {
        prop_oneof![
            5 => (places(), files()).prop_map(|(place, file)| Transition::Upload(place, file)),
            3 => together(),
            2 => places().prop_map(Transition::CutUpload),
            1 => places().prop_map(Transition::UnclosedUpload),
            1 => (select(SITES), select(WRONG_PATHS)).prop_map(|(site, path)| Transition::UploadWrong(site, path)),
            2 => (places(), select(PATHS)).prop_map(|(from, to)| Transition::Rename(from, to)),
            1 => places().prop_map(Transition::Remove),
            1 => places().prop_map(Transition::Download),
            2 => places().prop_map(Transition::Hold),
            2 => Just(Transition::Finish),
            1 => Just(Transition::Disconnect),
            1 => (select(SITES), select(&["key: rsa-other", "key: the neighbour's", "user: ELSEWHERE", "from: 127.0.0.9"][..]))
                .prop_map(|(site, how)| Transition::Stranger(site, how)),
            3 => (1_u64..40).prop_map(Transition::Advance),
            1 => Just(Transition::Night),
            1 => select(MOVERS).prop_map(Transition::RunMover),
            1 => Just(Transition::Restart),
            1 => Just(Transition::Kill),
            1 => (places(), select(&["open", "write", "close"][..]))
                .prop_map(|(place, at)| Transition::KillAt(place, at)),
            1 => select(MOVERS).prop_map(Transition::KillMover),
        ]
        .boxed()
    }

    fn preconditions(model: &Model, transition: &Transition) -> bool {
        let is_possible = match transition {
            Transition::Upload(place, _)
            | Transition::CutUpload(place)
            | Transition::UnclosedUpload(place)
            | Transition::KillAt(place, _)
            | Transition::Remove(place)
            | Transition::Download(place) => model.is_free(*place),
            Transition::Together(uploads) => uploads.iter().all(|(place, _)| model.is_free(*place)),
            Transition::Rename(from, to) => model.is_free(*from) && model.is_free((from.0, to)),
            // Where the order of events counts, each connection's end is waited for.
            Transition::Hold(place) => model.held.is_none() && model.is_free(*place) && !model.is_twice,
            Transition::Finish | Transition::Disconnect => model.held.is_some(),
            // A restart cuts what is held; that is what `Disconnect` is for.
            Transition::Restart => model.held.is_none(),
            // How far it came when it was killed is nobody's.
            Transition::KillMover(_) => !model.is_twice,
            _ => true,
        };
        is_possible && model.is_for_its_client(transition)
    }

    fn apply(mut model: Model, transition: &Transition) -> Model {
        match transition {
            Transition::Upload(place, file) => {
                model.inbox.insert(*place, Some(file));
            }
            Transition::Together(uploads) => {
                model.inbox.extend(uploads.iter().map(|(place, file)| (*place, Some(*file))));
            }
            Transition::CutUpload(place) => {
                model.inbox.insert(*place, None);
            }
            Transition::UnclosedUpload(place) => {
                model.inbox.insert(*place, Some(LARGE));
            }
            Transition::Rename(from, to) => {
                let target = (from.0, *to);
                if !model.inbox.contains_key(&target)
                    && let Some(content) = model.inbox.remove(from)
                {
                    model.inbox.insert(target, content);
                }
            }
            Transition::Remove(place) => {
                model.inbox.remove(place);
            }
            Transition::Hold(place) => {
                model.inbox.insert(*place, None);
                model.held = Some(*place);
            }
            Transition::Finish => {
                let place = model.held.take().unwrap();
                model.inbox.insert(place, Some(LARGE));
            }
            Transition::Disconnect => model.held = None,
            Transition::Advance(minutes) => model.pass(*minutes),
            Transition::Night => model.pass(model.until_night()),
            Transition::RunMover(mover) => model.sweep(mover, 1..=1),
            // Events are kept in memory only.
            Transition::Restart => model.moves.clear(),
            Transition::Kill => {
                model.held = None;
                model.moves.clear();
            }
            Transition::KillAt(place, at) => {
                model.held = None;
                model.moves.clear();
                match *at {
                    // What was there before is there still.
                    "open" => {}
                    "write" => drop(model.inbox.insert(*place, Some(EMPTY))),
                    _ => drop(model.inbox.insert(*place, Some(LARGE))),
                }
            }
            Transition::KillMover(mover) => {
                model.held = None;
                model.moves.clear();
                // Moved before the kill, whose journal is gone, or after it.
                model.sweep(mover, 0..=1);
            }
            Transition::UploadWrong(..) | Transition::Download(_) | Transition::Stranger(..) => {}
        }
        model
    }
}
