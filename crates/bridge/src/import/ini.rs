//! Options in sections, as gammu-smsd and SMS Server Tools write them: `[section]`, `key = value`, comments.
//!
//! A comment is a whole line: behind a value both programs take `#` for a part of it.

use super::options::{Entry, Odd};

/// What stands in such a file.
pub(super) struct Ini {
    pub(super) entries: Vec<Entry>,
    pub(super) odd: Vec<Odd>,
}

pub(super) fn read(text: &str) -> Ini {
    let mut ini = Ini { entries: Vec::new(), odd: Vec::new() };
    let (mut section, mut block) = (String::new(), 0);
    for (line, text) in lines(text) {
        if let Some(rest) = text.strip_prefix('[') {
            match rest.split_once(']') {
                Some((name, _)) => (section, block) = (name.trim().to_owned(), block + 1),
                None => ini.odd.push(Odd { line, text: text.to_owned() }),
            }
            continue;
        }
        match text.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() => ini.entries.push(Entry {
                line,
                block,
                section: section.clone(),
                key: key.trim().to_owned(),
                value: value.trim().to_owned(),
            }),
            _ => ini.odd.push(Odd { line, text: text.to_owned() }),
        }
    }
    ini
}

/// Lines that say something, with their numbers, without the space around them.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.split('\n').enumerate().map(|(n, line)| (n + 1, line.trim()));
    lines.filter(|(_, line)| !line.is_empty() && !["#", ";", "//"].iter().any(|mark| line.starts_with(mark)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sections_options_and_what_is_neither() {
        let ini = read("a=1\n; no\n\n [x] \n b  =  c = d # e\n//no\nword\n[open\n= 1\n[y]z\nB=");
        let entries: Vec<_> =
            ini.entries.iter().map(|e| (e.line, e.block, &*e.section, &*e.key, &*e.value)).collect();
        assert_eq!(entries, [(1, 0, "", "a", "1"), (5, 1, "x", "b", "c = d # e"), (11, 2, "y", "B", "")]);
        let odd: Vec<_> = ini.odd.iter().map(|odd| (odd.line, &*odd.text)).collect();
        assert_eq!(odd, [(7, "word"), (8, "[open"), (9, "= 1")]);
    }

    proptest! {
        #[test]
        fn every_line_is_a_comment_a_header_an_option_or_odd(text in "[\\[\\]=;#/a \n\u{e4}]{0,80}") {
            let ini = read(&text);
            let headers = lines(&text).filter(|(_, line)| line.starts_with('[') && line.contains(']')).count();
            prop_assert_eq!(lines(&text).count(), headers + ini.entries.len() + ini.odd.len());
        }
    }
}
