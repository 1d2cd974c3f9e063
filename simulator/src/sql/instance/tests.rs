//! Statements over a stack's databases, as data: `tests/batches.txt`. A line that begins with `>` is a batch; what
//! follows it is the answer, token by token. A line with `!` begins anew. `UPDATE_GOLDEN=1` writes the answers anew.
#![allow(clippy::unwrap_used)] // A test that cannot go on says where.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use spatialcloud_backup::writer::{Damage, Description, Stripe, write_described};
use spatialcloud_tds::{Framing, Request, Value, Version};

use super::Instance;
use crate::clock::Clock;
use crate::config::{Layout, Pace, WarehouseConfig};
use crate::journal::{Fact, Filter, Journal};
use crate::site::Sites;
use crate::sql::Halt;
use crate::sql::backend::{Answer, Backend, Sink};
use crate::sql::calibration::Calibration;
use crate::sql::interpreter::{Identity, Interpreter};
use crate::sql::tables::Databases;
use crate::warehouse::RECOMMENDED_PATH;
use crate::warehouse::generation::{BackupFile, Generations};
use crate::warehouse::load::load;

/// A stack's folder with the sites CITY, which has had its night, and SHIRE, which has not.
struct Bench {
    folder: tempfile::TempDir,
    clock: Clock,
    journal: Journal,
    instance: Arc<Instance>,
}

impl Bench {
    fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let clock =
            Clock::new("2026-03-02T16:00:00Z".parse().unwrap(), Pace::Manual, jiff::tz::TimeZone::UTC);
        for code in ["CITY", "SHIRE"] {
            let site = folder.path().join("sites").join(code);
            fs::create_dir_all(site.join("cloud/Database")).unwrap();
            fs::write(
                site.join("site.json"),
                r#"{"state":"tested","keys":[],"addresses":[],"attributes":null}"#,
            )
            .unwrap();
        }
        let journal = Journal::new(clock.clone(), None).unwrap();
        let sites = Sites::open(folder.path(), journal.clone(), clock.clone(), Layout::Standard).unwrap();
        let opened = Instance::open(sites, journal.clone(), folder.path(), 2, Calibration::default());
        Bench { folder, clock, journal, instance: Arc::new(opened.unwrap()) }
    }

    fn site(&self, code: &str) -> PathBuf {
        self.folder.path().join("sites").join(code)
    }

    /// Puts a backup into a folder.
    fn put(&self, folder: &Path, name: &str, description: &Description) {
        let mut bytes = Vec::new();
        write_described(description, &mut bytes).unwrap();
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join(name), bytes).unwrap();
    }

    /// A night: a backup of that seed is loaded.
    fn night(&self, seed: u64) {
        let site = self.site("CITY");
        let cloud = site.join("cloud");
        self.put(&cloud.join("Database"), "IntraMapsSpatialCloud.bak", &small(seed));
        let at = self.clock.zoned();
        let backup = BackupFile::at(&cloud, RECOMMENDED_PATH).unwrap();
        load(&cloud, &Generations::below(&site.join("warehouse")), backup, &WarehouseConfig::default(), &at)
            .unwrap();
    }

    fn session(&self, number: u16) -> Interpreter {
        let identity = Identity {
            user: "sa".to_owned(),
            host: "workstation".to_owned(),
            application: "tests".to_owned(),
            session: number,
        };
        Interpreter::new(self.instance.clone(), self.clock.clone(), identity, "master".to_owned())
    }
}

/// A backup of the council's tables.
fn small(seed: u64) -> Description {
    Description { seed, size_bytes: 1 << 19, ..Description::default() }
}

/// What is sent goes nowhere.
struct Nowhere;

impl Sink for Nowhere {
    fn send(&mut self, _packets: &[u8]) -> std::io::Result<bool> {
        Ok(true)
    }
}

/// The answer to a batch, a token a line.
fn ask(session: &mut Interpreter, sql: &str) -> Vec<String> {
    let framing = Framing { packet_bytes: 4096, session: 51, version: Version::TDS_7_4 };
    let mut sink = Nowhere;
    let mut answer = Answer::new(framing, &mut sink, "SERVER");
    let request = Request::Batch { headers: Default::default(), sql: sql.to_owned() };
    match session.execute(&request, &mut answer) {
        Ok(()) => {}
        Err(Halt::Failed(message)) => answer.failed(&message),
        Err(halt) => panic!("{sql}: {halt:?}"),
    }
    answer.flush_done(false);
    answer.said.iter().map(|line| stable(line)).collect()
}

