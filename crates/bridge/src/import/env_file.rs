//! Variables as `docker run --env-file` takes them: `KEY=value`, a comment is a whole line.

use super::options::{Entry, Odd};

/// The variables of such a file. One without a value has that of Docker's own environment, which nobody knows here.
pub(super) fn read(text: &str) -> (Vec<Entry>, Vec<Odd>) {
    let (mut entries, mut odd) = (Vec::new(), Vec::new());
    for (n, line) in text.split('\n').enumerate() {
        let start = line.trim_start();
        if start.is_empty() || start.starts_with('#') {
            continue;
        }
        match variable(start, n + 1) {
            Some(entry) => entries.push(entry),
            None => odd.push(Odd { line: n + 1, text: line.trim().to_owned() }),
        }
    }
    (entries, odd)
}

/// A variable and its value: `KEY=value`, also behind `export`.
pub(super) fn variable(text: &str, line: usize) -> Option<Entry> {
    let text = text.strip_prefix("export ").unwrap_or(text).trim_start();
    let (key, value) = text.split_once('=')?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let key = key.trim();
    (!key.is_empty() && key.chars().all(is_name)).then(|| Entry {
        line,
        block: 0,
        section: String::new(),
        key: key.to_owned(),
        value: value.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_read_and_what_is_none_is_told() {
        let (entries, odd) = read("# no\nPIN=1234\n HOST = a b \nexport PREFIX=x=y\nPASSWORD\nA B=1\n");
        let entries: Vec<_> = entries.iter().map(|e| (e.line, &*e.key, &*e.value)).collect();
        assert_eq!(entries, [(2, "PIN", "1234"), (3, "HOST", " a b "), (4, "PREFIX", "x=y")]);
        assert_eq!(odd.iter().map(|odd| odd.line).collect::<Vec<_>>(), [5, 6]);
    }
}
