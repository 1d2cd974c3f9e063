//! Spatial values: known bytes against what the server says of them, bytes and back, and bytes that are none.

use proptest::prelude::*;
use spatialcloud_backup::geometry::linear::linearise;
use spatialcloud_backup::geometry::{
    DEEPEST, EncodeError, Geometry, Position, Ring, Section, Shape, SpatialType, decode, encode,
};

/// Bytes as SQL Server stores them, and `ToString()` of them. Spaces only part the fields.
const PLANAR: &[(&str, &str)] = &[
    ("00000000 01 04 00000000 00000000 01000000 FFFFFFFF FFFFFFFF 01", "POINT EMPTY"),
    ("00000000 01 04 00000000 00000000 01000000 FFFFFFFF FFFFFFFF 02", "LINESTRING EMPTY"),
    ("00000000 01 04 00000000 00000000 01000000 FFFFFFFF FFFFFFFF 03", "POLYGON EMPTY"),
    ("00000000 01 04 00000000 00000000 01000000 FFFFFFFF FFFFFFFF 07", "GEOMETRYCOLLECTION EMPTY"),
    ("00000000 01 0C 000000000000F03F 0000000000000040", "POINT (1 2)"),
    ("00000000 01 0D 000000000000F03F 0000000000000040 0000000000000840", "POINT (1 2 3)"),
    ("00000000 01 0F 000000000000F03F 0000000000000040 0000000000000840 0000000000001040", "POINT (1 2 3 4)"),
    ("00000000 01 0E 000000000000F03F 0000000000000040 0000000000001040", "POINT (1 2 NULL 4)"),
    (
        "00000000 01 14 0000000000000000 0000000000000000 0000000000000000 000000000000F03F",
        "LINESTRING (0 0, 0 1)",
    ),
    (
        "00000000 01 17 0000000000000000 0000000000000000 0000000000000000 000000000000F03F
         0000000000000000 0000000000000000 000000000000F03F 0000000000000040",
        "LINESTRING (0 0 0 1, 0 1 0 2)",
    ),
    (
        "00000000 01 05 03000000 0000000000000000 0000000000000000 0000000000000000 000000000000F03F
         0000000000000000 0000000000000040 000000000000F03F 0000000000000040 000000000000F8FF
         01000000 01 00000000 01000000 FFFFFFFF 00000000 02",
        "LINESTRING (0 0 1, 0 1 2, 0 2)",
    ),
    (
        "00000000 01 04 0A000000 0000000000000000 0000000000000000 0000000000000000 0000000000000840
         0000000000000840 0000000000000840 0000000000000840 0000000000000000 0000000000000000 0000000000000000
         000000000000F03F 000000000000F03F 000000000000F03F 0000000000000040 0000000000000040 0000000000000040
         0000000000000040 000000000000F03F 000000000000F03F 000000000000F03F
         02000000 02 00000000 00 05000000 01000000 FFFFFFFF 00000000 03",
        "POLYGON ((0 0, 0 3, 3 3, 3 0, 0 0), (1 1, 1 2, 2 2, 2 1, 1 1))",
    ),
    (
        "00000000 01 04 01000000 0000000000000000 0000000000000000 01000000 01 00000000
         02000000 FFFFFFFF 00000000 04 00000000 00000000 01",
        "MULTIPOINT ((0 0))",
    ),
    (
        "00000000 01 04 02000000 0000000000000000 0000000000000000 0000000000000000 000000000000F03F
         01000000 01 00000000 02000000 FFFFFFFF 00000000 05 00000000 00000000 02",
        "MULTILINESTRING ((0 0, 0 1))",
    ),
    (
        "00000000 01 04 04000000 0000000000000000 0000000000000000 0000000000000000 000000000000F03F
         000000000000F03F 000000000000F03F 0000000000000000 0000000000000000
         01000000 02 00000000 03000000 FFFFFFFF 00000000 06 00000000 FFFFFFFF 03 00000000 00000000 03",
        "MULTIPOLYGON (EMPTY, ((0 0, 0 1, 1 1, 0 0)))",
    ),
    (
        "00000000 01 04 02000000 0000000000000000 0000000000000000 0000000000000000 000000000000F03F
         02000000 01 00000000 01 01000000
         04000000 FFFFFFFF 00000000 07 00000000 00000000 01 00000000 01000000 07 02000000 01000000 01",
        "GEOMETRYCOLLECTION (POINT (0 0), GEOMETRYCOLLECTION (POINT (0 1)))",
    ),
    (
        "00000000 02 04 03000000 0000000000000000 0000000000000000 000000000000F03F 000000000000F03F
         0000000000000040 0000000000000000 01000000 02 00000000 01000000 FFFFFFFF 00000000 08",
        "CIRCULARSTRING (0 0, 1 1, 2 0)",
    ),
    (
        "00000000 02 04 04000000 0000000000000000 0000000000000000 000000000000F03F 0000000000000000
         0000000000000040 000000000000F03F 0000000000000840 0000000000000000
         01000000 03 00000000 01000000 FFFFFFFF 00000000 09 02000000 02 03",
        "COMPOUNDCURVE ((0 0, 1 0), CIRCULARSTRING (1 0, 2 1, 3 0))",
    ),
    (
        "00000000 02 04 05000000 0000000000000040 000000000000F03F 000000000000F03F 0000000000000040
         0000000000000000 000000000000F03F 000000000000F03F 0000000000000000 0000000000000040 000000000000F03F
         01000000 02 00000000 01000000 FFFFFFFF 00000000 0A",
        "CURVEPOLYGON (CIRCULARSTRING (2 1, 1 2, 0 1, 1 0, 2 1))",
    ),
    (
        "E6100000 02 04 05000000 0000000000000000 0000000000000000 0000000000000040 0000000000000000
         0000000000000040 0000000000000040 0000000000000000 000000000000F03F 0000000000000000 0000000000000000
         01000000 03 00000000 01000000 FFFFFFFF 00000000 0A 03000000 02 00 03",
        "CURVEPOLYGON (COMPOUNDCURVE ((0 0, 2 0, 2 2), CIRCULARSTRING (2 2, 0 1, 0 0)))",
    ),
];

