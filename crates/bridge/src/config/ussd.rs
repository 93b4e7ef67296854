//! The table `[ussd]`: which codes may be sent, and how many.

use serde::Deserialize;

use super::settings::Ussd;

/// The table as it is written.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct UssdTable {
    allow: Vec<String>,
    per_day: u32,
}

impl Default for UssdTable {
    fn default() -> Self {
        UssdTable { allow: Vec::new(), per_day: 50 }
    }
}

impl UssdTable {
    /// The table, checked; in words what is wrong with it.
    pub(super) fn into_ussd(self) -> Result<Ussd, String> {
        let is_code = |text: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '*' | '#'))
        };
        if let Some(text) = self.allow.iter().find(|text| !is_code(text)) {
            return Err(format!(
                "ussd.allow: {text:?}: expected a code of digits, * and #, such as \"*100#\""
            ));
        }
        Ok(Ussd { allow: self.allow, per_day: (self.per_day > 0).then_some(self.per_day) })
    }
}
