//! The layer of the file: read within bounds, every name known, every value at its place.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use super::fault::{Fault, Origin, one_line, printable};
use super::keys::{self, Listed, Place};
use super::layer::{Element, Layer, Origins};
use super::marked::{self, Kind, Mark, Node};

/// The largest file that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// After this many faults the rest of a file is not looked at.
const MOST_FAULTS: usize = 100;

/// The file's text without its byte order mark.
pub(super) fn read(path: &Path) -> Result<String, Vec<Fault>> {
    let fault = |want: String| vec![Fault::new(Origin::of(path.display().to_string()), "", want)];
    let metadata = fs::metadata(path).map_err(|error| fault(unreadable(&error)))?;
    if !metadata.is_file() {
        return Err(fault(format!("is not a file but {}", if metadata.is_dir() { "a directory" } else { "a device" })));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| fault(unreadable(&error)))?;
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| fault(unreadable(&error)))?;
    if bytes.len() as u64 > LARGEST {
        return Err(fault("is larger than 1 MiB, so it cannot be a settings file".into()));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned)),
        Err(error) => {
            let good = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
            let Mark { line, column } = Mark::after(&String::from_utf8_lossy(good));
            let origin = Origin::at(path.display().to_string(), line, column);
            Err(vec![Fault::new(origin, "", "must be UTF-8 text")])
        }
    }
}

fn unreadable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".into(),
        io::ErrorKind::PermissionDenied => "may not be read by this user".into(),
        _ => format!("cannot be read: {error}"),
    }
}

/// The layer that `text` holds. `source` is what faults call it.
pub(super) fn layer(text: &str, source: &str, origins: &mut Origins) -> (Layer, Vec<Fault>) {
    let root = match marked::parse(&for_yaml(text, source)) {
        Ok(Some(Node { kind: Kind::Table(entries), .. })) => entries,
        Ok(None | Some(Node { kind: Kind::Null, .. })) => {
            // A file may hold nothing but comments.
            return (Layer::default(), Vec::new());
        }
        Ok(Some(node)) => {
            let origin = Origin::at(source, node.at.line, node.at.column);
            let fault = Fault::new(origin, "", format!("must hold names and values, not {}", what(&node.kind)));
            return (Layer::default(), vec![fault]);
        }
        Err(syntax) => {
            let origin = Origin::at(source, syntax.at.line, syntax.at.column);
            return (Layer::default(), vec![Fault::new(origin, "", one_line(syntax.what.chars()))]);
        }
    };
    let mut reading = Reading { source, origins, layer: Layer::default(), faults: Vec::new() };
    reading.section("", root);
    (reading.layer, reading.faults)
}

/// JSON may be indented with tabs, YAML not.
fn for_yaml(text: &str, source: &str) -> String {
    let json = Path::new(source).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    if json { text.replace('\t', " ") } else { text.to_owned() }
}

const JOINED: &str = "is not a setting: names stand below each other, without dots or brackets";

/// The way through one file.
struct Reading<'a> {
    source: &'a str,
    origins: &'a mut Origins,
    layer: Layer,
    faults: Vec<Fault>,
}

