//! Sets that were written, read back by the small reader of these tests.

mod support;

use proptest::prelude::*;
use spatialcloud_backup::geometry::{Geometry, Position, Shape, SpatialType};
use spatialcloud_shapefile::{ColumnType, Kind, LeftOut, Value, What, WriteError};
use support::{Record, column, geometry, read_dbf, read_shp, search_qix, settings, write, xy};

struct Set {
    folder: tempfile::TempDir,
    report: spatialcloud_shapefile::Report,
}

impl Set {
    fn of(shapes: Vec<Option<Geometry>>, spatial_type: SpatialType) -> Set {
        let folder = tempfile::tempdir().expect("a folder");
        let columns = [column("id", ColumnType::Integer { digits: 10 })];
        let rows: Vec<_> =
            shapes.into_iter().zip(1..).map(|(shape, id)| (shape, vec![Value::Integer(id)])).collect();
        let report = write(folder.path(), "t", settings(spatial_type), &columns, &rows).expect("written");
        Set { folder, report }
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.path().join(name)).expect(name)
    }

    fn records(&self, name: &str) -> (i32, Vec<Record>) {
        read_shp(&self.bytes(&format!("{name}.shp")), &self.bytes(&format!("{name}.shx")))
    }

    fn ids(&self, name: &str) -> Vec<String> {
        read_dbf(&self.bytes(&format!("{name}.dbf"))).1.into_iter().map(|row| row[0].clone()).collect()
    }

    fn whats(&self) -> Vec<What> {
        self.report.notices.iter().map(|notice| notice.what.clone()).collect()
    }
}

fn point(x: f64, y: f64) -> Option<Geometry> {
    geometry(Shape::Point(Some(xy(x, y))))
}

fn line(points: &[(f64, f64)]) -> Shape {
    Shape::LineString(points.iter().map(|(x, y)| xy(*x, *y)).collect())
}

fn triangle() -> Shape {
    Shape::Polygon(vec![vec![xy(0.0, 0.0), xy(4.0, 0.0), xy(0.0, 4.0), xy(0.0, 0.0)]])
}

#[test]
fn each_kind_of_geometry_has_its_own_file_and_most_rows_the_tables_name() {
    let mixed =
        Shape::GeometryCollection(vec![line(&[(0.0, 0.0), (1.0, 1.0)]), Shape::Point(Some(xy(9.0, 9.0)))]);
    let rows = vec![point(5.0, 5.0), geometry(triangle()), geometry(triangle()), None, geometry(mixed)];
    let set = Set::of(rows, SpatialType::Geometry);
    let of = |name: &str| (set.records(name).0, set.records(name).1.len(), set.ids(name).join(" "));
    // Polygons and points have two rows each: polygons come first.
    assert_eq!(of("t"), (5, 3, "2 3 4".to_owned()));
    assert_eq!(of("t_line"), (3, 1, "5".to_owned()));
    assert_eq!(of("t_point"), (1, 2, "1 5".to_owned()));
    assert_eq!(set.records("t").1[2].shape_type, 0);
    assert_eq!(
        set.whats(),
        [
            What::Split { kind: Kind::Lines, suffix: "_line", records: 1 },
            What::Split { kind: Kind::Points, suffix: "_point", records: 2 },
            What::CollectionSplit,
            What::RingsTurned,
        ]
    );
    let nulls: Vec<u32> = set.report.files.iter().map(|file| file.null_shapes).collect();
    assert_eq!(nulls, [1, 0, 0]);
}

#[test]
fn the_first_row_does_not_decide() {
    let set =
        Set::of(vec![point(1.0, 1.0), geometry(triangle()), geometry(triangle())], SpatialType::Geometry);
    assert_eq!((set.records("t").0, set.records("t_point").0), (5, 1));
}

