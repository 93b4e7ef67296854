//! The line `+CUSD: <m>[,<str>[,<dcs>]]` (TS 27.007 7.15): where its text ends, and what it says.
//!
//! Pure. Input: the octets of the line as characters ([`characters`]), since under `AT+CSCS="GSM"` the control codes are
//! letters. What letters they are is the caller's business. A text may hold quotes and line ends of its own, and a quote of the line may be lost on the way; so its end is
//! found by rules, and every text has one:
//!
//! - a quote, a comma and a number at the end of a line: the data coding scheme;
//! - any other quote at the end of a line, where the quotes so far make pairs. Else it ends a quoted word, and the text
//!   goes on;
//! - a line that no text has (the engine knows which), a silence, or more than any text holds: the closing quote is lost.

use std::time::{Duration, Instant};

use super::params::is_hex;

/// What the line begins with.
pub(crate) const PREFIX: &str = "+CUSD:";

/// The lines of a text come in one go: what comes after a longer silence is not of it.
const TEXT_TIMEOUT: Duration = Duration::from_secs(2);
/// 160 octets of USSD are 320 hexadecimal digits.
const MAX_TEXT: usize = 1024;
const BLANK: char = ' ';

/// A line whose text goes on over the next one.
#[derive(Debug)]
pub(crate) struct OpenText {
    line: String,
    deadline: Instant,
}

impl OpenText {
    /// Begins with the first line; none where that is all.
    pub(crate) fn begin(line: &str, now: Instant) -> Option<Self> {
        let is_open = line.strip_prefix(PREFIX).is_some_and(|rest| !is_complete(rest));
        is_open.then(|| Self { line: line.to_string(), deadline: now + TEXT_TIMEOUT })
    }

    /// Takes the next line; whether the text ends with it.
    pub(crate) fn add(&mut self, line: &str, now: Instant) -> bool {
        self.line.push('\n');
        self.line.push_str(line);
        self.deadline = now + TEXT_TIMEOUT;
        self.line.len() > MAX_TEXT || self.line.strip_prefix(PREFIX).is_none_or(is_complete)
    }

    /// When the silence has been too long for more of the text to come.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Its lines so far.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &str> {
        self.line.split('\n')
    }

    /// All its lines as one.
    pub(crate) fn into_line(self) -> String {
        self.line
    }
}

/// Octets as the characters of the same numbers.
pub(crate) fn characters(octets: &[u8]) -> String {
    octets.iter().copied().map(char::from).collect()
}

/// The octets of what [`characters`] gave.
pub(crate) fn octets(characters: &str) -> Vec<u8> {
    characters.chars().filter_map(|character| u8::try_from(character).ok()).collect()
}

/// What the line says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Content<'a> {
    pub(crate) state: u8,
    pub(crate) text: Option<&'a str>,
    pub(crate) dcs: Option<u8>,
}

/// Reads what follows [`PREFIX`]; none where not even the state can be read.
pub(crate) fn read(rest: &str) -> Option<Content<'_>> {
    let (state, text) = rest.split_once(',').unwrap_or((rest, ""));
    let state = state.trim_matches(BLANK).parse().ok()?;
    let text = text.trim_matches([BLANK, '\n']);
    let is_quoted = text.starts_with('"');
    let body = text.strip_prefix('"').unwrap_or(text);
    let (text, dcs) = match (End::find(body), is_quoted) {
        (Some(End { text, number, .. }), _) => (Some(text), number),
        // The closing quote is lost. `12,50` may be money; after digits of octets it is the scheme.
        (None, true) => match body.rsplit_once(',') {
            Some((text, last)) if is_hex(text) => (Some(text), number(last)),
            _ => (Some(body), None),
        },
        (None, false) => unquoted(body),
    };
    Some(Content { state, text, dcs: dcs.and_then(octet) })
}

/// `<str>[,<dcs>]` of a modem that writes no quotes.
fn unquoted(body: &str) -> (Option<&str>, Option<i32>) {
    let (text, number) = match body.rsplit_once(',') {
        Some((text, last)) if number(last).is_some() => (text, number(last)),
        _ => (body, None),
    };
    let text = text.trim_matches([BLANK, ',']);
    (Some(text).filter(|text| !text.is_empty()), number)
}

fn is_complete(rest: &str) -> bool {
    let text = rest.split_once(',').map_or("", |(_, text)| text.trim_start_matches(BLANK));
    let Some(body) = text.strip_prefix('"') else { return true };
    // With the quote that opens the text it is a pair more.
    End::find(body).is_some_and(|end| end.is_certain || body.matches('"').count() % 2 == 1)
}

/// The end of a text, as it may look.
struct End<'a> {
    /// What is before it.
    text: &'a str,
    /// The data coding scheme.
    number: Option<i32>,
    /// No quoted word looks like it.
    is_certain: bool,
}

impl<'a> End<'a> {
    /// Looks at what follows the last quote. `body` begins after the first one.
    fn find(body: &'a str) -> Option<Self> {
        let (text, after) = body.rsplit_once('"')?;
        let after = after.trim_matches([BLANK, '\n']);
        let likely = |text, number| Some(Self { text, number, is_certain: false });
        match after.strip_prefix(',') {
            Some("") => likely(text, None),
            Some(last) => match number(last) {
                Some(number) => Some(Self { text, number: Some(number), is_certain: true }),
                None => likely(text, Some(bare_hex(last)?)),
            },
            None if after.is_empty() => match text.rsplit_once("\",\"") {
                Some((text, last)) if number(last).is_some() => likely(text, number(last)),
                _ => likely(text, None),
            },
            None => None,
        }
    }
}