impl Reading<'_> {
    fn origin(&self, at: Mark) -> Origin {
        Origin::at(self.source, at.line, at.column)
    }

    fn fault(&mut self, at: Mark, key: &str, want: impl Into<String>) {
        self.faults.push(Fault::new(self.origin(at), printable(key), want));
    }

    fn section(&mut self, section: &str, entries: Vec<(String, Mark, Node)>) {
        let mut seen = BTreeMap::new();
        for (name, at, node) in entries {
            if self.faults.len() >= MOST_FAULTS {
                return;
            }
            let path = if section.is_empty() { name.clone() } else { format!("{section}.{name}") };
            if self.is_repeated(&mut seen, &name, at, &path) {
                continue;
            }
            if name.contains(['.', '[']) {
                self.fault(at, &path, JOINED);
                continue;
            }
            match (keys::place(&path), node.kind) {
                (Place::Unknown, _) => self.unknown(&path, &path, at),
                (_, Kind::Null) => {}
                (Place::Value, Kind::Text(text)) => {
                    let id = self.origins.add(self.origin(node.at));
                    self.layer.set(&path, &text, &id);
                }
                (Place::Section, Kind::Table(entries)) => self.section(&path, entries),
                (Place::List(listed), Kind::List(items)) => self.list(&path, listed, node.at, items),
                (place, kind) => {
                    self.misplaced(node.at, &path, place, &kind);
                    if matches!(place, Place::List(_)) {
                        let id = self.origins.add(self.origin(node.at));
                        self.layer.set_list(&path, vec![(None, id.clone())], &id);
                    }
                }
            }
        }
    }

    /// A list of sections.
    fn list(&mut self, list: &str, listed: Listed, at: Mark, items: Vec<Node>) {
        let mut elements = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            if self.faults.len() >= MOST_FAULTS {
                break;
            }
            let path = format!("{list}[{index}]");
            let id = self.origins.add(self.origin(item.at));
            let element = match item.kind {
                Kind::Table(entries) => Some(self.element(list, &path, entries)),
                Kind::Text(text) => {
                    let suggestion = Some(format!("{}: {}", listed.first, printable(&text)));
                    let want = format!("must be {}'s names and values", listed.one);
                    let fault = Fault::new(self.origin(item.at), path, want);
                    self.faults.push(fault.with_suggestion(suggestion));
                    None
                }
                kind => {
                    self.misplaced(item.at, &path, Place::Section, &kind);
                    None
                }
            };
            elements.push((element, id));
        }
        let id = self.origins.add(self.origin(at));
        self.layer.set_list(list, elements, &id);
    }

    fn element(&mut self, list: &str, path: &str, entries: Vec<(String, Mark, Node)>) -> Element {
        let mut element = Element::default();
        self.fill(&mut element, "", list, path, entries);
        element
    }

    /// Puts what stands in `section` of an element (its name with a dot behind it, empty for the element itself) there.
    fn fill(
        &mut self,
        element: &mut Element,
        section: &str,
        list: &str,
        path: &str,
        entries: Vec<(String, Mark, Node)>,
    ) {
        let mut seen = BTreeMap::new();
        for (name, at, node) in entries {
            if self.faults.len() >= MOST_FAULTS {
                return;
            }
            let shown = format!("{path}.{section}{name}");
            if self.is_repeated(&mut seen, &name, at, &shown) {
                continue;
            }
            let known = format!("{list}[].{section}{name}");
            if name.contains(['.', '[']) {
                self.fault(at, &shown, JOINED);
                continue;
            }
            match (keys::place(&known), node.kind) {
                (Place::Unknown, _) => self.unknown(&shown, &known, at),
                (_, Kind::Null) => {}
                (Place::Value, Kind::Text(text)) => {
                    let id = self.origins.add(self.origin(node.at));
                    element.set(&format!("{section}{name}"), &text, &id);
                }
                (Place::Section, Kind::Table(entries)) => {
                    self.fill(element, &format!("{section}{name}."), list, path, entries);
                }
                (place, kind) => self.misplaced(node.at, &shown, place, &kind),
            }
        }
    }

    fn is_repeated(&mut self, seen: &mut BTreeMap<String, Mark>, name: &str, at: Mark, path: &str) -> bool {
        let first = *seen.entry(name.to_owned()).or_insert(at);
        if first != at {
            self.fault(at, path, format!("stands a second time, first in line {}", first.line));
        }
        first != at
    }

    fn unknown(&mut self, shown: &str, path: &str, at: Mark) {
        let fault = Fault::new(self.origin(at), printable(shown), "is not a setting");
        let index = shown.split(['[', ']']).nth(1).unwrap_or_default();
        let here = |key: String| if path.contains("[]") { key.replace("[]", &format!("[{index}]")) } else { key };
        let suggestion = keys::suggestion(path).map(here);
        self.faults.push(fault.with_suggestion(suggestion));
    }

    fn misplaced(&mut self, at: Mark, path: &str, place: Place, kind: &Kind) {
        let wanted = match place {
            Place::Section => "names and values".to_owned(),
            Place::List(listed) => format!("a list of {}", listed.several),
            Place::Value | Place::Unknown => "one value".to_owned(),
        };
        self.fault(at, path, format!("must be {wanted}, not {}", what(kind)));
    }
}

const fn what(kind: &Kind) -> &'static str {
    match kind {
        Kind::Null => "nothing",
        Kind::Text(_) => "one value",
        Kind::List(_) => "a list",
        Kind::Table(_) => "names and values",
    }
}
