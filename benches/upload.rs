//! Uploads of 256 MiB to a stack in this process, by each client that is usable here.
//!
//! `cargo bench -p spatialcloud-benches`

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use spatialcloud_harness::client::{self, Availability, Login, Operation};
use spatialcloud_harness::{Stack, keys};
use tokio::runtime::Runtime;

/// Bytes of one upload.
const SIZE_BYTES: u64 = 256 << 20;

fn uploads(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("threads");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let local = folder.path().join("warehouse.bak");
    let spec = spatialcloud_backup::writer::Spec { seed: 1, size_bytes: SIZE_BYTES, damage: None };
    let file = std::io::BufWriter::new(std::fs::File::create(&local).expect("a file"));
    let size_bytes = spatialcloud_backup::writer::write(&spec, file).expect("a backup");
    let pair = keys::pair("rsa-2048").expect("a key pair");
    let stack = runtime
        .block_on(Stack::in_process().site("CITY", &pair.public, ["127.0.0.1"]).start())
        .expect("a stack");
    let login = Login::new(stack.sftp(), "CITY", pair, folder.path());
    let upload = Operation::upload(local, "Database/IntraMapsSpatialCloud.bak");
    let mut group = criterion.benchmark_group("upload");
    group.throughput(Throughput::Bytes(size_bytes)).sample_size(10).sampling_mode(SamplingMode::Flat);
    for client in client::all().into_iter().filter(|client| !client.is_profile()) {
        if let Availability::Missing { reason, .. } = client.availability() {
            eprintln!("{}: not run here: {reason}", client.name());
            continue;
        }
        group.bench_function(client.name(), |bencher| {
            bencher.to_async(&runtime).iter(|| async {
                let outcome = client.perform(&login, &upload).await;
                assert!(outcome.succeeded, "{}", outcome.output);
            });
        });
    }
    group.finish();
    runtime.block_on(stack.stop()).expect("an orderly end");
    keys::remove();
}

criterion_group!(benches, uploads);
criterion_main!(benches);
