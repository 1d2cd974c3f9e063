//! A judge that is not ours: GDAL reads what was written, PROJ knows the same projections.
//!
//! A judge that is missing is a test shown as ignored; with `SPATIALCLOUD_REQUIRE=all` it fails.

mod support;

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use libtest_mimic::{Arguments, Failed, Trial};
use spatialcloud_backup::geometry::{Geometry, Position, Ring, Section, Shape, SpatialType};
use spatialcloud_shapefile::{ColumnType, Value, known_srids, projection};
use support::{column, geometry, settings, write, xy};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let required = std::env::var("SPATIALCLOUD_REQUIRE").is_ok_and(|value| value == "all");
    let present =
        |program: &str| Command::new(program).arg("--version").stdin(Stdio::null()).output().is_ok();
    let tests = [
        ("ogrinfo", "shapes read as they were", shapes as fn() -> Result<(), Failed>),
        ("ogrinfo", "kinds of geometry read as what they are", kinds),
        ("ogrinfo", "attributes read as they were", attributes),
        ("ogrinfo", "the index finds what is there and nothing else", index),
        ("gdalsrsinfo", "projections are those of PROJ", projections),
    ];
    let trials = tests.into_iter().map(|(program, title, test)| {
        Trial::test(format!("{program}: {title}"), test).with_ignored_flag(!present(program) && !required)
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn run(program: &str, arguments: &[&str]) -> Result<String, Failed> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{program}: {error}; apt-get install gdal-bin"))?;
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaints = String::from_utf8_lossy(&output.stderr);
    if output.status.success() && complaints.trim().is_empty() {
        Ok(words)
    } else {
        Err(format!("{program} {arguments:?}: {}\n{complaints}\n{words}", output.status).into())
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, got: T, expected: T) -> Result<(), Failed> {
    if got == expected { Ok(()) } else { Err(format!("{what}: expected {expected:?}\ngot {got:?}").into()) }
}

/// The geometry of each feature, as well-known text; `NULL` for none.
fn features(shp: &Path, more: &[&str]) -> Result<Vec<String>, Failed> {
    let path = shp.to_string_lossy();
    let words = run("ogrinfo", &[&["-al", "-q", "-fields=NO"], more, &[&path]].concat())?;
    let mut features = Vec::new();
    for line in
        words.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("Layer name"))
    {
        if line.starts_with("OGRFeature") {
            features.push("NULL".to_owned());
        } else if let Some(last) = features.last_mut() {
            // How whole numbers and multipoints are spelt depends on GDAL's version.
            *last = line.replace(".0 ", " ").replace(".0,", ",").replace(".0)", ")");
            if last.starts_with("MULTIPOINT") {
                *last = last.replace("((", "(").replace("),(", ",").replace("))", ")");
            }
        }
    }
    Ok(features)
}

fn written(shapes: &[Option<Geometry>], spatial_type: SpatialType) -> Result<tempfile::TempDir, Failed> {
    let folder = tempfile::tempdir()?;
    let columns = [column("id", ColumnType::Integer { digits: 10 })];
    let rows: Vec<_> =
        shapes.iter().cloned().zip(1..).map(|(shape, id)| (shape, vec![Value::Integer(id)])).collect();
    write(folder.path(), "t", settings(spatial_type), &columns, &rows)?;
    Ok(folder)
}

fn zm(x: f64, y: f64, z: Option<f64>, m: Option<f64>) -> Position {
    Position { x, y, z, m }
}

fn square(x: f64, y: f64, half: f64) -> Vec<Position> {
    let (l, r, b, t) = (x - half, x + half, y - half, y + half);
    vec![xy(l, b), xy(r, b), xy(r, t), xy(l, t), xy(l, b)]
}

fn shapes() -> Result<(), Failed> {
    let (z, m) = (Some(3.5), Some(4.0));
    let cases: [(&str, Vec<Shape>, &[&str]); 9] = [
        ("Point", vec![Shape::Point(Some(xy(1.0, 2.5))), Shape::Point(None)], &["POINT (1 2.5)", "NULL"]),
        ("3D Point", vec![Shape::Point(Some(zm(1.0, 2.0, z, None)))], &["POINT Z (1 2 3.5)"]),
        ("Measured Point", vec![Shape::Point(Some(zm(1.0, 2.0, None, m)))], &["POINT M (1 2 4)"]),
        ("3D Measured Point", vec![Shape::Point(Some(zm(1.0, 2.0, z, m)))], &["POINT ZM (1 2 3.5 4)"]),
        (
            "Multi Point",
            vec![
                Shape::MultiPoint(vec![Some(xy(1.0, 2.0)), Some(xy(3.0, 4.0))]),
                Shape::Point(Some(xy(5.0, 6.0))),
            ],
            &["MULTIPOINT (1 2,3 4)", "MULTIPOINT (5 6)"],
        ),
        (
            "3D Line String",
            vec![Shape::MultiLineString(vec![
                vec![zm(0.0, 0.0, z, None), xy(1.0, 1.0)],
                vec![xy(5.0, 5.0), xy(6.0, 6.0)],
            ])],
            &["MULTILINESTRING Z ((0 0 3.5,1 1 0),(5 5 0,6 6 0))"],
        ),
        (
            "Measured Line String",
            vec![Shape::LineString(vec![zm(0.0, 0.0, None, m), zm(1.0, 1.0, None, Some(5.0))])],
            &["LINESTRING M (0 0 4,1 1 5)"],
        ),
        (
            "Polygon",
            vec![
                Shape::Polygon(vec![square(0.0, 0.0, 2.0), square(0.0, 0.0, 1.0)]),
                Shape::MultiPolygon(vec![
                    vec![square(0.0, 0.0, 2.0), square(0.0, 0.0, 1.0)],
                    vec![square(10.0, 0.0, 2.0)],
                ]),
                Shape::CurvePolygon(vec![Ring::Plain(Section::Line(square(5.0, 5.0, 1.0)))]),
            ],
            &[
                "POLYGON ((-2 -2,-2 2,2 2,2 -2,-2 -2),(-1 -1,1 -1,1 1,-1 1,-1 -1))",
                "MULTIPOLYGON (((-2 -2,-2 2,2 2,2 -2,-2 -2),(-1 -1,1 -1,1 1,-1 1,-1 -1)),((8 -2,8 2,12 2,12 -2,8 -2)))",
                "POLYGON ((4 4,4 6,6 6,6 4,4 4))",
            ],
        ),
        (
            "3D Measured Polygon",
            vec![Shape::Polygon(vec![
                square(0.0, 0.0, 1.0).into_iter().map(|point| Position { z, m, ..point }).collect(),
            ])],
            &["POLYGON ZM ((-1 -1 3.5 4,-1 1 3.5 4,1 1 3.5 4,1 -1 3.5 4,-1 -1 3.5 4))"],
        ),
    ];
    for (kind, shapes, expected) in cases {
        let rows: Vec<_> = shapes.into_iter().map(geometry).collect();
        let folder = written(&rows, SpatialType::Geometry)?;
        let shp = folder.path().join("t.shp");
        same(kind, features(&shp, &[])?, expected.iter().map(ToString::to_string).collect())?;
        let summary = run("ogrinfo", &["-so", "-al", &shp.to_string_lossy()])?;
        if !summary.contains(&format!("Geometry: {kind}\n")) {
            return Err(format!("a layer of {kind} expected, got {summary}").into());
        }
    }
    Ok(())
}

/// Mixed tables, tables of nothing, and geography in its own direction.
fn kinds() -> Result<(), Failed> {
    let line = Shape::LineString(vec![xy(0.0, 0.0), xy(1.0, 1.0)]);
    let area = Shape::Polygon(vec![square(0.0, 0.0, 1.0)]);
    let mixed = [
        geometry(Shape::Point(Some(xy(5.0, 5.0)))),
        geometry(area.clone()),
        geometry(Shape::GeometryCollection(vec![area, line])),
    ];
    let folder = written(&mixed, SpatialType::Geometry)?;
    for (name, geometry, count) in
        [("t", "Polygon", 2), ("t_line", "Line String", 1), ("t_point", "Point", 1)]
    {
        let path = folder.path().join(format!("{name}.shp"));
        let summary = run("ogrinfo", &["-so", "-al", &path.to_string_lossy()])?;
        for expected in [
            format!("Geometry: {geometry}\n"),
            format!("Feature Count: {count}\n"),
            "GDA94 / MGA zone 55".to_owned(),
        ] {
            if !summary.contains(&expected) {
                return Err(format!("{name}: {expected:?} expected, got {summary}").into());
            }
        }
    }
    for rows in [vec![None, None], Vec::new()] {
        let folder = written(&rows, SpatialType::Geometry)?;
        same("nothing", features(&folder.path().join("t.shp"), &[])?.len(), rows.len())?;
    }
    // The hole first, and each ring with its inside on the left.
    let mut hole = square(150.0, -33.0, 0.25);
    hole.reverse();
    let geography = Geometry::new(4283, Shape::Polygon(vec![hole, square(150.0, -33.0, 0.5)]));
    let folder = written(&[Some(geography)], SpatialType::Geography)?;
    let expected = "POLYGON ((149.5 -33.5,149.5 -32.5,150.5 -32.5,150.5 -33.5,149.5 -33.5),\
                    (149.75 -33.25,150.25 -33.25,150.25 -32.75,149.75 -32.75,149.75 -33.25))";
    same("geography", features(&folder.path().join("t.shp"), &[])?, vec![expected.to_owned()])
}

fn attributes() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let columns = [
        column("parcel", ColumnType::Integer { digits: 10 }),
        column("big", ColumnType::Integer { digits: 19 }),
        column("price", ColumnType::Decimal { precision: 19, scale: 4 }),
        column("ratio", ColumnType::Double),
        column("small", ColumnType::Single),
        column("owner", ColumnType::Text { characters: Some(40) }),
        column("built", ColumnType::Date),
        column("changed", ColumnType::Moment { characters: 23 }),
        column("heritage", ColumnType::Boolean),
    ];
    let full = vec![
        Value::Integer(-7),
        Value::Integer(123_456_789_012_345),
        Value::Text("1250000.5000"),
        Value::Double(1.5e-9),
        Value::Single(0.25),
        Value::Text("Te Whānau-ā-Apanui, Straße 5"),
        Value::Date { year: 1901, month: 1, day: 31 },
        Value::Text("2026-03-02T16:00:00.123"),
        Value::Boolean(true),
    ];
    let rows = vec![
        (geometry(Shape::Point(Some(xy(1.0, 1.0)))), full),
        (geometry(Shape::Point(Some(xy(2.0, 2.0)))), vec![Value::Null; 9]),
    ];
    write(folder.path(), "t", settings(SpatialType::Geometry), &columns, &rows)?;
    let words = run("ogrinfo", &["-al", "-q", "-geom=NO", &folder.path().join("t.shp").to_string_lossy()])?;
    let values: Vec<&str> =
        words.lines().filter_map(|line| line.split_once(" = ")).map(|(_, value)| value).collect();
    // GDAL's version decides how it shows a logical field: as text, or as a number that can be NULL.
    let (truth, nothing) = match values.get(8).copied() {
        Some("T") => ("T", "?"),
        _ => ("1", "(null)"),
    };
    let mut nulls = ["(null)"; 9];
    nulls[8] = nothing;
    let expected = [
        "-7",
        "123456789012345",
        "1250000.5000",
        "0.000000001500000",
        "0.2500000",
        "Te Whānau-ā-Apanui, Straße 5",
        "1901/01/31",
        "2026-03-02T16:00:00.123",
        truth,
    ];
    same(&words, values, [expected, nulls].concat())
}

