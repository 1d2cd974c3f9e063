//! The backup reader and what it reads from: headers, checksums against `sha256sum`, rows, generator, shapefiles.
//!
//! `cargo bench -p spatialcloud-benches --bench reader`

use std::fs::File;
use std::hint::black_box;
use std::io::{self, BufReader, BufWriter, Cursor};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use spatialcloud_backup::geometry::{Geometry, SpatialType, decode};
use spatialcloud_backup::writer::{ColumnSpec, ColumnType, Description, Rows, TableSpec, write_described};
use spatialcloud_backup::{Backup, Database, Depth, Table, Value, read};
use spatialcloud_shapefile as shapefile;

/// Bytes of the backup that is verified.
const VERIFIED_BYTES: u64 = 1 << 30;
/// How often it is verified, and hashed by others, in turns.
const ROUNDS: usize = 5;
/// Rows of the simple table.
const SIMPLE_ROWS: u64 = 200_000;
/// Bytes of generated backups.
const GENERATED_BYTES: u64 = 64 << 20;

/// A backup of the usual tables.
fn usual(size_bytes: u64, is_compressed: bool) -> Description {
    Description { seed: 1, size_bytes, is_compressed, ..Description::default() }
}

fn generate(description: &Description, path: &Path) -> u64 {
    let file = File::create(path).expect("a file");
    write_described(description, BufWriter::with_capacity(1 << 20, file)).expect("a backup")
}

fn verify(path: &Path) {
    let file = BufReader::with_capacity(1 << 20, File::open(path).expect("the file"));
    let family = read(file, Depth::Everything).expect("a disk that works");
    assert!(family.problems.is_empty() && family.checks.pages > 0, "{:?}", family.problems);
}

fn sha256sum(path: &Path) {
    let status = Command::new("sha256sum").arg(path).stdout(Stdio::null()).status();
    assert!(status.expect("sha256sum, of coreutils").success());
}

fn every_value(path: &Path) -> u64 {
    let database = Database::open(Backup::file(File::open(path).expect("the file"))).expect("a backup");
    database.tables().iter().map(|table| values(&database, table)).sum()
}

fn values<S: io::Read + io::Seek>(database: &Database<S>, table: &Table) -> u64 {
    let mut rows = database.rows(table).expect("rows");
    let mut count = 0;
    while let Some(row) = rows.next_row() {
        let row = row.expect("a row");
        for index in 0..table.columns.len() {
            black_box(row.value(index).expect("a value"));
        }
        count += 1;
    }
    count
}

fn timed(what: impl FnOnce()) -> Duration {
    let start = Instant::now();
    what();
    start.elapsed()
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// In turns with its peer, since the machine is not always equally quick.
fn verified(_: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("verified.bak");
    let start = Instant::now();
    let bytes = generate(&usual(VERIFIED_BYTES, false), &path);
    let megabytes = |time: Duration| bytes as f64 / 1e6 / time.as_secs_f64();
    println!("generated to disk: {:.0} MB/s", megabytes(start.elapsed()));
    let (mut ours, mut rows, mut peer) = (Vec::new(), Vec::new(), Vec::new());
    let mut count = 0;
    for _ in 0..ROUNDS {
        ours.push(timed(|| verify(&path)));
        peer.push(timed(|| sha256sum(&path)));
        rows.push(timed(|| count = every_value(&path)));
    }
    let (ours, rows, peer) = (median(&mut ours), median(&mut rows), median(&mut peer));
    println!("checksums verified: {:.0} MB/s", megabytes(ours));
    println!("sha256sum: {:.0} MB/s", megabytes(peer));
    println!("ratio: {:.2}", peer.as_secs_f64() / ours.as_secs_f64());
    println!("rows with shapes: {:.2} million/s", count as f64 / 1e6 / rows.as_secs_f64());
    println!("ratio of checksums and rows together: {:.2}", peer.as_secs_f64() / (ours + rows).as_secs_f64());
}

fn headers(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut group = criterion.benchmark_group("headers");
    for (name, is_compressed) in [("plain 1 GiB", false), ("compressed 64 MiB", true)] {
        let path = folder.path().join(name);
        let size_bytes = if is_compressed { GENERATED_BYTES } else { VERIFIED_BYTES };
        generate(&usual(size_bytes, is_compressed), &path);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let file = File::open(&path).expect("the file");
                read(BufReader::new(file), Depth::Headers).expect("a disk that works")
            });
        });
    }
    group.finish();
}