/// Without what differs from run to run: seconds, and the rate that follows from them.
fn stable(line: &str) -> String {
    match line.split_once(" pages in ") {
        Some((before, _)) => format!("{before} pages in …"),
        None => line.to_owned(),
    }
}

#[test]
fn a_statement_sees_one_night_however_many_come_while_it_runs() {
    let bench = Bench::new();
    bench.night(1);
    let count = |tables: &Arc<dyn crate::sql::Tables>, name: &str| {
        let known = tables.tables("CITY").unwrap();
        let table = known.iter().find(|table| table.name == name).unwrap();
        tables.rows("CITY", table).unwrap().map(|row| row.unwrap()).collect::<Vec<Vec<Value<'static>>>>()
    };
    let tonight = bench.instance.clone().snapshot(&Default::default());
    let (parcels, roads) = (count(&tonight, "parcels"), count(&tonight, "roads"));
    let before = bench.instance.clone().snapshot(&Default::default());
    // The statement has looked at one table; two nights are kept, and four pass.
    assert_eq!(count(&before, "parcels"), parcels);
    for seed in 2..6 {
        bench.night(seed);
    }
    let after = bench.instance.clone().snapshot(&Default::default());
    assert_ne!(count(&after, "parcels"), parcels);
    assert_eq!(count(&before, "roads"), roads);
    assert_eq!(count(&before, "parcels"), parcels);
    let generations = bench.site("CITY").join("warehouse/generations");
    let kept = || fs::read_dir(&generations).unwrap().count();
    assert_eq!(kept(), 3, "the night that is read, and the last two");
    drop((before, tonight));
    bench.night(6);
    assert_eq!(kept(), 2, "what nobody reads is tidied away");
}

#[test]
fn batches_are_answered_as_written() {
    let bench = Bench::new();
    bench.night(7);
    let cloud = bench.site("CITY").join("cloud/Database");
    for (name, damage) in [
        ("cut.bak", Damage::Cut),
        ("header.bak", Damage::HeaderBit),
        ("page.bak", Damage::PageBit),
        ("log-bit.bak", Damage::LogBit),
        ("newer.bak", Damage::Newer),
        ("differential.bak", Damage::Differential),
        ("log.bak", Damage::Log),
        ("two.bak", Damage::TwoSets),
        ("encrypted.bak", Damage::Encrypted),
        ("zip.bak", Damage::NotABackup),
        ("row.bak", Damage::RowBit),
    ] {
        bench.put(&cloud, name, &Description { damage: Some(damage), ..small(1) });
    }
    for number in [1, 2] {
        let stripe = Stripe { number, count: 2 };
        bench.put(&cloud, &format!("stripe{number}.bak"), &Description { stripe, ..small(3) });
    }
    bench.put(&bench.site("SHIRE").join("inbox/Database"), "waiting.bak", &small(4));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sql/instance/tests/batches.txt");
    let written = fs::read_to_string(&path).unwrap();
    let mut session = bench.session(51);
    let mut got = String::new();
    for line in written.lines().filter(|line| line.starts_with(['>', '!', '#'])) {
        if !got.is_empty() {
            got.push('\n');
        }
        got.push_str(line);
        got.push('\n');
        if line.starts_with('!') {
            session = bench.session(51);
        }
        if let Some(sql) = line.strip_prefix("> ") {
            for token in ask(&mut session, sql) {
                got.push_str(&token);
                got.push('\n');
            }
        }
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        return fs::write(&path, &got).unwrap();
    }
    let blocks = |text: &str| text.split("\n\n").map(str::to_owned).collect::<Vec<_>>();
    for (got, expected) in blocks(&got).iter().zip(&blocks(&written)) {
        assert_eq!(got.trim(), expected.trim(), "{}", path.display());
    }
    assert_eq!(got, written);
}

