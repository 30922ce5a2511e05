use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use super::*;

fn store() -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path().join("data")).unwrap();
    (directory, store)
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn what_was_saved_is_loaded_and_is_its_users_alone() {
    let (directory, store) = store();
    let value = BTreeMap::from([("energy".to_owned(), 0.1 + 0.2), ("least".to_owned(), f64::MIN_POSITIVE)]);
    assert!(store.load::<BTreeMap<String, f64>>("plants/SA2114G047.json").unwrap().is_none());
    store.save("plants/SA2114G047.json", &"earlier").unwrap();
    store.save("plants/SA2114G047.json", &value).unwrap();
    assert_eq!(store.load("plants/SA2114G047.json").unwrap(), Some(value));
    let data = directory.path().join("data");
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join("plants")), 0o700);
    assert_eq!(mode(&data.join("plants/SA2114G047.json")), 0o600);
    assert_eq!(std::fs::read_dir(data.join("plants")).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn a_document_says_its_version_and_checksum() {
    insta::assert_snapshot!(document(&[1, 2]).unwrap(), @r#"{"version":1,"checksum":"088b50bf","data":[1,2]}"#);
}

#[test]
fn a_damaged_file_is_set_aside_once_and_the_next_save_begins_anew() {
    let (directory, store) = store();
    let path = directory.path().join("data/a.json");
    let whole = document(&[1u32, 2]).unwrap();
    let damaged = [
        String::new(),
        "no json".to_owned(),
        whole[..whole.len() - 1].to_owned(),
        whole.replace("[1,2]", "[1,3]"),
        whole.replace("\"version\":1", "\"version\":2"),
        document("another type").unwrap(),
        format!("{}{whole}", " ".repeat(usize::try_from(LONGEST).unwrap())),
    ];
    for text in damaged {
        std::fs::write(&path, &text).unwrap();
        assert_eq!(store.load::<Vec<u32>>("a.json").unwrap(), None, "{text:.60}");
        assert!(!path.exists());
        assert_eq!(std::fs::read_to_string(directory.path().join("data/a.json.damaged")).unwrap(), text);
        assert_eq!(std::fs::read_dir(directory.path().join("data")).unwrap().count(), 1, "one only");
    }
    store.save("a.json", &[1u32, 2]).unwrap();
    assert_eq!(store.load::<Vec<u32>>("a.json").unwrap(), Some(vec![1, 2]));
}

#[test]
fn names_lead_nowhere_else() {
    let (_directory, store) = store();
    for name in ["", "../a", "/a", "a//b", "a/../b", ".hidden", "a b", "a\0", "ä"] {
        assert!(matches!(store.save(name, &1), Err(StoreError::Name(_))), "{name}");
        assert!(matches!(store.load::<u8>(name), Err(StoreError::Name(_))), "{name}");
    }
}

#[test]
fn what_is_too_long_or_no_file_is_an_error_and_nothing_is_lost() {
    let (directory, store) = store();
    store.save("a.json", &1u8).unwrap();
    let long = "x".repeat(usize::try_from(LONGEST).unwrap());
    assert!(matches!(store.save("a.json", &long), Err(StoreError::Form { .. })));
    assert_eq!(store.load::<u8>("a.json").unwrap(), Some(1));
    std::fs::create_dir(directory.path().join("data/b.json")).unwrap();
    let error = store.load::<u8>("b.json").unwrap_err().to_string();
    assert!(error.starts_with("cannot read ") && error.ends_with("b.json: not a plain file"), "{error}");
    std::fs::write(directory.path().join("data/c"), "").unwrap();
    assert!(matches!(store.save("c/d.json", &1), Err(StoreError::Io { doing: "cannot make", .. })));
    assert!(Store::open(directory.path().join("data/c/d")).is_err());
}

#[test]
fn a_write_that_fails_leaves_nothing_behind() {
    let (directory, store) = store();
    let data = directory.path().join("data");
    std::fs::create_dir(data.join("a.json")).unwrap();
    for _ in 0..3 {
        assert!(store.save("a.json", &1).is_err());
    }
    let names = |at: &Path| {
        let entries = std::fs::read_dir(at).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&data), ["a.json"]);
    // What an interrupted process left of another file, and files that only look alike.
    for name in [".b.json.x1Y2z3", ".b.json.x1Y2z34", ".c.json.x1Y2z3", ".b.json.x1Y2z-"] {
        std::fs::write(data.join(name), "").unwrap();
    }
    remove_left(&data.join("b.json"));
    assert_eq!(names(&data), [".b.json.x1Y2z-", ".b.json.x1Y2z34", ".c.json.x1Y2z3", "a.json"]);
}

#[test]
fn the_names_of_a_directory_are_those_of_its_documents() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    assert!(store.names("some", 9).unwrap().is_empty(), "it is not there");
    for name in ["some/b.json", "some/a.json", "other/c.json"] {
        store.save(name, &1).unwrap();
    }
    std::fs::write(dir.path().join("some/d.json.damaged"), "").unwrap();
    assert_eq!(store.names("some", 9).unwrap(), ["a", "b"]);
    assert_eq!(store.names("some", 1).unwrap().len(), 1);
    assert!(store.names("../some", 9).is_err());
}
