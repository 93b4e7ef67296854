//! Reads what a script imports. Pure: text in, imports out.

use super::graph::Import;

/// The scripts that one imports, by their paths from the folder that `from` is named in. Names of packages do not
/// count.
pub fn imports(from: &str, text: &str) -> Vec<Import> {
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut found = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with("//") {
            continue;
        }
        for before in ["from ", "import ", "import("] {
            for (at, _) in line.match_indices(before) {
                let Some(path) = literal(&line[at + before.len()..]).filter(|path| path.starts_with('.'))
                else {
                    continue;
                };
                found.push(Import { from: from.to_owned(), line: n + 1, to: resolved(folder, path) });
            }
        }
    }
    found
}

/// What the quotes hold that the text begins with.
fn literal(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|first| matches!(first, '"' | '\'' | '`'))?;
    text[1..].split(quote).next()
}

fn resolved(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_read_in_each_form() {
        let text = "// import \"./no.js\";\nimport { a, b } from \"./a.js\";\nimport * as c from '../c.js';\n\
                    import \"./d.js\";\nexport { e } from \"./e.js\";\nconst f = await import(\"./f/g.js\");\n\
                    import {\n  h,\n} from \"./h.js\";\nimport x from \"package\";\nsay(\"from \", \"import \");";
        let found: Vec<String> =
            imports("in/one.js", text).iter().map(|one| format!("{} {}", one.line, one.to)).collect();
        assert_eq!(found, ["2 in/a.js", "3 c.js", "4 in/d.js", "5 in/e.js", "6 in/f/g.js", "9 in/h.js"]);
    }
}
