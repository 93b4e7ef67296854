//! Owns the product's sources as text: which files there are, and their code without comments, literals and tests.
//!
//! Text only, no syntax tree: enough for rules that a search can hold.

use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the workspace.
pub fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().unwrap_or_else(|e| panic!("{}: {e}", root.display()))
}

/// The Rust files below `folder`, named from the workspace's folder, sorted; files of tests left out.
pub fn files_below(folder: &str) -> Vec<String> {
    let files = all_files_below(folder).into_iter();
    files.filter(|name| !is_test(Path::new(name))).collect()
}

/// The same with the files of tests.
pub fn all_files_below(folder: &str) -> Vec<String> {
    all_below(folder, "rs")
}

/// The files below `folder` whose names end in `.extension`, named from the workspace's folder, sorted.
pub fn all_below(folder: &str, extension: &str) -> Vec<String> {
    let root = root();
    let mut files = Vec::new();
    collect(&root.join(folder), extension, &mut files);
    assert!(!files.is_empty(), "no sources below {folder}");
    let name = |path: PathBuf| path.strip_prefix(&root).unwrap_or(&path).display().to_string();
    let mut names: Vec<String> = files.into_iter().map(name).collect();
    names.sort();
    names
}

/// The text of a file named from the workspace's folder.
pub fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|e| panic!("{file}: {e}"))
}

fn collect(folder: &Path, extension: &str, files: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    for entry in entries {
        let path = entry.expect("a folder entry").path();
        if path.is_dir() {
            collect(&path, extension, files);
        } else if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
}

fn is_test(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| stem == "tests" || stem.to_string_lossy().ends_with("_tests"))
        || path.components().any(|part| {
            let name = part.as_os_str().to_string_lossy();
            name == "tests" || name.ends_with("_tests")
        })
}

/// The text with every item under `#[cfg(test)]` blanked. Lines keep their numbers.
pub fn without_tests(text: &str) -> String {
    let code = without_comments_and_literals(text);
    let mut kept = text.as_bytes().to_vec();
    for marker in ["#[cfg(test)]", "#[cfg(all(test"] {
        for (start, _) in code.match_indices(marker) {
            blank(&mut kept, start, end_of_item(&code, start));
        }
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// Where the item ends whose attributes begin at `start`: behind its `;` or its closing brace.
fn end_of_item(code: &str, start: usize) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate().skip(start) {
        match byte {
            b'{' | b'[' | b'(' => depth += 1,
            b'}' | b']' | b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && matches!(byte, b';' | b'}') {
            return at + 1;
        }
    }
    code.len()
}

/// The text with comments, strings and characters blanked. Positions and lines stay what they are.
pub fn without_comments_and_literals(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut kept = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = end_of_blank(text, at);
        if end > at {
            blank(&mut kept, at, end);
            at = end;
        } else {
            at += 1;
        }
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// The end of the comment or literal that begins at `at`, or `at` where none does.
fn end_of_blank(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    let rest = &bytes[at..];
    let in_word = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    let after = |end: Option<usize>| end.map_or(bytes.len(), |end| at + end);
    match rest {
        [b'/', b'/', ..] => after(rest.iter().position(|byte| *byte == b'\n')),
        [b'/', b'*', ..] => end_of_block_comment(bytes, at),
        [b'"', ..] => end_of_string(bytes, at + 1),
        [b'r' | b'b' | b'c', ..] if !in_word => {
            let prefix = rest.iter().take_while(|byte| matches!(byte, b'r' | b'b' | b'c')).count();
            let hashes = rest[prefix..].iter().take_while(|byte| **byte == b'#').count();
            match rest.get(prefix + hashes) {
                Some(b'"') if rest[..prefix].contains(&b'r') => {
                    let close = format!("\"{}", "#".repeat(hashes));
                    let body = at + prefix + hashes + 1;
                    find(bytes, body, close.as_bytes()).map_or(bytes.len(), |end| end + close.len())
                }
                Some(b'"') if hashes == 0 => end_of_string(bytes, at + prefix + 1),
                _ => at,
            }
        }
        // A lifetime has no closing quote behind its first character.
        [b'\'', b'\\', ..] => after(rest.iter().skip(3).position(|byte| *byte == b'\'').map(|end| end + 4)),
        [b'\'', first, ..] => {
            let width = match first {
                0..=0x7F => 1,
                0xC0..=0xDF => 2,
                0xE0..=0xEF => 3,
                _ => 4,
            };
            if rest.get(1 + width) == Some(&b'\'') { at + width + 2 } else { at }
        }
        _ => at,
    }
}

fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn end_of_block_comment(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while at < bytes.len() {
        match &bytes[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    bytes.len()
}

fn find(bytes: &[u8], from: usize, wanted: &[u8]) -> Option<usize> {
    (from..bytes.len()).find(|at| bytes[*at..].starts_with(wanted))
}

fn blank(text: &mut [u8], start: usize, end: usize) {
    for byte in &mut text[start..end] {
        if *byte != b'\n' {
            *byte = b' ';
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked_and_nothing_else() {
        for (text, code) in [
            ("a // b\nc", "a     \nc"),
            ("a /* /* b */ */ c", "a                c".trim_end_matches("!")),
            (r#"f("a \" { b", 'x', '\'', '{') g"#, r#"f(         ,    ,     ,    ) g"#),
            ("r#\"a \" b\"# + br\"c\" + b\"d\"", "           +       +     "),
            ("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}"),
            ("var\"s\"", "var   "),
        ] {
            let blanked = without_comments_and_literals(text);
            assert_eq!(blanked.len(), text.len(), "{text}");
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            assert_eq!(words(&blanked), words(code), "{text}");
        }
    }

    #[test]
    fn only_the_item_under_cfg_test_is_blanked() {
        let text = "use a;\n#[cfg(test)]\nmod tests;\nuse b;\n#[cfg(test)]\nfn f() { [1; 2]; }\nuse c;";
        let kept = without_tests(text);
        assert_eq!(kept.split_whitespace().collect::<Vec<_>>(), ["use", "a;", "use", "b;", "use", "c;"]);
        assert_eq!(kept.lines().count(), text.lines().count(), "lines keep their numbers");
    }
}
