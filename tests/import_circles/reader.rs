//! Reads which file of a crate uses the items of which other one. Input: the crate's files as text.
//!
//! By text alone, so code made by a macro and methods called on values are not seen.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::Import;
use crate::harness::sources::{without_comments_and_literals, without_tests};

/// Re-exports followed from one import.
const MAX_DEPTH: usize = 16;

/// A path such as `crate::a::B`, by its segments.
type Path = Vec<String>;

/// The files of one crate as a tree of modules.
#[derive(Default)]
pub struct Crate {
    modules: BTreeMap<Path, Module>,
}

struct Module {
    file: String,
    uses: Vec<Use>,
    /// Paths in the code outside of `use`, with their lines.
    inline: Vec<(Path, usize)>,
    /// Every word of the code outside of `use`.
    words: BTreeSet<String>,
    /// Names this file gives to items of its own.
    items: BTreeSet<String>,
}

/// One leaf of a `use`.
struct Use {
    /// What it is called here; `*` for everything.
    name: String,
    path: Path,
    line: usize,
    is_re_export: bool,
}

/// What a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Target {
    Module(Path),
    /// An item defined in the file of this module.
    ItemOf(Path),
}

impl Crate {
    /// From `(file, text)`; a file is named from the crate's source folder, such as `mqtt/mod.rs`.
    pub fn new(files: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut modules = BTreeMap::new();
        for (file, text) in files {
            modules.insert(path_of(&file), Module::read(file, &text));
        }
        Self { modules }
    }

    /// Every use of another file's items, sorted, one a line and file.
    pub fn imports(&self) -> Vec<Import> {
        let mut imports = BTreeSet::new();
        for (path, module) in &self.modules {
            let mut add = |target: Option<Target>, line: usize| {
                if let Some(Target::ItemOf(to)) = target
                    && to != *path
                {
                    imports.insert(Import {
                        from: module.file.clone(),
                        line,
                        to: self.modules[&to].file.clone(),
                    });
                }
            };
            for import in &module.uses {
                let is_only_re_exported = import.is_re_export && !module.words.contains(&import.name);
                if is_only_re_exported {
                    continue;
                }
                let target = self.resolve(path, &import.path, 0);
                match target {
                    Some(Target::Module(to)) if import.name == "*" => {
                        add(Some(Target::ItemOf(to)), import.line)
                    }
                    other => add(other, import.line),
                }
            }
            for (inline, line) in &module.inline {
                add(self.resolve(path, inline, 0), *line);
            }
        }
        imports.into_iter().collect()
    }

    /// `None`: another crate, or a name that is no module or import.
    fn resolve(&self, from: &Path, segments: &[String], depth: usize) -> Option<Target> {
        if depth > MAX_DEPTH {
            return None;
        }
        let (first, mut rest) = segments.split_first()?;
        let mut at = match first.as_str() {
            "crate" => Vec::new(),
            "self" => from.clone(),
            "super" => parent(from)?,
            name => match self.name_in(from, name, depth)? {
                Target::Module(path) => path,
                item => return Some(item),
            },
        };
        while let Some((segment, others)) = rest.split_first() {
            rest = others;
            at = if segment == "super" {
                parent(&at)?
            } else {
                match self.name_in(&at, segment, depth) {
                    Some(Target::Module(path)) => path,
                    Some(item) => return Some(item),
                    // Re-exported from another crate; else an item of its own that text does not show.
                    None if self.is_foreign(&at, segment) => return None,
                    None => return Some(Target::ItemOf(at)),
                }
            };
        }
        self.modules.contains_key(&at).then_some(Target::Module(at))
    }

    /// What `name` means within the module: a child, an item of its own, or something it imports.
    fn name_in(&self, module: &Path, name: &str, depth: usize) -> Option<Target> {
        let child: Path = module.iter().cloned().chain([name.to_owned()]).collect();
        if self.modules.contains_key(&child) {
            return Some(Target::Module(child));
        }
        let here = self.modules.get(module)?;
        if here.items.contains(name) {
            return Some(Target::ItemOf(module.clone()));
        }
        if let Some(import) = here.uses.iter().find(|import| import.name == name) {
            return self.resolve(module, &import.path, depth + 1);
        }
        here.uses.iter().filter(|import| import.name == "*").find_map(|glob| {
            match self.resolve(module, &glob.path, depth + 1)? {
                Target::Module(path) if path != *module && depth < MAX_DEPTH => {
                    self.name_in(&path, name, depth + 1)
                }
                _ => None,
            }
        })
    }

    fn is_foreign(&self, module: &Path, name: &str) -> bool {
        self.modules.get(module).is_none_or(|module| module.uses.iter().any(|import| import.name == name))
    }
}

/// The module of a file: `mqtt/mod.rs` and `mqtt.rs` are both `mqtt`, `lib.rs` and `main.rs` the root.
fn path_of(file: &str) -> Path {
    let name = file.trim_end_matches(".rs");
    let name = name.strip_suffix("/mod").unwrap_or(name);
    if ["lib", "main"].contains(&name) { Vec::new() } else { name.split('/').map(str::to_owned).collect() }
}

fn parent(module: &Path) -> Option<Path> {
    module.split_last().map(|(_, parent)| parent.to_vec())
}

