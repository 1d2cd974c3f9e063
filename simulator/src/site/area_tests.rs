//! The rules of the file area, and what hostile links behind its back can reach: nothing.
#![allow(clippy::unwrap_used)]

use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::area::{AreaError, FileArea};
use super::open_file::OpenMode;
use super::path::SitePath;
use crate::clock::Clock;
use crate::config::{Layout, Pace, Visibility};

const WRITE: OpenMode = OpenMode {
    read: false,
    write: true,
    append: false,
    create: true,
    truncate: true,
    exclusive: false,
    permissions: None,
};
const READ: OpenMode = OpenMode {
    read: true,
    write: false,
    append: false,
    create: false,
    truncate: false,
    exclusive: false,
    permissions: None,
};

fn clock() -> Clock {
    Clock::new(Timestamp::from_second(1_772_000_000).unwrap(), Pace::Manual, TimeZone::UTC)
}

fn area(folder: &Path) -> Arc<FileArea> {
    with_layout(folder, Layout::Standard)
}

fn with_layout(folder: &Path, layout: Layout) -> Arc<FileArea> {
    Arc::new(FileArea::open(&folder.join("inbox"), clock(), layout).unwrap())
}

fn path(text: &str) -> SitePath {
    SitePath::parse(text).unwrap()
}

fn put(area: &Arc<FileArea>, name: &str, data: &[u8]) -> Result<(), AreaError> {
    let mut file = area.open_file(&path(name), WRITE, Visibility::InPlace)?;
    file.write_at([data], 0).unwrap();
    file.close().map(|_| ())
}

fn word(result: Result<(), AreaError>) -> &'static str {
    match result {
        Ok(()) => "ok",
        Err(AreaError::NoSuchFile { .. }) => "no such file",
        Err(AreaError::NotAFolder { .. }) => "not a folder",
        Err(AreaError::Forbidden { .. }) => "forbidden",
        Err(AreaError::Conflict { .. }) => "conflict",
        Err(AreaError::Disk { .. }) => "disk",
    }
}

#[test]
fn the_rules_of_the_three_folders() {
    let folder = tempfile::tempdir().unwrap();
    let area = area(folder.path());
    put(&area, "/Spatial/there", b"x").unwrap();
    for (name, expected) in [
        ("/Database/IntraMapsSpatialCloud.bak", "ok"),
        ("/Spatial/a b ü.shp", "ok"),
        ("/x.bak", "forbidden"),
        ("/Database", "conflict"),
        ("/database/", "no such file"),
        ("/database/x.bak", "no such file"),
        ("/Nope/x.bak", "no such file"),
        ("/Spatial/none/x", "no such file"),
        ("/Spatial/there/x", "no such file"),
    ] {
        assert_eq!(word(put(&area, name, b"data")), expected, "put {name}");
    }
    for (name, expected) in [
        ("/Spatial/aerial", "ok"),
        ("/Spatial/aerial/2026", "ok"),
        ("/Spatial/aerial", "conflict"),
        ("/Database/sub", "forbidden"),
        ("/Other", "forbidden"),
        ("/Web", "conflict"),
        ("/", "conflict"),
    ] {
        assert_eq!(word(area.make_folder(&path(name), None)), expected, "mkdir {name}");
    }
    for (name, expected) in [
        ("/Database", "forbidden"),
        ("/Spatial/aerial", "conflict"),
        ("/Spatial/there", "not a folder"),
        ("/Spatial/aerial/2026", "ok"),
        ("/Spatial/none", "no such file"),
    ] {
        assert_eq!(word(area.remove_folder(&path(name))), expected, "rmdir {name}");
    }
}

