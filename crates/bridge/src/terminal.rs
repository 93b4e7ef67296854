//! What a terminal can do: colour, and how wide that at standard output is.
//!
//! Output that goes elsewhere, to a file or a program, has no colour and no limit of width.

use std::ffi::OsStr;
use std::io::IsTerminal as _;

/// Colours for standard output; none where nobody would see them, or nobody wants them.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    is_coloured: bool,
}

/// The only control sequences that [`Style`] writes.
const GOOD: &str = "\x1b[32m";
const BAD: &str = "\x1b[31m";
const WEAK: &str = "\x1b[2m";
const STRONG: &str = "\x1b[1m";
const END: &str = "\x1b[0m";

impl Style {
    /// Colours where standard output is a terminal whose user wants them.
    pub fn stdout() -> Style {
        Style { is_coloured: is_there() && are_colours_wanted() }
    }

    /// No colours.
    #[cfg(test)]
    pub fn plain() -> Style {
        Style { is_coloured: false }
    }

    /// What is as it should be.
    pub fn good(&self, text: &str) -> String {
        self.wrap(GOOD, text)
    }

    /// What is wrong.
    pub fn bad(&self, text: &str) -> String {
        self.wrap(BAD, text)
    }

    /// What matters less than the rest.
    pub fn weak(&self, text: &str) -> String {
        self.wrap(WEAK, text)
    }

    /// What matters more than the rest.
    #[cfg(any(unix, feature = "demo"))]
    pub fn strong(&self, text: &str) -> String {
        self.wrap(STRONG, text)
    }

    fn wrap(&self, code: &str, text: &str) -> String {
        if self.is_coloured && !text.is_empty() { format!("{code}{text}{END}") } else { text.to_owned() }
    }

    /// Applies `escape` to all of a text but the colours that a style of this kind has put there.
    pub fn around_colours(&self, text: &str, escape: impl Fn(&str) -> String) -> String {
        let mut shown = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, code)) = self.first_code(rest) {
            shown.push_str(&escape(&rest[..before]));
            shown.push_str(code);
            rest = &rest[before + code.len()..];
        }
        shown + &escape(rest)
    }

    /// Where the first of our codes begins, and which it is.
    fn first_code(&self, text: &str) -> Option<(usize, &'static str)> {
        let codes = [GOOD, BAD, WEAK, STRONG, END].into_iter().filter(|_| self.is_coloured);
        codes.filter_map(|code| Some((text.find(code)?, code))).min()
    }
}

/// Whether standard output is a terminal.
pub fn is_there() -> bool {
    std::io::stdout().is_terminal()
}

/// Whether the user wants colours: `NO_COLOR` is unset or empty (<https://no-color.org>), and `TERM` is not `dumb`.
pub fn are_colours_wanted() -> bool {
    let variable = |name| std::env::var_os(name);
    are_wanted(variable("NO_COLOR").as_deref(), variable("TERM").as_deref()) && console_obeys()
}

fn are_wanted(no_color: Option<&OsStr>, term: Option<&OsStr>) -> bool {
    no_color.is_none_or(OsStr::is_empty) && obeys(term)
}

/// Whether a terminal is none of those (`TERM=dumb`) that show control sequences in place of obeying them.
pub fn can_move() -> bool {
    obeys(std::env::var_os("TERM").as_deref()) && console_obeys()
}

/// Whether the console takes control sequences: one of Windows does when asked to.
#[cfg(windows)]
fn console_obeys() -> bool {
    anstyle_query::windows::enable_ansi_colors().unwrap_or(true)
}

#[cfg(not(windows))]
fn console_obeys() -> bool {
    true
}

fn obeys(term: Option<&OsStr>) -> bool {
    term.is_none_or(|term| term != "dumb")
}

/// Columns of the terminal at standard output; none where it is no terminal, or does not tell.
#[cfg(all(unix, feature = "demo"))]
pub fn width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// Columns of the terminal at standard output; not known on this system.
#[cfg(all(not(unix), feature = "demo"))]
pub fn width() -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::escape;

    const COLOURED: Style = Style { is_coloured: true };
    const PLAIN: Style = Style { is_coloured: false };

    #[test]
    fn no_color_and_a_dumb_terminal_are_honoured() {
        for (no_color, term, expect) in [
            (None, Some("xterm-256color"), true),
            (None, None, true),
            (Some(""), Some("linux"), true),
            (Some("1"), Some("linux"), false),
            (Some("0"), Some("linux"), false),
            (None, Some("dumb"), false),
        ] {
            let is_wanted = are_wanted(no_color.map(OsStr::new), term.map(OsStr::new));
            assert_eq!(is_wanted, expect, "{no_color:?} {term:?}");
        }
    }

    #[test]
    fn a_text_is_wrapped_or_left() {
        assert_eq!(COLOURED.bad("no SIM"), "\x1b[31mno SIM\x1b[0m");
        assert_eq!(COLOURED.good(""), "");
        for shown in [PLAIN.good("x"), PLAIN.bad("x"), PLAIN.weak("x"), PLAIN.strong("x")] {
            assert_eq!(shown, "x");
        }
    }

    #[test]
    fn only_our_own_colours_are_left_unescaped() {
        let line = format!("{} \x1b[2J \x1b[38m {}", COLOURED.good("ok"), COLOURED.weak("a\x07"));
        assert_eq!(
            COLOURED.around_colours(&line, escape::lines),
            "\x1b[32mok\x1b[0m \\u{1b}[2J \\u{1b}[38m \x1b[2ma\\u{7}\x1b[0m"
        );
        assert!(!PLAIN.around_colours(&line, escape::lines).contains('\x1b'), "there are none of ours");
    }
}
