//! Reads the documents: their fenced blocks, their headings and their links. Text only.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::sources::root;

/// A document, named from the workspace's folder.
pub struct Document {
    pub name: String,
    pub text: String,
}

/// A fenced block.
pub struct Block {
    /// Its file and the line it begins in, for people.
    pub place: String,
    /// What stands behind the fence: `sh`, `json request`.
    pub tag: String,
    pub text: String,
}

/// Where documents are: the README and what stands beside it, docs/ with the decisions, the READMEs of the other folders.
const FOLDERS: [&str; 13] = [
    "",
    "docs",
    "docs/adr",
    "docs/schema",
    "crates/bridge",
    "crates/codec",
    "crates/modem",
    "crates/simulator",
    "deploy/home-assistant",
    "examples",
    "examples/meter-readings-node",
    "examples/meter-readings-python",
    "examples/meter-readings-rust",
];

/// All documents, by name.
pub fn all() -> Vec<Document> {
    let root = root();
    let mut paths: Vec<PathBuf> = Vec::new();
    for folder in FOLDERS {
        let entries = fs::read_dir(root.join(folder)).unwrap_or_else(|e| panic!("{folder}: {e}"));
        let files = entries.map(|entry| entry.expect("a folder entry").path());
        paths.extend(files.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    }
    paths.sort();
    let read = |path: &PathBuf| {
        let name = path.strip_prefix(&root).unwrap_or(path).display().to_string();
        let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{name}: {e}"));
        Document { name, text }
    };
    paths.iter().map(read).collect()
}

/// The blocks of what users and contributors read. Those of the crates' READMEs are their own doc tests, those of each
/// example are run with what it needs, in `ecosystem/services.rs`.
pub fn blocks() -> Vec<Block> {
    let is_run_elsewhere =
        |name: &str| name.starts_with("crates/") || name.starts_with("examples/meter-readings-");
    let ours = all().into_iter().filter(|document| !is_run_elsewhere(&document.name));
    ours.flat_map(|document| document.blocks()).collect()
}

/// The blocks with exactly this tag; at least `at_least`, so that a check which finds nothing fails.
pub fn blocks_tagged(tag: &str, at_least: usize) -> Vec<Block> {
    let found: Vec<Block> = blocks().into_iter().filter(|block| block.tag == tag).collect();
    assert!(
        found.len() >= at_least,
        "the documents have {} blocks ```{tag}, fewer than {at_least}",
        found.len()
    );
    found
}

impl Document {
    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut open: Option<Block> = None;
        for (number, line) in (1..).zip(self.text.lines()) {
            match (line.trim_start().strip_prefix("```"), &mut open) {
                (Some(tag), None) => {
                    let (place, tag) = (format!("{}:{number}", self.name), tag.to_owned());
                    open = Some(Block { place, tag, text: String::new() });
                }
                (Some(_), Some(_)) => blocks.extend(open.take()),
                (None, Some(block)) => block.text.extend([line, "\n"]),
                (None, None) => {}
            }
        }
        assert!(open.is_none(), "{}: a block is not closed", self.name);
        blocks
    }

    /// Its lines outside of blocks, with their numbers.
    pub fn prose(&self) -> Vec<(usize, &str)> {
        let mut is_block = false;
        let outside = |(_, line): &(usize, &str)| {
            let is_fence = line.trim_start().starts_with("```");
            is_block ^= is_fence;
            !is_block && !is_fence
        };
        (1..).zip(self.text.lines()).filter(outside).collect()
    }

    /// What a link may name behind `#`: its headings, as GitHub spells them.
    pub fn anchors(&self) -> BTreeSet<String> {
        let mut anchors = BTreeSet::new();
        for (_, line) in self.prose() {
            let title = line.trim_start_matches('#');
            if title.len() == line.len() || !title.starts_with(' ') {
                continue;
            }
            let slug = slug(title.trim());
            let numbered = (1..).map(|n| format!("{slug}-{n}"));
            let free = std::iter::once(slug.clone()).chain(numbered).find(|name| !anchors.contains(name));
            anchors.extend(free);
        }
        anchors
    }

    /// The targets of its links `[…](target)`, with the line each stands in.
    pub fn links(&self) -> Vec<(usize, String)> {
        let in_line = |(number, line): (usize, &str)| {
            let targets = line.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
            targets.map(|(target, _)| (number, target.to_owned())).collect::<Vec<_>>()
        };
        self.prose().into_iter().flat_map(in_line).collect()
    }
}

fn slug(title: &str) -> String {
    let kept = title.to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// What is wrong with the links of `documents`, a line each.
pub fn broken_links(documents: &[Document]) -> Vec<String> {
    let root = root();
    let mut broken = Vec::new();
    for document in documents {
        let folder = Path::new(&document.name).parent().unwrap_or(Path::new(""));
        for (line, link) in document.links() {
            let place = format!("{}:{line}", document.name);
            if link.contains("://") {
                continue;
            }
            let (path, anchor) = link.split_once('#').map_or((link.as_str(), None), |(p, a)| (p, Some(a)));
            let target = if path.is_empty() { document.name.clone() } else { tidy(&folder.join(path)) };
            let known = documents.iter().find(|other| other.name == target);
            match (known, anchor) {
                (Some(known), Some(anchor)) if !known.anchors().contains(anchor) => {
                    broken.push(format!("{place}: {target} has no heading #{anchor}"));
                }
                (None, _) if !root.join(&target).exists() => {
                    broken.push(format!("{place}: no file {target}"))
                }
                _ => {}
            }
        }
    }
    broken
}

/// A path without its `..`.
fn tidy(path: &Path) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in path.components() {
        match part.as_os_str().to_string_lossy().as_ref() {
            ".." => drop(parts.pop()),
            "." => {}
            name => parts.push(name.to_owned()),
        }
    }
    parts.join("/")
}
