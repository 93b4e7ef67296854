//! Bytes to tokens: lines and the `>` prompt.
//!
//! Owns the half-received line and nothing else. A line ends at CR or LF and blank lines are
//! dropped, so every mixture of CR, LF and echo gives the same tokens. Must never grow without
//! bound and must never fail: binary junk in front of a line is cut off, a line too long to be one
//! is discarded. Input is whatever was read from the port, in pieces of any size.
//!
//! A USSD text is the exception: under `AT+CSCS="GSM"` its control octets are letters. So a `+CUSD` line, and each further
//! line of its text, has its octets as the characters of the same numbers (U+0000 to U+00FF), none left out.

use super::cusd;

/// No AT line is longer; what is longer is binary data from a wrong port.
const MAX_LINE: usize = 4096;

/// What the lexer recognises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// A line without its end; never blank.
    Line(String),
    /// `>` at the start of a line, while one was wanted.
    Prompt,
    /// More octets without a line end than any line has.
    Junk,
}

/// What the next line may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// A line.
    Line,
    /// A line or a prompt.
    Prompt,
    /// More of a USSD text: `>` is a character, and so is a blank line.
    Text,
}

/// Cuts a stream of bytes into [`Token`]s.
#[derive(Debug, Default)]
pub struct Lexer {
    line: Vec<u8>,
    /// The rest of an overlong line is being discarded.
    skipping: bool,
    /// A prompt was recognised; one blank after it belongs to it.
    after_prompt: bool,
    /// A line has ended with CR; LF after it belongs to it.
    after_cr: bool,
}

impl Lexer {
    /// Takes one byte.
    pub fn push(&mut self, byte: u8, wanted: Wanted) -> Option<Token> {
        let after_prompt = std::mem::take(&mut self.after_prompt);
        let after_cr = std::mem::take(&mut self.after_cr);
        match byte {
            b'\n' if after_cr => None,
            b'\r' | b'\n' => {
                self.after_cr = byte == b'\r';
                self.skipping = false;
                let line = std::mem::take(&mut self.line);
                let line =
                    if wanted == Wanted::Text { Some(cusd::characters(&line)) } else { readable(&line) };
                line.map(Token::Line)
            }
            b' ' if after_prompt => None,
            b'>' if wanted == Wanted::Prompt && self.line.iter().all(|b| !b.is_ascii_graphic()) => {
                self.line.clear();
                self.after_prompt = true;
                Some(Token::Prompt)
            }
            // `@` in a USSD text; elsewhere what a hung port gives.
            0x00 if wanted != Wanted::Text && ussd(&self.line).is_none_or(|line| !line.contains(&b'"')) => {
                None
            }
            _ if self.skipping => None,
            _ => {
                self.line.push(byte);
                if self.line.len() <= MAX_LINE {
                    return None;
                }
                self.line.clear();
                self.skipping = true;
                Some(Token::Junk)
            }
        }
    }
}

/// A line as text. Control characters go; in a line that is not UTF-8 the junk in front goes too.
pub fn readable(line: &[u8]) -> Option<String> {
    if let Some(line) = ussd(line) {
        return Some(cusd::characters(line));
    }
    let text = match std::str::from_utf8(line) {
        Ok(text) => text.to_string(),
        Err(_) => {
            let start = line.iter().position(u8::is_ascii_graphic)?;
            String::from_utf8_lossy(line.get(start..)?).into_owned()
        }
    };
    let text: String = text.chars().filter(|c| !c.is_control() || *c == '\t').collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_string())
}

/// A line that begins a USSD text, without the junk in front.
fn ussd(line: &[u8]) -> Option<&[u8]> {
    let start = line.iter().position(u8::is_ascii_graphic)?;
    line.get(start..).filter(|line| line.starts_with(cusd::PREFIX.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lex(bytes: &[u8], wanted: Wanted) -> Vec<Token> {
        let mut lexer = Lexer::default();
        bytes.iter().filter_map(|b| lexer.push(*b, wanted)).collect()
    }

    fn line(text: &str) -> Token {
        Token::Line(text.into())
    }

    #[test]
    fn lines_and_prompts() {
        use Wanted::{Line, Prompt, Text};
        let rows: &[(&str, &[u8], Wanted, Vec<Token>)] = &[
            ("plain", b"\r\nOK\r\n", Line, vec![line("OK")]),
            ("echo glued with CR", b"AT\r\r\nOK\r\n", Line, vec![line("AT"), line("OK")]),
            ("LF only", b"OK\n", Line, vec![line("OK")]),
            ("prompt", b"\r\n> ", Prompt, vec![Token::Prompt]),
            ("prompt without blank", b"\r\n>\r\nOK\r\n", Prompt, vec![Token::Prompt, line("OK")]),
            ("prompt not wanted", b"> hello\r\n", Line, vec![line("> hello")]),
            ("junk before a line", b"\xff\xfe\x80OK\r\n", Line, vec![line("OK")]),
            ("NUL inside", b"O\0K\r\n", Line, vec![line("OK")]),
            ("junk only", b"\xff\xfe\r\n", Line, vec![]),
            (
                "ussd",
                b"+CUSD: 0,\"cr\x05dit \x00\",15\r\n",
                Line,
                vec![line("+CUSD: 0,\"cr\u{5}dit \0\",15")],
            ),
            ("ussd, not ASCII", b"+CUSD: 0,\"\xe4\",15\r\n", Line, vec![line("+CUSD: 0,\"\u{e4}\",15")]),
            ("ussd after junk", b"\xff\0+CU\0SD: 0,\"\x1be\"\r\n", Line, vec![line("+CUSD: 0,\"\u{1b}e\"")]),
            ("ussd goes on", b"\0 > \x1be\r\n\r\nx\n", Text, vec![line("\0 > \u{1b}e"), line(""), line("x")]),
            ("utf-8 operator", "+COPS: \"Билайн\"\r\n".as_bytes(), Line, vec![line("+COPS: \"Билайн\"")]),
        ];
        for (name, bytes, wanted, expect) in rows {
            assert_eq!(lex(bytes, *wanted), *expect, "{name}");
        }
    }

    #[test]
    fn an_endless_line_is_bounded_and_the_next_line_survives() {
        let mut bytes = vec![b'x'; 100_000];
        bytes.extend_from_slice(b"\r\nOK\r\n");
        assert_eq!(lex(&bytes, Wanted::Line), [Token::Junk, line("OK")]);
    }
}