#[test]
fn one_multipoint_makes_all_points_multipoints() {
    let many = geometry(Shape::MultiPoint(vec![Some(xy(1.0, 1.0)), Some(xy(2.0, 2.0))]));
    let set = Set::of(vec![point(5.0, 6.0), many], SpatialType::Geometry);
    let (shape_type, records) = set.records("t");
    assert_eq!((shape_type, records[0].shape_type, records[1].parts[0].len()), (8, 8, 2));
    assert_eq!(records[0].bounds, [5.0, 6.0, 5.0, 6.0]);
}

#[test]
fn empty_shapes_and_tables_without_any() {
    let rows = vec![geometry(Shape::Polygon(Vec::new())), None];
    let set = Set::of(rows, SpatialType::Geometry);
    assert_eq!((set.records("t").0, set.records("t").1.len()), (0, 2));
    assert_eq!(set.whats(), [What::NoGeometry, What::Empty]);
    assert_eq!(search_qix(&set.bytes("t.qix"), [-1e9, -1e9, 1e9, 1e9]), []);
    let none = Set::of(Vec::new(), SpatialType::Geometry);
    assert_eq!((none.records("t").1.len(), none.ids("t").len()), (0, 0));
    let globe = Set::of(vec![Some(Geometry::new(4326, Shape::FullGlobe))], SpatialType::Geography);
    assert!(globe.whats().contains(&What::FullGlobe));
}

#[test]
fn arcs_are_stroked_and_it_is_said_how_finely() {
    let arc = Shape::CircularString(vec![xy(0.0, 0.0), xy(50.0, 50.0), xy(100.0, 0.0)]);
    let set = Set::of(vec![geometry(arc)], SpatialType::Geometry);
    let points = &set.records("t").1[0].parts[0];
    assert!(points.len() > 200, "{}", points.len());
    for pair in points.windows(2) {
        let middle = ((pair[0][0] + pair[1][0]) / 2.0 - 50.0).hypot((pair[0][1] + pair[1][1]) / 2.0);
        assert!((middle - 50.0).abs() < 0.001);
    }
    assert_eq!(set.whats(), [What::Stroked { tolerance_billionths: 1_000_000 }]);
}

#[test]
fn the_projection_is_that_of_most_rows() {
    let at = |srid| Some(Geometry::new(srid, Shape::Point(Some(xy(1.0, 1.0)))));
    let set = Set::of(vec![at(0), at(7855), at(7855)], SpatialType::Geometry);
    assert!(set.bytes("t.prj").starts_with(b"PROJCS[\"GDA2020_MGA_Zone_55\""));
    assert_eq!(set.whats(), [What::MixedProjections { taken: 7855, others: 1 }]);
    let unknown = Set::of(vec![at(12345)], SpatialType::Geometry);
    assert_eq!(unknown.whats(), [What::NoProjection { srid: 12345 }]);
    assert!(!unknown.report.files[0].projection && !unknown.folder.path().join("t.prj").exists());
    assert_eq!(set.bytes("t.cpg"), b"UTF-8");
}

#[test]
fn a_file_stops_before_its_limit() {
    let folder = tempfile::tempdir().expect("a folder");
    let columns = [column("name", ColumnType::Text { characters: Some(200) })];
    let rows: Vec<_> = (0..100).map(|x| (point(f64::from(x), 0.0), vec![Value::Text("x")])).collect();
    // Points take 28 bytes after 100, attributes 201 after 66.
    for (most_bytes, extension, row) in
        [(100 + 28 * 10, "shp", 11), (66 + 201 * 10 - 1, "dbf", 10), (66 + 201 * 10, "dbf", 11)]
    {
        let limited = spatialcloud_shapefile::Settings { most_bytes, ..settings(SpatialType::Geometry) };
        let columns = if extension == "shp" { Vec::new() } else { columns.to_vec() };
        let rows: Vec<_> = rows
            .iter()
            .map(|(shape, values)| (shape.clone(), values.iter().take(columns.len()).copied().collect()))
            .collect();
        match write(folder.path(), "t", limited, &columns, &rows) {
            Err(WriteError::TooLarge { extension: found, row: at, .. }) => {
                assert_eq!((found, at), (extension, row))
            }
            other => panic!("{other:?}"),
        }
        let bytes = std::fs::metadata(folder.path().join(format!("t.{extension}"))).expect("begun").len();
        assert!(bytes <= most_bytes, "{bytes} of {most_bytes}");
    }
}

