//! Bytes to tokens: lines and the `>` prompt.
//!
//! Owns the half-received line and nothing else. A line ends at CR or LF and blank lines are
//! dropped, so every mixture of CR, LF and echo gives the same tokens. Must never grow without
//! bound and must never fail: binary junk in front of a line is cut off, a line too long to be one
//! is discarded. Input is whatever was read from the port, in pieces of any size.

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

/// Cuts a stream of bytes into [`Token`]s.
#[derive(Debug, Default)]
pub struct Lexer {
    line: Vec<u8>,
    /// The rest of an overlong line is being discarded.
    skipping: bool,
    /// A prompt was recognised; one blank after it belongs to it.
    after_prompt: bool,
}

impl Lexer {
    /// Takes one byte. `prompt_wanted` says whether `>` at the start of a line is a prompt: in a
    /// USSD text it is only a character.
    pub fn push(&mut self, byte: u8, prompt_wanted: bool) -> Option<Token> {
        let after_prompt = std::mem::take(&mut self.after_prompt);
        match byte {
            b'\r' | b'\n' => {
                self.skipping = false;
                let line = std::mem::take(&mut self.line);
                readable(&line).map(Token::Line)
            }
            b' ' if after_prompt => None,
            b'>' if prompt_wanted && self.line.iter().all(|b| !b.is_ascii_graphic()) => {
                self.line.clear();
                self.after_prompt = true;
                Some(Token::Prompt)
            }
            0x00 => None,
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
fn readable(line: &[u8]) -> Option<String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn lex(bytes: &[u8], prompt_wanted: bool) -> Vec<Token> {
        let mut lexer = Lexer::default();
        bytes.iter().filter_map(|b| lexer.push(*b, prompt_wanted)).collect()
    }

    fn line(text: &str) -> Token {
        Token::Line(text.into())
    }

    #[test]
    fn lines_and_prompts() {
        let rows: &[(&str, &[u8], bool, Vec<Token>)] = &[
            ("plain", b"\r\nOK\r\n", false, vec![line("OK")]),
            ("echo glued with CR", b"AT\r\r\nOK\r\n", false, vec![line("AT"), line("OK")]),
            ("LF only", b"OK\n", false, vec![line("OK")]),
            ("prompt", b"\r\n> ", true, vec![Token::Prompt]),
            ("prompt without blank", b"\r\n>\r\nOK\r\n", true, vec![Token::Prompt, line("OK")]),
            ("prompt not wanted", b"> hello\r\n", false, vec![line("> hello")]),
            ("junk before a line", b"\xff\xfe\x80OK\r\n", false, vec![line("OK")]),
            ("NUL inside", b"O\0K\r\n", false, vec![line("OK")]),
            ("junk only", b"\xff\xfe\r\n", false, vec![]),
            ("utf-8 operator", "+COPS: \"Билайн\"\r\n".as_bytes(), false, vec![line("+COPS: \"Билайн\"")]),
        ];
        for (name, bytes, wanted, expect) in rows {
            assert_eq!(lex(bytes, *wanted), *expect, "{name}");
        }
    }

    #[test]
    fn an_endless_line_is_bounded_and_the_next_line_survives() {
        let mut bytes = vec![b'x'; 100_000];
        bytes.extend_from_slice(b"\r\nOK\r\n");
        assert_eq!(lex(&bytes, false), [Token::Junk, line("OK")]);
    }
}
