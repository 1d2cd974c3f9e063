//! What the simulated cloud does besides taking bytes: large folders, movers, time, the journal, starting, going on.
//!
//! `cargo bench -p spatialcloud-benches --bench simulator`

use std::path::Path;
use std::time::{Duration, Instant};

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;
use spatialcloud_harness::client::{self, Login, Operation};
use spatialcloud_harness::{Stack, keys};
use spatialcloud_simulator::clock::Clock;
use spatialcloud_simulator::config::Pace;
use spatialcloud_simulator::journal::{Fact, Journal};
use tokio::runtime::Runtime;

/// Files of a large folder.
const FILES: u64 = 100_000;
/// Events of one measurement.
const EVENTS: u64 = 100_000;
/// Bytes of an upload that goes on at its half.
const RESUMED_BYTES: u64 = 128 << 20;
/// Days of simulated time that pass at once, and the runs of movers that fall due in them: every five minutes, and nightly.
const DAYS: u64 = 30;
const RUNS: u64 = DAYS * (24 * 12 + 1);

async fn stack() -> Stack {
    let settings = json!({ "clock": { "pace": "manual", "start": "2026-03-02T16:01[Australia/Sydney]" } });
    let pair = keys::pair("rsa-2048").expect("a key pair");
    let stack = Stack::in_process().settings(settings).site("CITY", &pair.public, ["127.0.0.1"]);
    stack.start().await.expect("a stack")
}

/// Puts files there as if they had been uploaded long ago.
fn fill(stack: &Stack, round: u64) {
    let folder = stack.data().join("sites/CITY/inbox/Spatial");
    assert!(folder.is_dir(), "{} is no folder", folder.display());
    for number in 0..FILES {
        std::fs::write(folder.join(format!("tile-{round}-{number:06}.tif")), b"x").expect("a file");
    }
}

fn login(stack: &Stack, work: &Path) -> Login {
    Login::new(stack.sftp(), "CITY", keys::pair("rsa-2048").expect("a key pair"), work)
}

/// Times `measured` as often as asked, what stands before it aside.
fn timed(count: u64, mut measured: impl FnMut(u64) -> Duration) -> Duration {
    (0..count).map(&mut measured).sum()
}

fn folders(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("threads");
    let work = tempfile::tempdir().expect("a folder");
    let built_in = client::named(client::BUILT_IN).expect("the built-in client");
    let mut group = criterion.benchmark_group("100,000 files");
    group.throughput(Throughput::Elements(FILES)).sample_size(10).sampling_mode(SamplingMode::Flat);

    let listed = runtime.block_on(stack());
    fill(&listed, 0);
    let login = login(&listed, work.path());
    let list = Operation::List { path: "Spatial".to_owned() };
    group.bench_function("listed over SFTP", |bencher| {
        bencher.to_async(&runtime).iter(|| async {
            let outcome = built_in.perform(&login, &list).await;
            assert!(outcome.listing.len() as u64 >= FILES, "{}", outcome.output);
        });
    });
    runtime.block_on(listed.stop()).expect("an orderly end");

    let moved = runtime.block_on(stack());
    let mut round = 0;
    group.bench_function("taken by a mover", |bencher| {
        bencher.iter_custom(|count| {
            timed(count, |_| {
                round += 1;
                fill(&moved, round);
                // Files that somebody may still be writing are left: they have to be a while old.
                runtime.block_on(moved.advance("3m")).expect("time");
                let since = Instant::now();
                let run = runtime.block_on(moved.api().run_mover("interval")).expect("a run");
                let took = since.elapsed();
                assert!(run.to_string().contains("\"moved\":100000"), "{run}");
                took
            })
        });
    });
    group.finish();
    runtime.block_on(moved.stop()).expect("an orderly end");
}

fn time(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("threads");
    let mut group = criterion.benchmark_group("time");
    group.throughput(Throughput::Elements(RUNS)).sample_size(10).sampling_mode(SamplingMode::Flat);
    let stack = runtime.block_on(stack());
    group.bench_function("30 days of movers with nothing to move", |bencher| {
        bencher.to_async(&runtime).iter(|| stack.advance("30d"));
    });
    group.finish();
    runtime.block_on(stack.stop()).expect("an orderly end");
}

fn journal(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut group = criterion.benchmark_group("journal");
    group.throughput(Throughput::Elements(EVENTS)).sample_size(10);
    for (name, file) in
        [("in memory", None), ("with a line each in a file", Some(folder.path().join("events.jsonl")))]
    {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let journal = Journal::new(
                    Clock::new(Timestamp::UNIX_EPOCH, Pace::Manual, TimeZone::UTC),
                    file.as_deref(),
                )
                .expect("a journal");
                for number in 0..EVENTS {
                    let path = format!("Spatial/tile-{number}.tif");
                    journal.record(
                        Some("CITY"),
                        Fact::DownloadFinished { session: 1, path, read_bytes: number, duration_ms: 1 },
                    );
                }
            });
        });
    }
    group.finish();
}

fn starting(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("threads");
    let mut group = criterion.benchmark_group("a stack");
    group.sample_size(20);
    group.bench_function("started, with a site, and stopped", |bencher| {
        bencher.to_async(&runtime).iter(|| async { stack().await.stop().await.expect("an orderly end") });
    });
    group.finish();
}

fn resuming(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("threads");
    let work = tempfile::tempdir().expect("a folder");
    let local = work.path().join("warehouse.bak");
    let spec = spatialcloud_backup::writer::Spec { seed: 1, size_bytes: RESUMED_BYTES, damage: None };
    let file = std::io::BufWriter::new(std::fs::File::create(&local).expect("a file"));
    let size_bytes = spatialcloud_backup::writer::write(&spec, file).expect("a backup");
    let stack = runtime.block_on(stack());
    let login = login(&stack, work.path());
    let built_in = client::named(client::BUILT_IN).expect("the built-in client");
    let remote = "Database/IntraMapsSpatialCloud.bak";
    let upload = |resume| Operation::Upload {
        local: local.clone(),
        remote: remote.to_owned(),
        preserve_times: false,
        resume,
        arguments: Vec::new(),
    };
    let outcome = runtime.block_on(built_in.perform(&login, &upload(false)));
    assert!(outcome.succeeded, "{}", outcome.output);
    let stored = stack.data().join("sites/CITY/inbox").join(remote);
    let mut group = criterion.benchmark_group("an upload");
    group.throughput(Throughput::Bytes(size_bytes / 2)).sample_size(10).sampling_mode(SamplingMode::Flat);
    group.bench_function("goes on at its half", |bencher| {
        bencher.iter_custom(|count| {
            timed(count, |_| {
                let half = std::fs::File::options().write(true).open(&stored).expect("the file");
                half.set_len(size_bytes / 2).expect("half of it");
                let since = Instant::now();
                let outcome = runtime.block_on(built_in.perform(&login, &upload(true)));
                let took = since.elapsed();
                assert!(outcome.succeeded, "{}", outcome.output);
                assert_eq!(stored.metadata().expect("the file").len(), size_bytes);
                took
            })
        });
    });
    group.finish();
    runtime.block_on(stack.stop()).expect("an orderly end");
    keys::remove();
}

criterion_group!(benches, folders, time, journal, starting, resuming);
criterion_main!(benches);
