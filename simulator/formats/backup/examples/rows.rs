//! Reads every row of a backup and tells how long that took: `cargo run --release --example rows FILE.bak [TIMES]`.

use std::fs::File;
use std::time::Instant;

use spatialcloud_backup::{Backup, Database};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("which file?")?;
    let times: u32 = arguments.next().map_or(Ok(1), |times| times.parse())?;
    let begun = Instant::now();
    let database = Database::open(Backup::file(File::open(&path)?))?;
    println!("opened in {:?}", begun.elapsed());
    for table in database.tables() {
        let (begun, mut count) = (Instant::now(), 0_u64);
        for _ in 0..times {
            let mut rows = database.rows(table)?;
            while let Some(row) = rows.next_row() {
                let row = row?;
                for index in 0..row.len() {
                    std::hint::black_box(row.value(index)?);
                }
                count += 1;
            }
        }
        let seconds = begun.elapsed().as_secs_f64();
        let per_second = count as f64 / seconds;
        println!(
            "{}.{}: {count} rows of {} columns, {per_second:.0} rows/s",
            table.schema,
            table.name,
            table.columns.len()
        );
    }
    Ok(())
}