/// Numbers, texts and a date; no shapes.
fn simple_table() -> TableSpec {
    let declared = ["int", "bigint", "decimal(12,2)", "datetime2", "varchar(20)", "nvarchar(20)"];
    let column = |declared: &str| ColumnSpec {
        name: declared.to_owned(),
        column_type: ColumnType::parse(declared).expect(declared),
        is_nullable: declared != "int",
    };
    TableSpec {
        schema: "dbo".to_owned(),
        name: "simple".to_owned(),
        columns: declared.into_iter().map(column).collect(),
        primary_key: vec![0],
        indexes: Vec::new(),
        rows: Rows::Random(SIMPLE_ROWS),
    }
}

fn decoded(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rows");
    group.sample_size(20).sampling_mode(SamplingMode::Flat);
    let simple = Description { tables: Some(vec![simple_table()]), ..usual(0, false) };
    for (name, description) in [("simple", simple), ("parcels", usual(GENERATED_BYTES, false))] {
        let mut bytes = Vec::new();
        write_described(&description, &mut bytes).expect("memory does not fail");
        let database = Database::open(Backup::file(Cursor::new(&bytes[..]))).expect("a backup");
        let table = database.table("dbo", name).expect("the table");
        group.throughput(Throughput::Elements(table.row_count));
        group.bench_function(name, |bencher| bencher.iter(|| values(&database, table)));
    }
    group.finish();
}

fn generated(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("generator");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group.throughput(Throughput::Bytes(GENERATED_BYTES));
    for (name, is_compressed) in [("plain", false), ("compressed", true)] {
        let description = usual(GENERATED_BYTES, is_compressed);
        group.bench_function(name, |bencher| {
            bencher.iter(|| write_described(&description, io::sink()).expect("a backup"));
        });
    }
    group.finish();
}

/// Both passes over a table's rows, from pages to files in memory.
fn exported(criterion: &mut Criterion) {
    let mut bytes = Vec::new();
    write_described(&usual(GENERATED_BYTES, false), &mut bytes).expect("memory does not fail");
    let database = Database::open(Backup::file(Cursor::new(&bytes[..]))).expect("a backup");
    let table = database.table("dbo", "parcels").expect("the table");
    let mut group = criterion.benchmark_group("shapefile");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group.throughput(Throughput::Elements(table.row_count));
    group.bench_function("parcels", |bencher| bencher.iter(|| export(&database, table)));
    group.finish();
}

fn export(database: &Database<Cursor<&[u8]>>, table: &Table) {
    let columns = vec![
        shapefile::Column {
            name: "id".to_owned(),
            column_type: shapefile::ColumnType::Integer { digits: 10 },
        },
        shapefile::Column {
            name: "lot".to_owned(),
            column_type: shapefile::ColumnType::Text { characters: Some(20) },
        },
    ];
    let settings = shapefile::Settings::new(SpatialType::Geometry, (2026, 3, 2));
    let mut survey = shapefile::Survey::new(columns, settings);
    each(database, table, |geometry, values| survey.see(geometry, values).expect("a row"));
    let created = shapefile::Layer::create(survey.finish(), |_, _| Ok(Cursor::new(Vec::new())));
    let mut layer = created.expect("memory does not fail");
    each(database, table, |geometry, values| layer.write(geometry, values).expect("a row"));
    black_box(layer.finish().expect("memory does not fail"));
}

fn each(
    database: &Database<Cursor<&[u8]>>,
    table: &Table,
    mut take: impl FnMut(Option<&Geometry>, &[shapefile::Value<'_>]),
) {
    let mut rows = database.rows(table).expect("rows");
    while let Some(row) = rows.next_row() {
        let row = row.expect("a row");
        let value = |index| row.value(index).expect("a value");
        let (Value::Integer(id), Value::Text(lot), Value::Binary(shape)) = (value(0), value(1), value(6))
        else {
            panic!("parcels have these columns");
        };
        let geometry = decode(&shape, SpatialType::Geometry).expect("a shape");
        take(geometry.as_ref(), &[shapefile::Value::Integer(id), shapefile::Value::Text(&lot)]);
    }
}

criterion_group!(benches, headers, decoded, generated, exported, verified);
criterion_main!(benches);