#[test]
fn under_a_free_layout_the_three_folders_are_ordinary_ones() {
    let folder = tempfile::tempdir().unwrap();
    let area = with_layout(folder.path(), Layout::Free);
    let free = |word: &str, result: Result<(), AreaError>| assert_eq!(self::word(result), "ok", "{word}");
    free("put into the root", put(&area, "/x.bak", b"data"));
    free("mkdir in the root", area.make_folder(&path("/Other/"), None));
    free("mkdir in Database", area.make_folder(&path("/Database/sub"), None));
    free("rename into the root", area.rename(&path("/Database/sub"), &path("/sub"), false).map(|_| ()));
    free("rename the file away", area.rename(&path("/x.bak"), &path("/Other/x.bak"), false).map(|_| ()));
    free("rmdir one of the three", area.remove_folder(&path("/Web")));
    let names: Vec<String> = area.list(&path("/")).unwrap().into_iter().map(|entry| entry.name).collect();
    assert_eq!(names, ["Database", "Other", "Spatial", "sub"]);
    assert!(area.movable("Web").unwrap().is_empty(), "nothing to move where the folder is gone");
    assert_eq!(word(area.remove_folder(&path("/"))), "forbidden");
    assert_eq!(word(area.make_folder(&path("/"), None)), "conflict");
    symlink("/etc", area.root().join("etc")).unwrap();
    assert!(area.open_file(&path("/etc/passwd"), READ, Visibility::InPlace).is_err());
    assert!(area.metadata(&path("/etc")).is_err());
}

#[test]
fn rename_refuses_or_replaces_and_never_touches_the_three() {
    let folder = tempfile::tempdir().unwrap();
    let area = area(folder.path());
    put(&area, "/Spatial/a", b"a").unwrap();
    put(&area, "/Spatial/b", b"b").unwrap();
    area.make_folder(&path("/Spatial/d"), None).unwrap();
    let rename = |from: &str, to: &str, replace| area.rename(&path(from), &path(to), replace);
    assert_eq!(word(rename("/Spatial/a", "/Spatial/b", false).map(|_| ())), "conflict");
    assert!(rename("/Spatial/a", "/Spatial/b", true).unwrap());
    assert_eq!(std::fs::read(area.root().join("Spatial/b")).unwrap(), b"a");
    assert_eq!(word(rename("/Spatial", "/Web/s", true).map(|_| ())), "forbidden");
    assert_eq!(word(rename("/Spatial/b", "/b", true).map(|_| ())), "forbidden");
    assert_eq!(word(rename("/Spatial/d", "/Database/d", false).map(|_| ())), "forbidden");
    assert_eq!(word(rename("/Spatial/d", "/Spatial/d/e", false).map(|_| ())), "conflict");
    assert_eq!(word(rename("/Spatial/d", "/Spatial/b", true).map(|_| ())), "not a folder");
    assert_eq!(word(rename("/Spatial/b", "/Spatial/d", true).map(|_| ())), "conflict");
    assert_eq!(word(area.list(&path("/Spatial/b")).map(|_| ())), "not a folder");
    assert!(!rename("/Spatial/b", "/Database/b", false).unwrap());
}

#[test]
fn links_put_there_behind_our_back_lead_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let area = area(folder.path());
    let outside = folder.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("secret"), b"secret").unwrap();
    symlink(&outside, area.root().join("Spatial/out")).unwrap();
    symlink(outside.join("secret"), area.root().join("Spatial/link")).unwrap();
    symlink("../../outside/secret", area.root().join("Web/relative")).unwrap();
    for name in ["/Spatial/out/secret", "/Spatial/link", "/Web/relative", "/Spatial/out"] {
        assert!(area.open_file(&path(name), READ, Visibility::InPlace).is_err(), "read {name}");
        assert!(put(&area, name, b"overwritten").is_err(), "write {name}");
        assert!(area.metadata(&path(name)).is_err(), "stat {name}");
        assert!(area.remove_file(&path(name)).is_err(), "remove {name}");
    }
    put(&area, "/Spatial/mine", b"mine").unwrap();
    assert!(area.rename(&path("/Spatial/mine"), &path("/Spatial/out/mine"), true).is_err());
    assert!(area.make_folder(&path("/Spatial/out/new"), None).is_err());
    assert_eq!(area.list(&path("/Spatial")).unwrap().len(), 1, "links are not listed");
    assert_eq!(area.movable("Spatial").unwrap().len(), 1, "links are not moved");
    assert_eq!(std::fs::read(outside.join("secret")).unwrap(), b"secret");
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 1);
}