#[test]
fn attributes_come_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let columns = [
        column("assessment_number", ColumnType::Integer { digits: 19 }),
        column("Value (m²)", ColumnType::Decimal { precision: 19, scale: 4 }),
        column("name", ColumnType::Text { characters: None }),
        column("photo", ColumnType::Other),
        column("surveyed", ColumnType::Date),
        column("changed", ColumnType::Moment { characters: 23 }),
        column("key", ColumnType::Guid),
        column("heritage", ColumnType::Boolean),
        column("ratio", ColumnType::Double),
    ];
    let long = "ā".repeat(200);
    let full = vec![
        Value::Integer(-42),
        Value::Text("1234.5000"),
        Value::Text(&long),
        Value::Null,
        Value::Date { year: 2026, month: 3, day: 2 },
        Value::Text("2026-03-02T16:00:00.123"),
        Value::Text("c6c44151-8a2c-4c6c-9bf5-2e02090c8ebc"),
        Value::Boolean(true),
        Value::Double(1e-300),
    ];
    let rows = vec![(point(1.0, 2.0), full), (None, vec![Value::Null; 9])];
    let report =
        write(folder.path(), "t", settings(SpatialType::Geometry), &columns, &rows).expect("written");
    let (fields, read) = read_dbf(&std::fs::read(folder.path().join("t.dbf")).expect("written"));
    let field = |name: &str, kind, width, decimals| (name.to_owned(), kind, width, decimals);
    assert_eq!(
        fields,
        [
            field("assessment", 'N', 18, 0),
            field("Value__m__", 'N', 20, 4),
            field("name", 'C', 254, 0),
            field("surveyed", 'D', 8, 0),
            field("changed", 'C', 23, 0),
            field("key", 'C', 36, 0),
            field("heritage", 'L', 1, 0),
            field("ratio", 'F', 24, 15),
        ]
    );
    let cut = "ā".repeat(127);
    assert_eq!(
        read,
        [
            [
                "-42",
                "1234.5000",
                &cut,
                "20260302",
                "2026-03-02T16:00:00.123",
                "c6c44151-8a2c-4c6c-9bf5-2e02090c8ebc",
                "T",
                "1e-300"
            ],
            ["", "", "", "00000000", "", "", "?", ""],
        ]
    );
    let told: Vec<What> = report.notices.into_iter().map(|notice| notice.what).collect();
    let named = |column: &str| column.to_owned();
    assert_eq!(
        told,
        [
            What::FieldRenamed { column: named("Value (m²)"), field: named("Value__m__") },
            What::FieldRenamed { column: named("assessment_number"), field: named("assessment") },
            What::ColumnLeftOut { column: named("photo"), why: LeftOut::Type },
            What::AsText { column: named("changed") },
            What::AsText { column: named("key") },
            What::TextCut { column: named("name"), most_bytes: 254 },
        ]
    );
}

#[test]
fn a_table_of_nothing_but_geometry_and_one_of_too_many_columns() {
    let folder = tempfile::tempdir().expect("a folder");
    let bare = vec![(point(1.0, 1.0), Vec::new()), (point(2.0, 2.0), Vec::new())];
    write(folder.path(), "bare", settings(SpatialType::Geometry), &[], &bare).expect("written");
    let (fields, rows) = read_dbf(&std::fs::read(folder.path().join("bare.dbf")).expect("written"));
    assert_eq!((fields[0].0.as_str(), rows), ("FID", vec![vec!["0".to_owned()], vec!["1".to_owned()]]));
    let columns: Vec<_> =
        (0..300).map(|n| column(&format!("c{n}"), ColumnType::Text { characters: None })).collect();
    let rows = vec![(point(1.0, 1.0), vec![Value::Text("x"); 300])];
    let report =
        write(folder.path(), "wide", settings(SpatialType::Geometry), &columns, &rows).expect("written");
    let (fields, _) = read_dbf(&std::fs::read(folder.path().join("wide.dbf")).expect("written"));
    assert_eq!((fields.len(), report.notices.len()), (255, 45));
}

