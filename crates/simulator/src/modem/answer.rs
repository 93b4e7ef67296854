//! What a command answers: information blocks and a final result, before it becomes bytes.
//!
//! Kept apart from bytes so that a fault can add noise between lines or replace the result.

/// Errors a modem gives, by the tables of TS 27.005 3.2.5 and TS 27.007 9.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Plain `ERROR`.
    Plain,
    /// `+CME ERROR: n`, or `ERROR` while `+CMEE=0`.
    Cme(u16),
    /// `+CMS ERROR: n`.
    Cms(u16),
    /// A command the profile does not know.
    Unknown,
}

impl Refusal {
    pub(crate) const NOT_ALLOWED: Self = Self::Cme(3);
    pub(crate) const NO_SIM: Self = Self::Cme(10);
    pub(crate) const PIN_NEEDED: Self = Self::Cme(11);
    pub(crate) const PUK_NEEDED: Self = Self::Cme(12);
    pub(crate) const SIM_BUSY: Self = Self::Cme(14);
    pub(crate) const WRONG_PASSWORD: Self = Self::Cme(16);
    pub(crate) const BAD_PARAMETER: Self = Self::Cme(50);
    pub(crate) const CMS_NOT_ALLOWED: Self = Self::Cms(302);
    pub(crate) const CMS_NOT_SUPPORTED: Self = Self::Cms(303);
    pub(crate) const BAD_PDU: Self = Self::Cms(304);
    pub(crate) const BAD_TEXT_PARAMETER: Self = Self::Cms(305);
    pub(crate) const BAD_SLOT: Self = Self::Cms(321);
    pub(crate) const MEMORY_FULL: Self = Self::Cms(322);
    pub(crate) const NO_SERVICE_CENTRE: Self = Self::Cms(330);
    pub(crate) const NO_NETWORK: Self = Self::Cms(331);
}

/// The words of `+CMEE=2` for the errors given here (TS 27.007 9.2.1).
pub(super) fn cme_text(n: u16) -> Option<&'static str> {
    Some(match n {
        3 => "operation not allowed",
        4 => "operation not supported",
        10 => "SIM not inserted",
        11 => "SIM PIN required",
        12 => "SIM PUK required",
        13 => "SIM failure",
        14 => "SIM busy",
        16 => "incorrect password",
        30 => "no network service",
        50 => "Incorrect parameters",
        100 => "unknown",
        _ => return None,
    })
}

/// How results are written (V.250 6.2.5, 6.2.6).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ResultForm {
    /// `ATV0`: `0` and CR, not `OK` between CR LF.
    pub(crate) numeric: bool,
    /// `ATQ1`: not at all.
    pub(crate) none: bool,
}

fn result_number(result: &str) -> Option<char> {
    match result {
        "OK" => Some('0'),
        "ERROR" => Some('4'),
        _ => None,
    }
}

/// A finished command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Each block is one or more lines and is set off by CR LF on both sides.
    pub(crate) blocks: Vec<Vec<String>>,
    /// The last line, empty where none comes; `None` while a prompt is given instead.
    pub(crate) result: Option<String>,
}

impl Answer {
    /// The prompt for a text.
    pub(crate) fn prompt() -> Self {
        Self::default()
    }

    pub(crate) fn ok() -> Self {
        Self { blocks: Vec::new(), result: Some("OK".into()) }
    }

    /// Bytes with CR LF around them, `noise` before each line if there is any.
    pub(crate) fn render(&self, form: ResultForm, mut noise: impl FnMut() -> Option<String>) -> Vec<u8> {
        let before = if form.numeric { "" } else { "\r\n" };
        let mut out = String::new();
        let mut disturb = |out: &mut String| {
            if let Some(line) = noise() {
                out.push_str("\r\n");
                out.push_str(&line);
                out.push_str("\r\n");
            }
        };
        disturb(&mut out);
        for block in &self.blocks {
            out.push_str(before);
            for (n, line) in block.iter().enumerate() {
                if n > 0 {
                    disturb(&mut out);
                }
                out.push_str(line);
                out.push_str("\r\n");
            }
            disturb(&mut out);
        }
        match &self.result {
            Some(result) if result.is_empty() || form.none => {}
            Some(result) if form.numeric && result_number(result).is_some() => {
                out.extend(result_number(result));
                out.push('\r');
            }
            Some(result) => {
                out.push_str(before);
                out.push_str(result);
                out.push_str("\r\n");
            }
            None => out.push_str("\r\n> "),
        }
        out.into_bytes()
    }
}