#[test]
fn a_file_opened_for_reading_is_made_where_asked_and_takes_no_data() {
    let folder = tempfile::tempdir().unwrap();
    let area = area(folder.path());
    let make = OpenMode { create: true, ..READ };
    assert_eq!(word(area.open_file(&path("/x"), make, Visibility::InPlace).map(drop)), "forbidden");
    for visibility in [Visibility::InPlace, Visibility::OnClose] {
        let name = format!("/Spatial/{visibility:?}");
        let mut file = area.open_file(&path(&name), make, visibility).unwrap();
        assert!(file.writes(), "it is an upload, of nothing");
        assert!(file.write_at([b"x".as_slice()], 0).is_err());
        assert!(file.read_at(1, 0).unwrap().is_empty());
        assert_eq!(file.close().unwrap(), (path(&name), 0));
        assert!(!area.open_file(&path(&name), make, visibility).unwrap().writes(), "it is there now");
    }
}

#[test]
fn attributes_are_set_on_folders_as_on_files_and_new_ones_have_the_permissions_asked_for() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let area = area(folder.path());
    let mode = |name: &str| std::fs::metadata(area.root().join(name)).unwrap().permissions().mode() & 0o777;
    area.make_folder(&path("/Spatial/d"), Some(0o700)).unwrap();
    area.open_file(&path("/Spatial/f"), OpenMode { permissions: Some(0o600), ..WRITE }, Visibility::InPlace)
        .unwrap();
    assert_eq!((mode("Spatial/d"), mode("Spatial/f")), (0o700, 0o600));
    for name in ["Spatial/d", "Spatial/f"] {
        let change = |file: &std::fs::File| file.set_permissions(PermissionsExt::from_mode(0o750));
        area.change(&path(name), false, change).unwrap();
        assert_eq!(mode(name), 0o750, "{name}");
    }
}

#[test]
fn an_open_file_is_known_as_open_under_its_new_name() {
    let folder = tempfile::tempdir().unwrap();
    let area = area(folder.path());
    area.make_folder(&path("/Spatial/old"), None).unwrap();
    let mut file = area.open_file(&path("/Spatial/old/x"), WRITE, Visibility::InPlace).unwrap();
    file.write_at([b"12345".as_slice()], 0).unwrap();
    area.rename(&path("/Spatial/old"), &path("/Spatial/new"), false).unwrap();
    assert!(area.lock_names().open_for_writing("Spatial/new/x"));
    assert_eq!(file.close().unwrap(), (path("/Spatial/new/x"), 5));
    assert!(!area.lock_names().open_for_writing("Spatial/new/x"));
}

#[test]
fn on_close_files_appear_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let area = area(folder.path());
    let mut file = area.open_file(&path("/Database/x.bak"), WRITE, Visibility::OnClose).unwrap();
    file.write_at([b"whole".as_slice()], 0).unwrap();
    assert!(area.metadata(&path("/Database/x.bak")).is_err(), "not visible before CLOSE");
    file.close().unwrap();
    assert_eq!(std::fs::read(area.root().join("Database/x.bak")).unwrap(), b"whole");
    let mut cut = area.open_file(&path("/Database/x.bak"), WRITE, Visibility::OnClose).unwrap();
    cut.write_at([b"par".as_slice()], 0).unwrap();
    drop(cut);
    assert_eq!(std::fs::read(area.root().join("Database/x.bak")).unwrap(), b"whole");
    let resume = OpenMode { truncate: false, ..WRITE };
    let mut more = area.open_file(&path("/Database/x.bak"), resume, Visibility::OnClose).unwrap();
    more.write_at([b"!".as_slice()], 5).unwrap();
    more.close().unwrap();
    assert_eq!(std::fs::read(area.root().join("Database/x.bak")).unwrap(), b"whole!");
}