impl Module {
    fn read(file: String, text: &str) -> Self {
        let code = without_comments_and_literals(&without_tests(text));
        let (uses, code) = take_uses(&code);
        let tokens = tokens(&code);
        let inline = inline_paths(&tokens).map(|(path, at)| (path, line_of(&code, at))).collect();
        let words = tokens.iter().map(|(word, _)| (*word).to_owned()).collect();
        Self { file, uses, inline, words, items: items(&tokens) }
    }
}

fn line_of(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}

/// Words, `::` and single signs, with their positions.
fn tokens(code: &str) -> Vec<(&str, usize)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut tokens = Vec::new();
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let length = if is_word(first) {
            rest.find(|c| !is_word(c)).unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        if !first.is_whitespace() {
            tokens.push((&rest[..length], code.len() - rest.len()));
        }
        rest = &rest[length..];
    }
    tokens
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Takes every `use` out of the code: its leaves, and the code without it.
fn take_uses(code: &str) -> (Vec<Use>, String) {
    let tokens = tokens(code);
    let mut left = code.as_bytes().to_vec();
    let mut uses = Vec::new();
    let mut n = 0;
    while n < tokens.len() {
        // `use<'a>` in a type captures lifetimes.
        let begins = tokens[n].0 == "use" && tokens.get(n + 1).is_some_and(|next| next.0 != "<");
        if !begins {
            n += 1;
            continue;
        }
        let end = (n..tokens.len()).find(|at| tokens[*at].0 == ";").unwrap_or(tokens.len() - 1);
        // `pub` or `pub(crate)`.
        let is_re_export = n > 0 && (tokens[n - 1].0 == "pub" || (tokens[n - 1].0 == ")" && n > 3));
        let mut reader =
            UseReader { code, tokens: &tokens[n + 1..end], at: 0, is_re_export, leaves: &mut uses };
        reader.tree(&[]);
        for byte in &mut left[tokens[n].1..tokens[end].1] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        n = end;
    }
    (uses, String::from_utf8_lossy(&left).into_owned())
}

struct UseReader<'a> {
    code: &'a str,
    tokens: &'a [(&'a str, usize)],
    at: usize,
    is_re_export: bool,
    leaves: &'a mut Vec<Use>,
}

impl UseReader<'_> {
    /// One tree: a path that ends in a name, `*`, or braces with more trees.
    fn tree(&mut self, prefix: &[String]) {
        let mut path = prefix.to_vec();
        let mut name = String::new();
        let mut line = 0;
        while let Some((token, position)) = self.tokens.get(self.at) {
            self.at += 1;
            match *token {
                "{" => {
                    while self.tokens.get(self.at).is_some_and(|(token, _)| *token != "}") {
                        self.tree(&path);
                    }
                    self.at += 1;
                    // The comma behind the braces, if any.
                    self.at += usize::from(self.tokens.get(self.at).is_some_and(|(token, _)| *token == ","));
                    return;
                }
                "," => break,
                "}" => {
                    self.at -= 1;
                    break;
                }
                "as" => {
                    name =
                        self.tokens.get(self.at).map_or_else(String::new, |(alias, _)| (*alias).to_owned());
                    self.at += 1;
                }
                "::" => {}
                word => {
                    line = line_of(self.code, *position);
                    word.clone_into(&mut name);
                    match word {
                        "*" => {}
                        "self" if !path.is_empty() => name = path.last().cloned().unwrap_or_default(),
                        _ => path.push(name.clone()),
                    }
                }
            }
        }
        if !path.is_empty() {
            self.leaves.push(Use { name, path, line, is_re_export: self.is_re_export });
        }
    }
}

/// Paths of two and more names; `Self::` and what follows a dot are none. Within a module written in
/// braces, `super` is the file itself.
fn inline_paths<'a>(tokens: &'a [(&'a str, usize)]) -> impl Iterator<Item = (Path, usize)> + 'a {
    let mut inner: Vec<bool> = Vec::new();
    (0..tokens.len()).filter_map(move |n| {
        let (token, at) = tokens[n];
        match token {
            "{" => inner.push(n >= 2 && tokens[n - 2].0 == "mod"),
            "}" => drop(inner.pop()),
            _ => {}
        }
        let begins = is_name(token)
            && token != "Self"
            && tokens.get(n + 1).is_some_and(|next| next.0 == "::")
            && (n == 0 || !["::", "."].contains(&tokens[n - 1].0));
        if !begins {
            return None;
        }
        let mut path = vec![token.to_owned()];
        let mut next = n + 1;
        while let [("::", _), (name, _), ..] = tokens[next..]
            && is_name(name)
        {
            path.push(name.to_owned());
            next += 2;
        }
        for _ in inner.iter().filter(|is_module| **is_module) {
            if path.first().is_some_and(|first| first == "super") {
                path.remove(0);
            }
        }
        Some((path, at))
    })
}

fn items(tokens: &[(&str, usize)]) -> BTreeSet<String> {
    const KINDS: [&str; 9] = ["fn", "struct", "enum", "trait", "type", "const", "static", "union", "mod"];
    let named = tokens.windows(2).filter(|pair| KINDS.contains(&pair[0].0) && is_name(pair[1].0));
    named.map(|pair| pair[1].0.to_owned()).filter(|name| !KINDS.contains(&name.as_str())).collect()
}