/// The same for `geography`: latitude first in the bytes, longitude first in the text.
const GEODETIC: &[(&str, &str)] = &[
    ("E6100000 01 0C 0000000000000040 000000000000F03F", "POINT (1 2)"),
    ("E6100000 02 24 00000000 00000000 01000000 FFFFFFFF FFFFFFFF 0B", "FULLGLOBE"),
    (
        "E6100000 02 24 04000000 0000000000000000 0000000000000000 000000000000F03F 0000000000000000
         000000000000F03F 000000000000F03F 0000000000000000 0000000000000000
         01000000 01 00000000 01000000 FFFFFFFF 00000000 03",
        "POLYGON ((0 0, 0 1, 1 1, 0 0))",
    ),
];

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("a hexadecimal digit") as u8;
    let digits: Vec<u8> = hex.bytes().filter(|byte| !byte.is_ascii_whitespace()).map(digit).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

#[test]
fn known_bytes_read_as_the_server_says_and_are_written_the_same() {
    let tables = [(PLANAR, SpatialType::Geometry), (GEODETIC, SpatialType::Geography)];
    for (hex, text, spatial_type) in
        tables.into_iter().flat_map(|(table, kind)| table.iter().map(move |(hex, text)| (hex, text, kind)))
    {
        let stored = bytes(hex);
        let geometry = decode(&stored, spatial_type).unwrap().expect("not NULL");
        assert_eq!(geometry.to_wkt(), *text);
        assert_eq!(encode(&geometry, spatial_type).unwrap(), stored, "{text}");
    }
}

