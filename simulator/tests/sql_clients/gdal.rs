//! GDAL's `ogr2ogr` exports spatial production tables to shapefiles: over Microsoft's ODBC driver, which comes with
//! mssql-python, and over FreeTDS.
//!
//! The judge is the shapefile that the nightly load wrote of the same table: read by the same GDAL, each feature must
//! have the same geometry and the same attributes.

use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Failed;
use spatialcloud_simulator::config::SqlConfig;

use crate::Visit;
use crate::python::{FREETDS_ODBC, python};
use crate::server::Server;

/// Spatial tables of a council, and the snapshots of them.
const TABLES: [(&str, &str); 3] =
    [("parcels", "Cadastre/Parcels"), ("roads", "Transport/Roads"), ("hydrants", "Utilities/Hydrants")];

/// A driver by its name, and its library where it is.
fn drivers() -> Vec<(&'static str, Option<PathBuf>, &'static [&'static str])> {
    let packages = python().parent().and_then(Path::parent).map(|venv| venv.join("lib"));
    let versions =
        packages.and_then(|packages| std::fs::read_dir(packages).ok()).into_iter().flatten().flatten();
    let folders = versions.map(|version| {
        version
            .path()
            .join("site-packages/mssql_python_odbc/libs/linux/debian_ubuntu")
            .join(architecture())
            .join("lib")
    });
    let libraries = folders.filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    let microsoft = libraries
        .map(|library| library.path())
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("libmsodbcsql")));
    let freetds = FREETDS_ODBC.into_iter().map(PathBuf::from).find(|path| path.exists());
    vec![
        ("Microsoft ODBC 18", microsoft, &["Encrypt=no", "Encrypt=yes;TrustServerCertificate=yes"]),
        ("FreeTDS", freetds, &["TDS_Version=7.4;Encryption=off", "TDS_Version=7.4;Encryption=require"]),
    ]
}

fn architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }
}

/// All of them.
pub fn visits() -> Vec<Visit> {
    let has_driver = Command::new("ogrinfo").arg("--formats").output();
    let has_driver =
        has_driver.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("MSSQLSpatial"));
    let mut visits = Vec::new();
    for (name, library, modes) in drivers() {
        for mode in modes {
            let missing = match &library {
                _ if !has_driver => Some("no GDAL with MSSQLSpatial; ci/install gets it".to_owned()),
                None => Some(format!("no {name}; ci/install gets it")),
                Some(_) => None,
            };
            let library = library.clone().unwrap_or_default();
            visits.push(Visit {
                title: format!("ogr2ogr over {name}: {mode}"),
                missing,
                make: Box::new(move || visit(&library, mode)),
            });
        }
    }
    visits
}

/// Runs a program of GDAL's; answers what it printed.
fn gdal(program: &str, arguments: &[&str]) -> Result<String, Failed> {
    let mut command = Command::new("timeout");
    command.args(["-k", "5", "60", program]).args(arguments).env("CPL_DEBUG", "OFF");
    let output = command.output()?;
    let words = String::from_utf8_lossy(&output.stderr);
    // For the extent ogrinfo asks the server first, by an aggregate of shapes, and else reads all rows.
    let errors =
        words.lines().filter(|line| line.contains("ERROR") && !line.contains("Error getting extents"));
    if !output.status.success() || errors.count() > 0 {
        return Err(format!("{command:?}: {}\n{words}", output.status).into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The features of a shapefile, a line each, in order: geometry as text, and all attributes.
fn features(shapefile: &Path) -> Result<Vec<String>, Failed> {
    let shapefile = shapefile.to_string_lossy();
    let table = gdal("ogr2ogr", &["-f", "CSV", "/vsistdout/", &shapefile, "-lco", "GEOMETRY=AS_WKT"])?;
    let mut lines: Vec<String> = table.lines().skip(1).map(str::to_owned).collect();
    lines.sort();
    Ok(lines)
}

/// The same without the first attribute: GDAL takes the key as the feature's number, and shapefiles have no such.
fn without_key(feature: &str) -> Option<String> {
    // A feature without a shape has nothing before the first comma.
    let (geometry, attributes) = match feature.strip_prefix(',') {
        Some(attributes) => ("", attributes),
        None => feature.split_at(feature.find("\",")? + 2),
    };
    let (_, others) = attributes.split_once(',')?;
    Some(format!("{}{others}", if geometry.is_empty() { "," } else { geometry }))
}

fn visit(library: &Path, mode: &str) -> Result<(), Failed> {
    let server = Server::production(SqlConfig::default())?;
    let [host, port, user, password] = server.login();
    let library = library.display();
    let server_name = if mode.contains("TDS_Version") {
        format!("server={host};port={port}")
    } else {
        format!("server={host},{port}")
    };
    let source =
        format!("MSSQL:driver={library};{server_name};database=CITY;uid={user};pwd={password};{mode}");
    for (table, snapshot) in TABLES {
        let shown = gdal("ogrinfo", &["-so", &source, &format!("dbo.{table}")])?;
        for expected in ["Feature Count", "FID Column = id", "Geometry Column = "] {
            if !shown.contains(expected) {
                return Err(format!("{table}: ogrinfo does not say {expected:?}, but\n{shown}").into());
            }
        }
        let exported = server.folder().join(format!("{table}.shp"));
        let target = exported.to_string_lossy();
        let layer = format!("dbo.{table}");
        let encoding = ["-lco", "ENCODING=UTF-8"];
        gdal("ogr2ogr", &[&["-f", "ESRI Shapefile", &target, &source, &layer], &encoding[..]].concat())?;
        let expected = server.folder().join("sites/CITY/warehouse/current/OUT").join(snapshot);
        let (got, wanted) = (features(&exported)?, features(&expected.with_extension("shp"))?);
        let wanted: Vec<String> = wanted.iter().filter_map(|feature| without_key(feature)).collect();
        if wanted.is_empty() {
            return Err(format!("{table}: the snapshot has no features to compare with").into());
        }
        if got != wanted {
            let first = got.iter().zip(&wanted).find(|(got, wanted)| got != wanted);
            return Err(format!(
                "{table}: {} features, expected {}; the first that differs: {first:?}",
                got.len(),
                wanted.len()
            )
            .into());
        }
    }
    Ok(())
}
