//! Writes a draft as a file of ours: TOML, with comments that say where each thing comes from.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::{Draft, Key, Left, Setting, Table};
use super::files::Files;
use super::kind::{Kind, NotRecognised, is_compose, recognise};
use super::text::decode;
use super::{gammu, ini, sms2mqtt, smstools};
use crate::escape;

/// Columns of a comment.
const WIDTH: usize = 110;

/// What was made of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Options that are in the result.
    pub taken: usize,
    /// Options, or lines, that are comments in it.
    pub left: usize,
    /// What has to be filled in.
    pub fill_in: usize,
}

/// Makes a configuration of ours of another gateway's, whose `kind` is recognised where it is not given. Returns its
/// text, whose it was, and how much of it there is. `place` names the file.
///
/// # Errors
/// It is none of those that are read.
#[expect(private_bounds, reason = "only what is on disk is read by others")]
pub fn import(
    octets: &[u8],
    place: &str,
    kind: Option<Kind>,
    files: &impl Files,
) -> Result<(String, Kind, Counts), NotRecognised> {
    let text = decode(octets);
    let kind = match kind {
        Some(kind) => kind,
        None => recognise(&text.text)?,
    };
    let mut draft = match kind {
        Kind::Gammu => gammu::draft(ini::read(&text.text), files),
        Kind::Smstools => smstools::draft(ini::read(&text.text), files),
        Kind::Sms2mqtt => sms2mqtt::draft(&text.text, is_compose(&text.text)),
    };
    draft.left.sort_by(|a, b| (a.origin.line, &a.why).cmp(&(b.origin.line, &b.why)));
    // What stands in a section of all modems is told once.
    draft.left.dedup_by(|a, b| a.origin.line == b.origin.line && a.why == b.why);
    let mut out = Writer::default();
    head(&mut out, place, kind, text.is_latin1, &draft);
    out.table("[mqtt]", &draft.mqtt);
    for table in &draft.modems {
        out.table("[[modem]]", table);
    }
    out.table("[inbound]", &draft.inbound);
    out.table("[outbound]", &draft.outbound);
    for table in &draft.hooks {
        out.table("[[hook]]", table);
    }
    out.left(&draft.left);
    Ok((out.text, kind, counts(&draft)))
}

fn counts(draft: &Draft) -> Counts {
    let one = [&draft.mqtt, &draft.inbound, &draft.outbound];
    let tables = one.into_iter().chain(&draft.modems).chain(&draft.hooks);
    let lines: BTreeSet<usize> =
        tables.flat_map(|table| &table.keys).flat_map(|key| &key.from).map(|origin| origin.line).collect();
    let left: BTreeSet<usize> = draft.left.iter().map(|left| left.origin.line).collect();
    Counts { taken: lines.len(), left: left.difference(&lines).count(), fill_in: draft.fill_in.len() }
}

fn head(out: &mut Writer, place: &str, kind: Kind, is_latin1: bool, draft: &Draft) {
    let place = escape::field(place);
    out.comment(
        "",
        &format!("smsbridge.toml, made by `smsbridge import` from {place}, a configuration of {kind}."),
    );
    out.comment("", "\"line 7\" is a line of that file. All keys there are: docs/configuration.md.");
    if is_latin1 {
        out.comment("", "That file is not UTF-8: it was read as Latin-1.");
    }
    if !draft.fill_in.is_empty() {
        out.line("#");
        out.comment("", "To fill in:");
        for sentence in &draft.fill_in {
            out.comment("- ", sentence);
        }
    }
    out.line("#");
    out.comment("", "Try it with `smsbridge check --connect --config FILE`. Stop the other gateway first: a modem serves only one.");
}

#[derive(Default)]
struct Writer {
    text: String,
    /// What stands before each line of a table.
    mark: &'static str,
}

impl Writer {
    fn line(&mut self, line: &str) {
        self.text.push_str(self.mark);
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// A comment over as many lines as it needs, the first with `bullet`.
    fn comment(&mut self, bullet: &str, text: &str) {
        let mut line = format!("# {bullet}");
        let mut is_first = true;
        for word in text.split(' ') {
            if !is_first && line.chars().count() + 1 + word.chars().count() > WIDTH {
                self.line(&line);
                line = format!("# {}", " ".repeat(bullet.len()));
                is_first = true;
            }
            if !is_first {
                line.push(' ');
            }
            line.push_str(word);
            is_first = false;
        }
        self.line(&line);
    }

    fn table(&mut self, header: &str, table: &Table) {
        if table.keys.is_empty() {
            return;
        }
        self.text.push('\n');
        for note in &table.notes {
            self.comment("", note);
        }
        self.mark = if table.is_off { "#" } else { "" };
        self.line(header);
        for key in &table.keys {
            self.key(key);
        }
        self.mark = "";
    }

    fn key(&mut self, key: &Key) {
        for origin in &key.from {
            self.comment("", &format!("line {}: {}", origin.line, origin.words));
        }
        if !key.note.is_empty() {
            self.comment("", &key.note);
        }
        match &key.value {
            Setting::List(texts) if texts.iter().map(|text| text.len() + 4).sum::<usize>() > WIDTH => {
                self.line(&format!("{} = [", key.name));
                for text in texts {
                    self.line(&format!("    {},", escape::toml(text)));
                }
                self.line("]");
            }
            value => {
                let written = written(value);
                self.line(&format!("{} = {written}", key.name));
            }
        }
    }

    /// What was left out: those with one reason together.
    fn left(&mut self, left: &[Left]) {
        if left.is_empty() {
            return;
        }
        self.text.push('\n');
        self.comment("", "Not taken over:");
        let mut reasons: Vec<(&str, Vec<&Left>)> = Vec::new();
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        for one in left {
            let place = *places.entry(&one.why).or_insert_with(|| {
                reasons.push((&one.why, Vec::new()));
                reasons.len() - 1
            });
            reasons[place].1.push(one);
        }
        for (why, left) in reasons {
            self.line("#");
            self.comment("", why);
            for Left { origin, .. } in left {
                self.line(&format!("#   line {}: {}", origin.line, origin.words));
            }
        }
    }
}

fn written(value: &Setting) -> String {
    match value {
        Setting::Text(text) => escape::toml(text),
        Setting::Number(number) => number.to_string(),
        Setting::Flag(flag) => flag.to_string(),
        Setting::List(texts) => {
            let texts: Vec<String> = texts.iter().map(|text| escape::toml(text)).collect();
            format!("[{}]", texts.join(", "))
        }
    }
}
