//! `.prj`: spatial references that Australian and New Zealand councils use, in ESRI's well-known text.
//!
//! Written from parameters, so that a family of zones is one line. The texts are compared with those of PROJ's
//! database in a test. Any other identifier has no `.prj`: a wrong one is worse than none.

use std::fmt::Write;

/// A geographic reference: identifier, name, datum, ellipsoid.
struct Geographic {
    srid: i32,
    name: &'static str,
    datum: &'static str,
    ellipsoid: &'static str,
}

const GRS_1980: &str = "\"GRS_1980\",6378137.0,298.257222101";
const WGS_1984: &str = "\"WGS_1984\",6378137.0,298.257223563";
const AUSTRALIAN: &str = "\"Australian\",6378160.0,298.25";
const INTERNATIONAL: &str = "\"International_1924\",6378388.0,297.0";

const WGS84: Geographic =
    Geographic { srid: 4326, name: "GCS_WGS_1984", datum: "D_WGS_1984", ellipsoid: WGS_1984 };
const GDA94: Geographic =
    Geographic { srid: 4283, name: "GCS_GDA_1994", datum: "D_GDA_1994", ellipsoid: GRS_1980 };
const GDA2020: Geographic =
    Geographic { srid: 7844, name: "GCS_GDA2020", datum: "GDA2020", ellipsoid: GRS_1980 };
const AGD66: Geographic =
    Geographic { srid: 4202, name: "GCS_Australian_1966", datum: "D_Australian_1966", ellipsoid: AUSTRALIAN };
const AGD84: Geographic =
    Geographic { srid: 4203, name: "GCS_Australian_1984", datum: "D_Australian_1984", ellipsoid: AUSTRALIAN };
const NZGD2000: Geographic =
    Geographic { srid: 4167, name: "GCS_NZGD_2000", datum: "D_NZGD_2000", ellipsoid: GRS_1980 };
const NZGD49: Geographic = Geographic {
    srid: 4272,
    name: "GCS_New_Zealand_1949",
    datum: "D_New_Zealand_1949",
    ellipsoid: INTERNATIONAL,
};

const GEOGRAPHIC: [&Geographic; 7] = [&WGS84, &GDA94, &GDA2020, &AGD66, &AGD84, &NZGD2000, &NZGD49];

/// Zones of six degrees: identifier of zone 0, first and last zone, base, name before and after the zone's number.
const ZONES: [(i32, i32, i32, &Geographic, &str, &str); 5] = [
    (28300, 48, 58, &GDA94, "GDA_1994_MGA_Zone_", ""),
    (7800, 46, 59, &GDA2020, "GDA2020_MGA_Zone_", ""),
    (20200, 48, 58, &AGD66, "AGD_1966_AMG_Zone_", ""),
    (20300, 48, 56, &AGD84, "AGD_1984_AMG_Zone_", ""),
    (32700, 48, 60, &WGS84, "WGS_1984_UTM_Zone_", "S"),
];

/// Projection and its parameters.
enum Method {
    /// Easting, northing, meridian, two parallels, latitude.
    Lambert([f64; 6]),
    /// The same.
    Albers([f64; 6]),
    /// Easting, northing, meridian, scale, latitude.
    TransverseMercator([f64; 5]),
    WebMercator,
    NewZealandMapGrid,
}

const PROJECTED: [(i32, &str, &Geographic, Method); 15] = [
    (3857, "WGS_1984_Web_Mercator_Auxiliary_Sphere", &WGS84, Method::WebMercator),
    (
        2193,
        "NZGD_2000_New_Zealand_Transverse_Mercator",
        &NZGD2000,
        Method::TransverseMercator([1_600_000.0, 10_000_000.0, 173.0, 0.9996, 0.0]),
    ),
    (27200, "GD_1949_New_Zealand_Map_Grid", &NZGD49, Method::NewZealandMapGrid),
    (
        3110,
        "AGD_1966_VICGRID",
        &AGD66,
        Method::Lambert([2_500_000.0, 4_500_000.0, 145.0, -36.0, -38.0, -37.0]),
    ),
    (
        3111,
        "GDA_1994_VICGRID94",
        &GDA94,
        Method::Lambert([2_500_000.0, 2_500_000.0, 145.0, -36.0, -38.0, -37.0]),
    ),
    (
        7899,
        "GDA2020_Vicgrid",
        &GDA2020,
        Method::Lambert([2_500_000.0, 2_500_000.0, 145.0, -36.0, -38.0, -37.0]),
    ),
    (
        3308,
        "GDA_1994_NSW_Lambert",
        &GDA94,
        Method::Lambert([9_300_000.0, 4_500_000.0, 147.0, -30.75, -35.75, -33.25]),
    ),
    (
        8058,
        "GDA2020_NSW_Lambert",
        &GDA2020,
        Method::Lambert([9_300_000.0, 4_500_000.0, 147.0, -30.75, -35.75, -33.25]),
    ),
    (
        3107,
        "GDA_1994_South_Australia_Lambert",
        &GDA94,
        Method::Lambert([1_000_000.0, 2_000_000.0, 135.0, -28.0, -36.0, -32.0]),
    ),
    (
        8059,
        "GDA2020_South_Australia_Lambert",
        &GDA2020,
        Method::Lambert([1_000_000.0, 2_000_000.0, 135.0, -28.0, -36.0, -32.0]),
    ),
    (
        3112,
        "GDA_1994_Geoscience_Australia_Lambert",
        &GDA94,
        Method::Lambert([0.0, 0.0, 134.0, -18.0, -36.0, 0.0]),
    ),
    (7845, "GDA2020_GA_LCC", &GDA2020, Method::Lambert([0.0, 0.0, 134.0, -18.0, -36.0, 0.0])),
    (3577, "GDA_1994_Australia_Albers", &GDA94, Method::Albers([0.0, 0.0, 132.0, -18.0, -36.0, 0.0])),
    (9473, "GDA2020_Australian_Albers", &GDA2020, Method::Albers([0.0, 0.0, 132.0, -18.0, -36.0, 0.0])),
    (
        2105,
        "NZGD_2000_Mount_Eden_Circuit",
        &NZGD2000,
        Method::TransverseMercator([400_000.0, 800_000.0, 174.764166666667, 0.9999, -36.8797222222222]),
    ),
];

