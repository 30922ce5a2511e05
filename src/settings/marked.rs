//! YAML (and JSON, which is YAML too) as a tree in which everything knows its line and column, and values are the text
//! that was written: `0123` stays `0123`.

use yaml_rust2::parser::{Event, Parser, Tag};
use yaml_rust2::scanner::{Marker, ScanError, TScalarStyle};

/// How deep lists and mappings may stand in each other: more than twice what any setting needs.
const DEEPEST: usize = 12;

/// Where something stands: line and column in characters, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub line: usize,
    pub column: usize,
}

/// A value and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub kind: Kind,
    pub at: Mark,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing: no text, `~` or `null`, without quotes.
    Null,
    Text(String),
    List(Vec<Node>),
    /// Names with their places, in the file's order; a name may stand twice.
    Table(Vec<(String, Mark, Node)>),
}

/// Why a text is not a tree of values, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Syntax {
    pub at: Mark,
    pub what: String,
}

/// A list or mapping whose end has not come yet.
enum Open {
    List { items: Vec<Node>, at: Mark },
    Table { entries: Vec<(String, Mark, Node)>, at: Mark, name: Option<(String, Mark)> },
}

/// The one document of `text`; `None` when it holds nothing.
pub(super) fn parse(text: &str) -> Result<Option<Node>, Syntax> {
    if let Some(at) = place_of_nul(text) {
        return Err(syntax(at, "holds a NUL character"));
    }
    let mut parser = Parser::new_from_str(text);
    let mut open: Vec<Open> = Vec::new();
    let mut root = None;
    loop {
        let (event, marker) = parser.next_token().map_err(|error| not_yaml(&error))?;
        let at = Mark::from(marker);
        let finished = match event {
            Event::StreamEnd => return Ok(root),
            Event::DocumentStart if root.is_some() => return Err(syntax(at, "holds a second document")),
            Event::Nothing | Event::StreamStart | Event::DocumentStart | Event::DocumentEnd => None,
            Event::Alias(_) => return Err(syntax(at, "holds an alias (*name): write the value out")),
            Event::Scalar(text, style, anchor, tag) => {
                plain(anchor, tag.as_ref(), at)?;
                Some(Node { kind: scalar(text, style), at })
            }
            Event::SequenceStart(anchor, tag) => {
                plain(anchor, tag.as_ref(), at)?;
                open.push(Open::List { items: Vec::new(), at });
                None
            }
            Event::MappingStart(anchor, tag) => {
                plain(anchor, tag.as_ref(), at)?;
                open.push(Open::Table { entries: Vec::new(), at, name: None });
                None
            }
            Event::SequenceEnd | Event::MappingEnd => open.pop().map(closed),
        };
        if open.len() > DEEPEST {
            return Err(syntax(at, "is nested too deep"));
        }
        if let Some(node) = finished {
            match open.last_mut() {
                Some(parent) => put(parent, node)?,
                None => root = Some(node),
            }
        }
    }
}

/// Adds `node` to the list or mapping it stands in.
fn put(parent: &mut Open, node: Node) -> Result<(), Syntax> {
    match parent {
        Open::List { items, .. } => items.push(node),
        Open::Table { entries, name, .. } => match (name.take(), node.kind) {
            (Some((name, at)), kind) => entries.push((name, at, Node { kind, at: node.at })),
            (None, Kind::Text(text)) => *name = Some((text, node.at)),
            (None, _) => return Err(syntax(node.at, "has a value where a name must stand")),
        },
    }
    Ok(())
}

fn closed(open: Open) -> Node {
    match open {
        Open::List { items, at } => Node { kind: Kind::List(items), at },
        Open::Table { entries, at, .. } => Node { kind: Kind::Table(entries), at },
    }
}

fn scalar(text: String, style: TScalarStyle) -> Kind {
    let null = style == TScalarStyle::Plain && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL");
    if null { Kind::Null } else { Kind::Text(text) }
}

/// Refuses what would silently mean something else than its text: `!secret name` and other tags, and anchors.
fn plain(anchor: usize, tag: Option<&Tag>, at: Mark) -> Result<(), Syntax> {
    if anchor != 0 {
        return Err(syntax(at, "holds an anchor (&name): write the value where it is wanted"));
    }
    match tag {
        Some(tag) if !tag.handle.starts_with("tag:yaml.org,2002:") => {
            Err(syntax(at, "holds a tag such as !secret: write the value itself, or set its environment variable"))
        }
        _ => Ok(()),
    }
}

fn place_of_nul(text: &str) -> Option<Mark> {
    text.find('\0').map(|index| Mark::after(text.get(..index).unwrap_or_default()))
}

fn not_yaml(error: &ScanError) -> Syntax {
    syntax(Mark::from(*error.marker()), &format!("is not valid YAML: {}", error.info()))
}

fn syntax(at: Mark, what: &str) -> Syntax {
    Syntax { at, what: what.to_owned() }
}

// === impl Mark ===

impl From<Marker> for Mark {
    fn from(marker: Marker) -> Self {
        Self { line: marker.line().max(1), column: marker.col() + 1 }
    }
}

impl Mark {
    /// The place behind `text`.
    pub(super) fn after(text: &str) -> Self {
        let line = text.rsplit('\n').next().unwrap_or_default();
        Self { line: text.matches('\n').count() + 1, column: line.chars().count() + 1 }
    }
}