/// Text, and well-known binary of the same: `AsBinaryZM()`.
const BINARY: &[(&str, &str)] = &[
    ("POINT (1 2)", "01 01000000 000000000000F03F 0000000000000040"),
    ("POINT (1 2 3)", "01 E9030000 000000000000F03F 0000000000000040 0000000000000840"),
    ("POINT (1 2 NULL 4)", "01 D1070000 000000000000F03F 0000000000000040 0000000000001040"),
    ("POINT (1 2 3 4)", "01 B90B0000 000000000000F03F 0000000000000040 0000000000000840 0000000000001040"),
    ("POINT EMPTY", "01 01000000 000000000000F87F 000000000000F87F"),
    ("LINESTRING EMPTY", "01 02000000 00000000"),
    ("MULTIPOINT ((0 0))", "01 04000000 01000000 01 01000000 0000000000000000 0000000000000000"),
    (
        "MULTIPOLYGON (EMPTY, ((0 0, 0 1, 1 1, 0 0)))",
        "01 06000000 02000000 01 03000000 00000000 01 03000000 01000000 04000000
         0000000000000000 0000000000000000 0000000000000000 000000000000F03F
         000000000000F03F 000000000000F03F 0000000000000000 0000000000000000",
    ),
    (
        "COMPOUNDCURVE ((0 0, 1 0), CIRCULARSTRING (1 0, 2 1, 3 0))",
        "01 09000000 02000000
         01 02000000 02000000 0000000000000000 0000000000000000 000000000000F03F 0000000000000000
         01 08000000 03000000 000000000000F03F 0000000000000000 0000000000000040 000000000000F03F
         0000000000000840 0000000000000000",
    ),
    (
        "CURVEPOLYGON (CIRCULARSTRING (2 1, 1 2, 0 1, 1 0, 2 1))",
        "01 0A000000 01000000 01 08000000 05000000 0000000000000040 000000000000F03F
         000000000000F03F 0000000000000040 0000000000000000 000000000000F03F
         000000000000F03F 0000000000000000 0000000000000040 000000000000F03F",
    ),
];

#[test]
fn well_known_binary_is_that_of_the_standard() {
    for (text, expected) in BINARY {
        let (hex, _) = PLANAR.iter().find(|(_, known)| known == text).expect("one of the known values");
        let geometry = decode(&bytes(hex), SpatialType::Geometry).unwrap().expect("not NULL");
        assert_eq!(geometry.to_wkb(), bytes(expected), "{text}");
    }
    let flat = Geometry::new(0, Shape::Point(Some(Position { x: 1.0, y: 2.0, z: Some(3.0), m: None })));
    assert_eq!(flat.to_wkb_2d(), bytes(BINARY[0].1));
    assert_eq!(Geometry::new(4326, Shape::FullGlobe).to_wkb(), bytes("01 7E000000"));
}

#[test]
fn null_is_four_bytes() {
    assert_eq!(decode(&bytes("FFFFFFFF"), SpatialType::Geometry), Ok(None));
}

#[test]
fn text_without_elevations_leaves_them_out() {
    let point = Position { x: 1.0, y: 2.0, z: None, m: Some(4.0) };
    let geometry = Geometry::new(0, Shape::Point(Some(point)));
    assert_eq!(
        (geometry.to_wkt().as_str(), geometry.to_wkt_2d().as_str()),
        ("POINT (1 2 NULL 4)", "POINT (1 2)")
    );
}