/// A data coding scheme, as firmware writes it: `15`, `-12`, `0x0F`.
fn number(word: &str) -> Option<i32> {
    let word = word.trim_matches(BLANK);
    match word.strip_prefix("0x").or(word.strip_prefix("0X")) {
        Some(digits) => i32::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    }
}

/// `0F`.
fn bare_hex(word: &str) -> Option<i32> {
    let word = word.trim_matches(BLANK);
    i32::from_str_radix(word, 16).ok().filter(|_| word.len() == 2)
}

/// An octet, which some write as a signed number.
fn octet(number: i32) -> Option<u8> {
    u8::try_from(number).ok().or_else(|| i8::try_from(number).ok().map(i8::cast_unsigned))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_one_line(line: &str) -> bool {
        OpenText::begin(line, Instant::now()).is_none()
    }

    #[test]
    fn lines_of_one_line() {
        let rows = [
            ("plain", r#"+CUSD: 0,"Balance 12.50",15"#, (0, Some("Balance 12.50"), Some(15))),
            ("blanks", r#"+CUSD: 0 , "Balance" , 15 "#, (0, Some("Balance"), Some(15))),
            ("signed", r#"+CUSD: 0,"Balance",-12"#, (0, Some("Balance"), Some(244))),
            ("hex", r#"+CUSD: 0,"Balance",0x0F"#, (0, Some("Balance"), Some(15))),
            ("bare hex", r#"+CUSD: 0,"Balance",0F"#, (0, Some("Balance"), Some(15))),
            ("quoted", r#"+CUSD: 0,"Balance","15""#, (0, Some("Balance"), Some(15))),
            ("no octet", r#"+CUSD: 0,"Balance",999"#, (0, Some("Balance"), None)),
            ("missing", r#"+CUSD: 0,"Balance""#, (0, Some("Balance"), None)),
            ("missing after its comma", r#"+CUSD: 0,"Balance","#, (0, Some("Balance"), None)),
            ("no text", r#"+CUSD: 0,"",15"#, (0, Some(""), Some(15))),
            ("state alone", "+CUSD: 4", (4, None, None)),
            ("no text but a scheme", "+CUSD: 2,,0", (2, None, Some(0))),
            ("no quotes", "+CUSD: 0,Balance 12,50,15", (0, Some("Balance 12,50"), Some(15))),
            ("no quotes, no scheme", "+CUSD: 0,Balance", (0, Some("Balance"), None)),
            ("lost opening quote", r#"+CUSD: 0,Balance",15"#, (0, Some("Balance"), Some(15))),
            ("lost closing quote", r#"+CUSD: 0,"Balance 12,50"#, (0, Some("Balance 12,50"), None)),
            ("lost closing quote, digits", r#"+CUSD: 0,"00420061,72"#, (0, Some("00420061"), Some(72))),
            ("quotes inside", r#"+CUSD: 0,"say "hi", now",15"#, (0, Some(r#"say "hi", now"#), Some(15))),
            ("one quote inside", r#"+CUSD: 0,"a 5" screen",15"#, (0, Some(r#"a 5" screen"#), Some(15))),
            ("ends in a quoted word", r#"+CUSD: 0,"say "hi"",15"#, (0, Some(r#"say "hi""#), Some(15))),
            ("the same, no scheme", r#"+CUSD: 0,"say "hi"""#, (0, Some(r#"say "hi""#), None)),
        ];
        for (name, line, (state, text, dcs)) in rows {
            assert_eq!(is_one_line(line), !name.starts_with("lost closing"), "{name}");
            let expect = Content { state, text, dcs };
            assert_eq!(read(line.strip_prefix(PREFIX).unwrap()), Some(expect), "{name}");
        }
        assert_eq!(read(" what"), None);
    }

    #[test]
    fn a_text_of_several_lines_ends_with_its_last() {
        let rows: &[(&str, &[&str], &str)] = &[
            ("a menu", &[r#"+CUSD: 1,"1 Balance"#, "2 Bonus", r#"OK",15"#], "1 Balance\n2 Bonus\nOK"),
            (
                "a quote and nothing",
                &[r#"+CUSD: 1,""#, "Choose:", r#"1 Balance",15"#],
                "\nChoose:\n1 Balance",
            ),
            (
                "lines that end in a quoted word",
                &[r#"+CUSD: 1,"Dial "1""#, r#"or "2", "3""#, r#"or "4"",15"#],
                "Dial \"1\"\nor \"2\", \"3\"\nor \"4\"",
            ),
            (
                "a quoted word and a digit",
                &[r#"+CUSD: 1,"Dial "A" 1"#, r#"for "more"5"#, r#"end",0x0F"#],
                "Dial \"A\" 1\nfor \"more\"5\nend",
            ),
            ("blank lines", &[r#"+CUSD: 1,"Balance"#, "", r#"12.50"#, r#"","#], "Balance\n\n12.50\n"),
            (
                "no scheme",
                &[r#"+CUSD: 1,"press "1" for"#, r#"more "fun" now""#],
                "press \"1\" for\nmore \"fun\" now",
            ),
        ];
        for (name, lines, expect) in rows {
            let mut open = OpenText::begin(lines[0], Instant::now()).expect(name);
            for (index, line) in lines.iter().enumerate().skip(1) {
                assert_eq!(open.add(line, Instant::now()), index == lines.len() - 1, "{name}, line {index}");
            }
            let line = open.into_line();
            assert_eq!(read(line.strip_prefix(PREFIX).unwrap()).unwrap().text, Some(*expect), "{name}");
        }
    }

    #[test]
    fn a_text_without_an_end_is_as_long_as_texts_are() {
        let mut open = OpenText::begin("+CUSD: 0,\"half", Instant::now()).unwrap();
        assert!((0..MAX_TEXT).any(|_| open.add("x", Instant::now())));
    }
}
