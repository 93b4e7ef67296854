//! Bytes from the terminal -> command lines and payloads (ITU-T V.250 5, TS 27.005 3.5.1).
//!
//! Owns the half-typed line and whether the modem waits for text after a prompt. Must never act on
//! what it reads. A half-typed line stays when the terminal goes away: a modem on a UART does not
//! see who holds the other end, so the next one finds its predecessor's leftovers, or its prompt.

/// Something complete that was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// A line that ended with CR and holds `AT`: from there on, without the CR.
    Line(String),
    /// The text after a prompt, ended by Ctrl-Z.
    Payload(String),
    /// The text after a prompt, given up with ESC.
    Cancelled,
}

const CTRL_Z: u8 = 0x1A;
const ESC: u8 = 0x1B;

/// Reads what is typed.
#[derive(Default)]
pub(crate) struct Parser {
    typed: Vec<u8>,
    in_payload: bool,
}

impl Parser {
    /// What follows is the text after a prompt.
    pub(crate) fn expect_payload(&mut self) {
        self.typed.clear();
        self.in_payload = true;
    }

    pub(crate) fn in_payload(&self) -> bool {
        self.in_payload
    }

    /// Octets of the text typed so far, after a prompt.
    pub(crate) fn typed_payload(&self) -> Option<usize> {
        self.in_payload.then_some(self.typed.len()).filter(|count| *count > 0)
    }

    /// Forgets what was typed, as a restart does.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn take(&mut self, byte: u8) -> Option<Input> {
        if self.in_payload { self.take_payload(byte) } else { self.take_command(byte) }
    }

    fn take_payload(&mut self, byte: u8) -> Option<Input> {
        match byte {
            CTRL_Z => {
                self.in_payload = false;
                let text = std::mem::take(&mut self.typed);
                return Some(Input::Payload(String::from_utf8_lossy(&text).into_owned()));
            }
            ESC => {
                self.in_payload = false;
                self.typed.clear();
                return Some(Input::Cancelled);
            }
            0x08 => drop(self.typed.pop()),
            b'\r' | b'\n' => {}
            _ => self.typed.push(byte),
        }
        None
    }

    fn take_command(&mut self, byte: u8) -> Option<Input> {
        match byte {
            b'\r' => {
                let line = String::from_utf8_lossy(&std::mem::take(&mut self.typed)).into_owned();
                let start = line.to_ascii_uppercase().find("AT")?;
                return line.get(start..).map(|line| Input::Line(line.trim_end().to_string()));
            }
            0x08 => drop(self.typed.pop()),
            b'\n' | ESC | CTRL_Z | 0 => {}
            _ => self.typed.push(byte),
        }
        None
    }
}

/// Cuts a command line (without its `AT`) into commands: `E0V1+CMEE=1;+CPIN?` is four.
pub(crate) fn split_line(body: &str) -> Vec<&str> {
    let mut commands = Vec::new();
    let mut rest = body.trim();
    while let Some(first) = rest.chars().next() {
        let end = match first {
            ';' | ' ' => {
                rest = &rest[1..];
                continue;
            }
            // A dial string is text as well; a `;` in it ends it (and makes it a voice call).
            'D' | 'd' => rest.find(';').map_or(rest.len(), |at| at + 1),
            c if c.is_ascii_alphabetic() || c == '&' => basic_length(rest),
            _ => extended_length(rest),
        };
        let (command, tail) = rest.split_at(end);
        commands.push(command.trim().trim_end_matches(';'));
        rest = tail;
    }
    commands
}

/// One letter (or `&` and a letter), its digits; S-parameters take `=n` and `?` too.
fn basic_length(text: &str) -> usize {
    let head = if text.starts_with('&') { text.len().min(2) } else { 1 };
    let is_s = text.starts_with(['S', 's']);
    let tail = text.bytes().skip(head).take_while(|b| b.is_ascii_digit() || (is_s && b"=?".contains(b)));
    let end = head + tail.count();
    if text.is_char_boundary(end) { end } else { text.len() }
}

/// Up to the next `;` that is not inside quotes.
fn extended_length(text: &str) -> usize {
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ';' if !quoted => return at,
            _ => {}
        }
    }
    text.len()
}

/// Cuts parameters at commas outside quotes and takes the quotes off.
pub(crate) fn parameters(text: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => all.push(String::new()),
            c => {
                if let Some(last) = all.last_mut() {
                    last.push(c);
                }
            }
        }
    }
    all.iter_mut().for_each(|p| *p = p.trim().to_string());
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(parser: &mut Parser, bytes: &[u8]) -> Vec<Input> {
        bytes.iter().filter_map(|b| parser.take(*b)).collect()
    }

    #[test]
    fn junk_before_at_is_ignored_and_a_line_without_it_says_nothing() {
        let mut parser = Parser::default();
        let seen = read(&mut parser, b"\x1b\r\xff\x00~AT+CSQ\r\nhello\rat\r");
        assert_eq!(seen, [Input::Line("AT+CSQ".into()), Input::Line("at".into())]);
    }

    #[test]
    fn payload_ends_at_ctrl_z_or_escape() {
        let mut parser = Parser::default();
        parser.expect_payload();
        assert_eq!(
            read(&mut parser, b"0011\r\n22\x1aAT\r"),
            [Input::Payload("001122".into()), Input::Line("AT".into())]
        );
        parser.expect_payload();
        assert_eq!(read(&mut parser, b"00\x1b\rAT\r"), [Input::Cancelled, Input::Line("AT".into())]);
    }

    #[test]
    fn lines_are_cut_into_commands() {
        for (line, commands) in [
            ("E0V1+CMEE=1;+CPIN?", vec!["E0", "V1", "+CMEE=1", "+CPIN?"]),
            ("&F&C1S0=0", vec!["&F", "&C1", "S0=0"]),
            ("+CUSD=1,\"*1;2#\",15;+CSQ", vec!["+CUSD=1,\"*1;2#\",15", "+CSQ"]),
            ("D+4915112345678;", vec!["D+4915112345678"]),
            ("", vec![]),
            ("Zé", vec!["Z", "é"]),
        ] {
            assert_eq!(split_line(line), commands, "{line}");
        }
    }
}