/// A thousand parcels: each window gives the same features with the index as without.
fn index() -> Result<(), Failed> {
    let parcel = |n: u32| {
        let (x, y) = (
            300_000.0 + f64::from(n * 7919 % 1000) * 35.0,
            5_800_000.0 + f64::from(n * 104_729 % 997) * 41.0,
        );
        geometry(Shape::Polygon(vec![square(x, y, 5.0 + f64::from(n % 60))]))
    };
    let mut rows: Vec<_> = (0..1000).map(parcel).collect();
    rows[500] = None;
    let folder = written(&rows, SpatialType::Geometry)?;
    let with = folder.path().join("t.shp");
    let without = tempfile::tempdir()?;
    for extension in ["shp", "shx", "dbf"] {
        std::fs::copy(with.with_extension(extension), without.path().join(format!("t.{extension}")))?;
    }
    let mut most = 0;
    for (x, y, side) in [
        (300_000, 5_800_000, 2_000),
        (310_000, 5_810_000, 5_000),
        (334_000, 5_839_000, 900),
        (0, 0, 10),
        (300_000, 5_800_000, 50_000),
    ] {
        let area = [x, y, x + side, y + side].map(|ordinate| ordinate.to_string());
        let [left, bottom, right, top] = &area;
        let window = ["-spat", left, bottom, right, top];
        let found = features(&with, &window)?;
        same("a window", found.clone(), features(&without.path().join("t.shp"), &window)?)?;
        most = most.max(found.len());
    }
    same("features in the largest window", most, 999)?;
    // GDAL says in its debug output whether it uses an index.
    let output = Command::new("ogrinfo")
        .args(["--debug", "on", "-al", "-q", "-spat", "300000", "5800000", "302000", "5802000"])
        .arg(&with)
        .output()?;
    let words = String::from_utf8_lossy(&output.stderr);
    if words.contains("Used spatial index") {
        Ok(())
    } else {
        Err(format!("the index was not used: {words}").into())
    }
}

fn projections() -> Result<(), Failed> {
    let mut wrong = Vec::new();
    for srid in known_srids() {
        let expected = run("gdalsrsinfo", &["--single-line", "-o", "wkt_esri", &format!("EPSG:{srid}")])?;
        if projection(srid).as_deref() != Some(expected.trim()) {
            wrong.push(format!("{srid}: expected {}\ngot {:?}", expected.trim(), projection(srid)));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}