/// Bytes that are no value, and what is said of them.
const WRONG: &[(&str, &str)] = &[
    ("", "byte 0: expected 4 bytes of a spatial reference identifier, got 0 until the end"),
    ("00000000 03 0C", "byte 4: expected version 1 or 2, got 3"),
    ("00000000 01 2C", "byte 5: expected no property bits but 0x1F, got 0x2C"),
    ("00000000 01 1C", "byte 5: expected a single point or a single line, got both"),
    ("00000000 01 0C 0000000000000000 00", "byte 14: expected 8 bytes of a coordinate, got 1 until the end"),
    (
        "00000000 01 0C 000000000000F87F 0000000000000000",
        "byte 6: expected a coordinate that is a finite number, got NaN",
    ),
    (
        "00000000 01 0C 0000000000000000 0000000000000000 00",
        "byte 22: expected the end of the value, got 1 bytes more",
    ),
    (
        "00000000 01 04 FFFFFFFF 00",
        "byte 6: expected at most 0 points in the 1 bytes that follow, got 4294967295",
    ),
    ("00000000 01 04 00000000 00000000 00000000", "byte 14: expected at least one shape, got 0"),
    (
        "00000000 01 04 00000000 00000000 01000000 00000000 FFFFFFFF 01",
        "byte 18: expected a parent below 0, or -1, got 0",
    ),
    (
        "00000000 01 04 00000000 00000000 01000000 FFFFFFFF 00000000 01",
        "byte 22: expected a figure below 0, or -1, got 0",
    ),
    (
        "00000000 01 04 00000000 00000000 01000000 FFFFFFFF FFFFFFFF 0C",
        "byte 26: expected a shape of type 1 to 11, got 12",
    ),
    (
        "00000000 02 04 00000000 00000000 01000000 FFFFFFFF FFFFFFFF 0B",
        "byte 26: expected a shape of a geometry, got FULLGLOBE",
    ),
    (
        "00000000 01 04 00000000 00000000 02000000 FFFFFFFF FFFFFFFF 04 00000000 FFFFFFFF 02",
        "byte 35: expected a member that type 4 can have, got type 2",
    ),
    (
        "00000000 02 04 01000000 0000000000000000 0000000000000000 01000000 02 00000000 01000000 FFFFFFFF 00000000 08",
        "byte 30: expected an odd number of points, at least 3, for arcs, got 1",
    ),
    (
        "00000000 02 04 01000000 0000000000000000 0000000000000000 01000000 03 00000000 01000000 FFFFFFFF 00000000 09 00000000",
        "byte 30: expected no points, or at least 2, for a composite figure, got 1",
    ),
    (
        "00000000 02 04 01000000 0000000000000000 0000000000000000 01000000 01 00000000 01000000 FFFFFFFF 00000000 09",
        "byte 30: expected at least 2 points for a compound curve, got fewer",
    ),
];

#[test]
fn what_is_no_value_is_said_with_its_place() {
    for (hex, expected) in WRONG {
        let error = decode(&bytes(hex), SpatialType::Geometry).expect_err(hex);
        assert_eq!(error.to_string(), format!("spatial value, {expected}"));
    }
}

#[test]
fn what_cannot_be_stored_is_refused() {
    let xy = Position::xy;
    let line = |x| Section::Line(vec![xy(x, 0.0), xy(x + 1.0, 0.0)]);
    let mut deep = Shape::Point(None);
    for _ in 0..=DEEPEST {
        deep = Shape::GeometryCollection(vec![deep]);
    }
    for (shape, error) in [
        (Shape::Point(Some(xy(f64::NAN, 0.0))), EncodeError::NotFinite),
        (Shape::CircularString(vec![xy(0.0, 0.0)]), EncodeError::ArcPoints(1)),
        (Shape::CompoundCurve(vec![Section::Line(vec![xy(0.0, 0.0)])]), EncodeError::LinePoints(1)),
        (Shape::CompoundCurve(vec![line(0.0), line(5.0)]), EncodeError::Apart { section: 1 }),
        (Shape::FullGlobe, EncodeError::FullGlobe),
        (deep, EncodeError::TooDeep),
    ] {
        assert_eq!(encode(&Geometry::new(0, shape), SpatialType::Geometry), Err(error));
    }
}