#[test]
fn others_in_a_database_are_in_the_way_until_they_are_ended() {
    let bench = Bench::new();
    let (mut first, mut second) = (bench.session(51), bench.session(52));
    let backup = bench.site("SHIRE").join("cloud/Database");
    bench.put(&backup, "a.bak", &small(1));
    let restore = "RESTORE DATABASE scratch FROM DISK = 'SHIRE/Database/a.bak' WITH REPLACE";
    let ends = |said: Vec<String>| said.last().cloned().unwrap();
    assert_eq!(ends(ask(&mut first, restore)), "done 229");
    ask(&mut second, "USE scratch");
    let said = ask(&mut first, restore);
    assert!(said[0].starts_with("error 3101: Exclusive access could not be obtained"), "{said:?}");
    let said = ask(&mut first, "DROP DATABASE scratch");
    assert!(said[0].starts_with("error 3702: "), "{said:?}");
    let said = ask(&mut first, "ALTER DATABASE scratch SET SINGLE_USER");
    assert!(said[0].starts_with("error 5070: "), "{said:?}");
    let said = ask(&mut first, "ALTER DATABASE scratch SET SINGLE_USER WITH ROLLBACK IMMEDIATE");
    assert_eq!(said, ["done 215"]);
    let framing = Framing { packet_bytes: 4096, session: 52, version: Version::TDS_7_4 };
    let mut sink = Nowhere;
    let mut answer = Answer::new(framing, &mut sink, "SERVER");
    let request = Request::Batch { headers: Default::default(), sql: "SELECT 1".to_owned() };
    assert!(matches!(second.execute(&request, &mut answer), Err(Halt::Gone(_))), "it was ended");
    drop((answer, second));
    let mut third = bench.session(53);
    let said = ask(&mut third, "USE scratch");
    assert!(said[0].starts_with("error 924: "), "{said:?}");
    assert_eq!(ends(ask(&mut first, "DROP DATABASE scratch")), "done 0");
    let left = fs::read_dir(bench.folder.path().join("sql/databases")).unwrap().count();
    assert_eq!(left, 0, "its files are gone");
}

#[test]
fn what_was_restored_is_gone_with_the_stack_and_nothing_half_done_is_left() {
    let bench = Bench::new();
    let backup = bench.site("SHIRE").join("cloud/Database");
    bench.put(&backup, "a.bak", &small(1));
    bench.put(&backup, "row.bak", &Description { damage: Some(Damage::RowBit), ..small(1) });
    let databases = bench.folder.path().join("sql/databases");
    let count = || fs::read_dir(&databases).unwrap().count();
    let mut session = bench.session(51);
    // The damage is met in the middle of the tables.
    let said = ask(&mut session, "RESTORE DATABASE scratch FROM DISK = 'SHIRE/Database/row.bak'");
    assert!(said.iter().any(|line| line.starts_with("error 3013: ")), "{said:?}");
    assert_eq!(count(), 0);
    // A client that gives up.
    struct GivesUp;
    impl Sink for GivesUp {
        fn send(&mut self, _packets: &[u8]) -> std::io::Result<bool> {
            Ok(false)
        }
    }
    let framing = Framing { packet_bytes: 4096, session: 51, version: Version::TDS_7_4 };
    let mut sink = GivesUp;
    let mut answer = Answer::new(framing, &mut sink, "SERVER");
    let sql = "RESTORE DATABASE scratch FROM DISK = 'SHIRE/Database/a.bak' WITH STATS = 1".to_owned();
    let request = Request::Batch { headers: Default::default(), sql };
    assert!(matches!(session.execute(&request, &mut answer), Err(Halt::Cancelled)));
    drop(answer);
    assert_eq!(count(), 0);
    let said = ask(&mut session, "RESTORE DATABASE scratch FROM DISK = 'SHIRE/Database/a.bak'");
    assert_eq!(said.last().unwrap(), "done 229");
    assert_eq!(count(), 1);
    let Bench { folder, clock, .. } = bench;
    let journal = Journal::new(clock.clone(), None).unwrap();
    let sites = Sites::open(folder.path(), journal.clone(), clock, Layout::Standard).unwrap();
    let instance = Instance::open(sites, journal, folder.path(), 2, Calibration::default()).unwrap();
    assert_eq!((count(), instance.databases()), (0, vec!["CITY".to_owned(), "SHIRE".to_owned()]));
}