#[test]
fn too_many_shapes_for_the_index_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let few = spatialcloud_shapefile::Settings { most_indexed: 2, ..settings(SpatialType::Geometry) };
    let rows: Vec<_> = (0..5).map(|x| (point(f64::from(x), 0.0), Vec::new())).collect();
    let report = write(folder.path(), "t", few, &[], &rows).expect("written");
    assert!(!report.files[0].index && !folder.path().join("t.qix").exists());
    assert!(report.notices.iter().any(|notice| notice.what == What::NoIndex { shapes: 5, most: 2 }));
}

fn position(z: bool, m: bool) -> impl Strategy<Value = Position> {
    let ordinate = || prop_oneof![-1e3..1e3, 3e5..7e5, 5.8e6..6.3e6];
    let optional = |present: bool| {
        proptest::option::weighted(0.8, -1e3..1e3).prop_map(move |ordinate| ordinate.filter(|_| present))
    };
    (ordinate(), ordinate(), optional(z), optional(m)).prop_map(|(x, y, z, m)| Position { x, y, z, m })
}

fn lines(z: bool, m: bool) -> impl Strategy<Value = Vec<Vec<Vec<Position>>>> {
    use proptest::collection::vec;
    vec(vec(vec(position(z, m), 2..6), 1..4), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    /// Lines come back point by point, in every combination of z and m, and the index finds what a search of all finds.
    #[test]
    fn lines_come_back_and_are_found(
        rows in (any::<bool>(), any::<bool>()).prop_flat_map(|(z, m)| lines(z, m)),
        (x, y, side) in (-1e3..7e5, -1e3..6.3e6, 0.0..5e5),
    ) {
        let shapes = rows.iter().map(|lines| geometry(Shape::MultiLineString(lines.clone()))).collect();
        let set = Set::of(shapes, SpatialType::Geometry);
        let (shape_type, records) = set.records("t");
        let all = || rows.iter().flatten().flatten();
        let (has_z, has_m) = (all().any(|p| p.z.is_some()), all().any(|p| p.m.is_some()));
        prop_assert_eq!(shape_type, match (has_z, has_m) { (true, _) => 13, (false, true) => 23, _ => 3 });
        prop_assert_eq!(records.len(), rows.len());
        let mut near = Vec::new();
        let area = [x, y, x + side, y + side];
        for (index, (record, lines)) in records.iter().zip(&rows).enumerate() {
            prop_assert_eq!(record.parts.len(), lines.len());
            for (part, line) in record.parts.iter().zip(lines) {
                prop_assert_eq!(part.len(), line.len());
                for (read, wrote) in part.iter().zip(line) {
                    prop_assert_eq!([read[0], read[1], read[2]], [wrote.x, wrote.y, wrote.z.unwrap_or(0.0)]);
                    prop_assert_eq!(wrote.m, Some(read[3]).filter(|m| *m > -1e38));
                }
            }
            let [left, bottom, right, top] = record.bounds;
            if right >= area[0] && left <= area[2] && top >= area[1] && bottom <= area[3] {
                near.push(index as u32);
            }
        }
        let found = search_qix(&set.bytes("t.qix"), area);
        prop_assert!(near.iter().all(|record| found.contains(record)), "{:?} of {:?}", found, near);
        let mut everything = search_qix(&set.bytes("t.qix"), [f64::MIN, f64::MIN, f64::MAX, f64::MAX]);
        everything.sort_unstable();
        prop_assert_eq!(everything, (0..rows.len() as u32).collect::<Vec<_>>());
    }
}