#[test]
fn arcs_become_chords_within_the_tolerance() {
    let (x, y, radius) = (500_000.0, 6_250_000.0, 250.0);
    let on = |degrees: f64| {
        let (sin, cos) = degrees.to_radians().sin_cos();
        Position { x: x + radius * cos, y: y + radius * sin, z: Some(degrees), m: None }
    };
    for (start, middle, end) in [(0.0, 45.0, 90.0), (0.0, 180.0, 270.0), (90.0, 10.0, -170.0)] {
        for tolerance in [10.0, 0.1, 0.001] {
            let arc = Shape::CircularString(vec![on(start), on(middle), on(end)]);
            let Some(Shape::LineString(chords)) = linearise(&arc, tolerance) else {
                panic!("a line string expected");
            };
            assert_eq!((chords[0], chords[chords.len() - 1]), (on(start), on(end)));
            assert!(chords.contains(&on(middle)));
            for pair in chords.windows(2) {
                let centre = ((pair[0].x + pair[1].x) / 2.0 - x).hypot((pair[0].y + pair[1].y) / 2.0 - y);
                assert!(radius - centre < tolerance * 1.001, "{} off at {tolerance}", radius - centre);
                let (z, expected) = (pair[0].z.unwrap(), (pair[0].y - y).atan2(pair[0].x - x).to_degrees());
                assert!((z - expected).rem_euclid(360.0).min((expected - z).rem_euclid(360.0)) < 1e-5);
            }
        }
    }
}

#[test]
fn a_circle_of_two_points_and_points_on_a_line() {
    let xy = Position::xy;
    let circle = Shape::CircularString(vec![xy(0.0, 0.0), xy(2.0, 0.0), xy(0.0, 0.0)]);
    let Some(Shape::LineString(chords)) = linearise(&circle, 0.01) else { panic!("a line string expected") };
    assert!(
        chords.len() > 20 && chords.iter().all(|point| ((point.x - 1.0).hypot(point.y) - 1.0).abs() < 1e-12)
    );
    let line = Shape::CircularString(vec![xy(0.0, 0.0), xy(1.0, 0.0), xy(5.0, 0.0)]);
    let straight = Shape::LineString(vec![xy(0.0, 0.0), xy(1.0, 0.0), xy(5.0, 0.0)]);
    assert_eq!(linearise(&line, 0.01), Some(straight.clone()));
    assert_eq!(linearise(&straight, 0.01), None);
}

fn position() -> impl Strategy<Value = Position> {
    let ordinate = || prop_oneof![-180.0..180.0, (-9_i32..9).prop_map(f64::from), -1e9..1e9];
    let optional = || proptest::option::weighted(0.3, -1e4..1e4);
    (ordinate(), ordinate(), optional(), optional()).prop_map(|(x, y, z, m)| Position { x, y, z, m })
}

fn positions(least: usize) -> impl Strategy<Value = Vec<Position>> {
    proptest::collection::vec(position(), least..7)
}

fn arc() -> impl Strategy<Value = Vec<Position>> {
    positions(3).prop_map(|mut positions| {
        positions.truncate((positions.len() - 1) / 2 * 2 + 1);
        positions
    })
}

/// Sections whose ends meet.
fn sections() -> impl Strategy<Value = Vec<Section>> {
    let section = prop_oneof![positions(2).prop_map(Section::Line), arc().prop_map(Section::Arc)];
    proptest::collection::vec(section, 0..4).prop_map(|mut sections| {
        for index in 1..sections.len() {
            let end = *sections[index - 1].positions().last().expect("every section has points");
            let (Section::Line(positions) | Section::Arc(positions)) = &mut sections[index];
            positions[0] = end;
        }
        sections
    })
}