#[test]
fn readers_see_a_transaction_whole_and_the_night_that_came_first_wins() {
    let bench = Bench::new();
    bench.night(1);
    let (mut writer, mut reader) = (bench.session(51), bench.session(52));
    let names = |session: &mut Interpreter| {
        let said = ask(session, "SELECT name FROM CITY.sys.tables");
        said[1..said.len() - 1].to_vec()
    };
    let (before, out) = (names(&mut reader), bench.site("CITY").join("warehouse/current/OUT"));
    let shapefile = fs::read(out.join("Transport/Roads.shp")).unwrap();
    ask(
        &mut writer,
        "BEGIN TRAN; DROP TABLE CITY.dbo.roads; SELECT * INTO CITY.dbo.lanes FROM CITY.dbo.suburbs",
    );
    assert_eq!(names(&mut reader), before, "nothing is seen before it is committed");
    assert_eq!(names(&mut writer), ["hydrants", "lanes", "parcels", "suburbs"]);
    assert_eq!(ask(&mut writer, "COMMIT").last().unwrap(), "done 213");
    assert_eq!(names(&mut reader), ["hydrants", "lanes", "parcels", "suburbs"]);
    assert_eq!(fs::read(out.join("Transport/Roads.shp")).unwrap(), shapefile, "snapshots stay");
    let events = bench.journal.events(&Filter::default());
    let told = Fact::WarehouseChanged {
        load: 2,
        user: "sa".to_owned(),
        tables: vec!["dbo.lanes".to_owned()],
        removed: vec!["dbo.roads".to_owned()],
    };
    assert_eq!(events.last().map(|event| &event.fact), Some(&told));
    // A night comes between: what began before it is not done, and says so.
    ask(&mut writer, "BEGIN TRAN; DROP TABLE CITY.dbo.lanes");
    bench.night(2);
    let said = ask(&mut writer, "COMMIT");
    assert!(said[0].starts_with("error 3960: "), "{said:?}");
    assert_eq!(ask(&mut writer, "SELECT @@TRANCOUNT")[1], "0");
    assert_eq!(names(&mut reader), ["hydrants", "lanes", "parcels", "roads", "suburbs"]);
    assert_eq!(ask(&mut writer, "DROP TABLE CITY.dbo.lanes"), ["done 0"]);
    let changes = bench.folder.path().join("sql/changes");
    drop(writer);
    assert_eq!(fs::read_dir(changes).unwrap().count(), 0, "nothing of a transaction is left");
    // The load that follows builds on what was changed, and is known by its number.
    bench.night(3);
    let (_, generation) =
        Generations::below(&bench.site("CITY").join("warehouse")).current().unwrap().unwrap();
    assert_eq!(generation.load, 5);
    assert_eq!(generation.snapshots.len(), 3);
}

#[test]
fn a_client_that_gives_up_is_heard_before_there_is_anything_to_send() {
    let bench = Bench::new();
    let mut session = bench.session(51);
    ask(&mut session, "CREATE DATABASE work; USE work; CREATE TABLE few (n int)");
    let hundred = (0..100).map(|n| format!("({n})")).collect::<Vec<_>>().join(",");
    ask(&mut session, &format!("INSERT few VALUES {hundred}"));
    /// Hears the client give up when it is asked for the second time.
    struct Hears(u32);
    impl Sink for Hears {
        fn send(&mut self, packets: &[u8]) -> std::io::Result<bool> {
            assert!(packets.is_empty(), "nothing is known yet");
            self.0 += 1;
            Ok(self.0 < 2)
        }
    }
    for sql in [
        // A hundred million pairs, of which nobody wants to see one.
        "SELECT COUNT(*) FROM few a, few b, few c, few d",
        "SELECT a.n FROM few a, few b, few c, few d ORDER BY a.n",
        "SELECT a.n INTO many FROM few a, few b, few c, few d",
        "INSERT few SELECT a.n FROM few a, few b, few c, few d",
    ] {
        let framing = Framing { packet_bytes: 4096, session: 51, version: Version::TDS_7_4 };
        let mut sink = Hears(0);
        let mut answer = Answer::new(framing, &mut sink, "SERVER");
        let request = Request::Batch { headers: Default::default(), sql: sql.to_owned() };
        let run = session.execute(&request, &mut answer);
        assert!(matches!(run, Err(Halt::Cancelled)), "{sql}: {run:?}");
        drop(answer);
        assert_eq!(sink.0, 2, "{sql}");
    }
    let said = ask(&mut session, "SELECT COUNT(*) FROM few; SELECT OBJECT_ID('many')");
    assert_eq!((said[1].as_str(), said[4].as_str()), ("100", "NULL"), "nothing of it was done");
}