/// Every identifier that [`projection`] knows.
pub fn known_srids() -> impl Iterator<Item = i32> {
    let zones = ZONES.iter().flat_map(|(zero, first, last, ..)| zero + first..=zero + last);
    let geographic = GEOGRAPHIC.iter().map(|geographic| geographic.srid);
    geographic.chain(PROJECTED.iter().map(|(srid, ..)| *srid)).chain(zones)
}

/// The `.prj` text for an identifier; `None` for one that is not known here.
pub fn projection(srid: i32) -> Option<String> {
    if let Some(geographic) = GEOGRAPHIC.iter().find(|geographic| geographic.srid == srid) {
        return Some(geographic.text());
    }
    if let Some((_, name, base, method)) = PROJECTED.iter().find(|(known, ..)| *known == srid) {
        return Some(projected(name, base, method));
    }
    let (zero, _, _, base, before, after) =
        ZONES.iter().find(|(zero, first, last, ..)| (zero + first..=zero + last).contains(&srid))?;
    let zone = srid - zero;
    let meridian = f64::from(zone * 6 - 183);
    let method = Method::TransverseMercator([500_000.0, 10_000_000.0, meridian, 0.9996, 0.0]);
    Some(projected(&format!("{before}{zone}{after}"), base, &method))
}

/// Whether coordinates are degrees, as far as it is known.
pub fn is_in_degrees(srid: i32) -> bool {
    GEOGRAPHIC.iter().any(|geographic| geographic.srid == srid)
}

impl Geographic {
    fn text(&self) -> String {
        let Geographic { name, datum, ellipsoid, .. } = self;
        format!(
            "GEOGCS[\"{name}\",DATUM[\"{datum}\",SPHEROID[{ellipsoid}]],PRIMEM[\"Greenwich\",0.0],\
             UNIT[\"Degree\",0.0174532925199433]]"
        )
    }
}

fn projected(name: &str, base: &Geographic, method: &Method) -> String {
    const CONIC: [&str; 6] = [
        "False_Easting",
        "False_Northing",
        "Central_Meridian",
        "Standard_Parallel_1",
        "Standard_Parallel_2",
        "Latitude_Of_Origin",
    ];
    const CYLINDRIC: [&str; 5] =
        ["False_Easting", "False_Northing", "Central_Meridian", "Scale_Factor", "Latitude_Of_Origin"];
    const WEB: [&str; 5] = [
        "False_Easting",
        "False_Northing",
        "Central_Meridian",
        "Standard_Parallel_1",
        "Auxiliary_Sphere_Type",
    ];
    const GRID: [&str; 4] = ["False_Easting", "False_Northing", "Longitude_Of_Origin", "Latitude_Of_Origin"];
    let (projection, names, values): (&str, &[&str], &[f64]) = match method {
        Method::Lambert(values) => ("Lambert_Conformal_Conic", &CONIC, values),
        Method::Albers(values) => ("Albers", &CONIC, values),
        Method::TransverseMercator(values) => ("Transverse_Mercator", &CYLINDRIC, values),
        Method::WebMercator => ("Mercator_Auxiliary_Sphere", &WEB, &[0.0; 5]),
        Method::NewZealandMapGrid => {
            ("New_Zealand_Map_Grid", &GRID, &[2_510_000.0, 6_023_150.0, 173.0, -41.0])
        }
    };
    let mut text = format!("PROJCS[\"{name}\",{},PROJECTION[\"{projection}\"]", base.text());
    for (parameter, value) in names.iter().zip(values) {
        // Writing to a string cannot fail.
        let _ = write!(text, ",PARAMETER[\"{parameter}\",{value:?}]");
    }
    text + ",UNIT[\"Meter\",1.0]]"
}