fn shape() -> impl Strategy<Value = Shape> {
    use proptest::collection::vec;
    let rings = || vec(positions(0), 0..4);
    let ring = prop_oneof![
        positions(0).prop_map(|positions| Ring::Plain(Section::Line(positions))),
        arc().prop_map(|positions| Ring::Plain(Section::Arc(positions))),
        sections().prop_map(Ring::Compound),
    ];
    let simple = prop_oneof![
        proptest::option::of(position()).prop_map(Shape::Point),
        positions(0).prop_map(Shape::LineString),
        arc().prop_map(Shape::CircularString),
        Just(Shape::CircularString(Vec::new())),
        sections().prop_map(Shape::CompoundCurve),
        rings().prop_map(Shape::Polygon),
        vec(ring, 0..4).prop_map(Shape::CurvePolygon),
        vec(proptest::option::of(position()), 0..5).prop_map(Shape::MultiPoint),
        rings().prop_map(Shape::MultiLineString),
        vec(rings(), 0..4).prop_map(Shape::MultiPolygon),
    ];
    simple.prop_recursive(3, 12, 4, |inner| vec(inner, 0..4).prop_map(Shape::GeometryCollection))
}

fn geometry() -> impl Strategy<Value = Geometry> {
    (shape(), any::<i32>(), any::<bool>(), any::<bool>()).prop_map(
        |(shape, srid, valid, larger_than_hemisphere)| Geometry {
            srid,
            valid,
            larger_than_hemisphere,
            shape,
        },
    )
}

fn spatial_type() -> impl Strategy<Value = SpatialType> {
    prop_oneof![Just(SpatialType::Geometry), Just(SpatialType::Geography)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_the_same(geometry in geometry(), spatial_type in spatial_type()) {
        let stored = encode(&geometry, spatial_type).unwrap();
        prop_assert_eq!(decode(&stored, spatial_type), Ok(Some(geometry)));
    }

    #[test]
    fn cut_and_changed_values_never_panic(
        geometry in geometry(),
        spatial_type in spatial_type(),
        keep in any::<prop::sample::Index>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let mut stored = encode(&geometry, spatial_type).unwrap();
        let length = keep.index(stored.len());
        prop_assert!(decode(&stored[..length], spatial_type).is_err());
        for (at, byte) in changes {
            let at = at.index(stored.len());
            stored[at] = byte;
        }
        match decode(&stored, spatial_type) {
            // What still reads can be written again, and is then the same.
            Ok(Some(geometry)) => {
                let again = encode(&geometry, spatial_type).unwrap();
                prop_assert_eq!(decode(&again, spatial_type), Ok(Some(geometry)));
            }
            Ok(None) => {}
            Err(error) => prop_assert!(error.offset <= stored.len(), "{}", error),
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        version in 0_u8..4,
        properties in any::<u8>(),
        tail in proptest::collection::vec(prop_oneof![Just(0_u8), Just(1), Just(255), any::<u8>()], 0..200),
        spatial_type in spatial_type(),
    ) {
        let mut stored = vec![0, 0, 0, 0, version, properties];
        stored.extend(tail);
        let _ = decode(&stored, spatial_type);
    }

    /// Validity and hemispheres are not in the text.
    #[test]
    fn what_is_written_as_text_is_read_from_it(geometry in geometry()) {
        let text = format!("SRID={};{}", geometry.srid, geometry.to_wkt());
        let expected = Geometry { valid: true, larger_than_hemisphere: false, ..geometry };
        let found = Geometry::from_wkt(&text, 0);
        prop_assert_eq!(found.as_ref().map(Geometry::to_wkt), Ok(expected.to_wkt()), "{}", text);
        prop_assert_eq!(found, Ok(expected), "{}", text);
    }

    #[test]
    fn arbitrary_text_never_panics(text in "(srid=[0-9]{0,3};)?(point|polygon|curvepolygon|multipoint)? ?[a-zé ,()0-9.-]{0,30}") {
        let _ = Geometry::from_wkt(&text, 0);
    }

    #[test]
    fn no_arcs_are_left(shape in shape()) {
        prop_assert!(linearise(&shape, 0.01).is_none_or(|shape| !shape.is_curved()));
    }
}
