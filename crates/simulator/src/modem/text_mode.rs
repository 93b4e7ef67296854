//! Text mode (TS 27.005 3): what a client meets that believes the modem in PDU mode.
//!
//! Owns the text forms of +CMGS, +CMGL and +CMGR. `sms.rs` has the commands and asks here while `+CMGF=1`. Must never
//! be a complete text mode: writing to a storage and direct delivery are refused or stay as they are.

use super::answer::Refusal;
use super::commands::Command;
use super::storage::{Status, Stored};
use super::{Done, Modem, Payload, Uplink};
use crate::pdu;

type Blocks = Vec<Vec<String>>;

impl Modem {
    /// `+CMGS=<da>`: whatever it is, it is taken for a number, also the length of a PDU.
    pub(super) fn text_cmgs(&mut self, c: &Command<'_>) -> Result<Done, Refusal> {
        let to = c.arg(0).filter(|to| !to.is_empty()).ok_or(Refusal::BAD_TEXT_PARAMETER)?;
        self.payload = Some(Payload::Text { to: to.into() });
        Ok(Done::Prompt)
    }

    pub(super) fn submit_text(&mut self, to: String, text: &str) -> Result<Done, Refusal> {
        if !self.reachable() {
            return Err(Refusal::NO_NETWORK);
        }
        let mr = self.number_submit(None);
        self.uplink.push_back(Uplink::SubmitText { mr, to, text: text.into() });
        Ok(Done::Waiting)
    }

    /// `+CMGL="REC UNREAD"`, `"ALL"`; a number is no status here.
    pub(super) fn text_cmgl(&mut self, c: &Command<'_>, out: &mut Blocks) -> Result<Done, Refusal> {
        let wanted = c.arg(0).unwrap_or("REC UNREAD");
        let memory = self.set.memory[0];
        let all = [Status::Unread, Status::Read, Status::Unsent, Status::Sent];
        if wanted != "ALL" && !all.iter().any(|status| status_name(*status) == wanted) {
            return Err(Refusal::BAD_TEXT_PARAMETER);
        }
        let mut lines = Vec::new();
        for (n, stored) in self.storages.list(memory) {
            if wanted == "ALL" || status_name(stored.status) == wanted {
                let [head, text] = as_text(&stored);
                lines.extend([format!("+CMGL: {n},{head}"), text]);
                if stored.status == Status::Unread {
                    self.storages.set_status(memory, n, Status::Read);
                }
            }
        }
        out.extend(Some(lines).filter(|lines| !lines.is_empty()));
        Ok(Done::Fine)
    }
}

/// The lines of `+CMGR`, without its name.
pub(super) fn as_text(stored: &Stored) -> [String; 2] {
    let (from, text) = pdu::read_deliver(&stored.pdu).unwrap_or_default();
    [format!("\"{}\",\"{from}\",,\"26/11/22,07:15:30+12\"", status_name(stored.status)), text]
}

fn status_name(status: Status) -> &'static str {
    match status {
        Status::Unread => "REC UNREAD",
        Status::Read => "REC READ",
        Status::Unsent => "STO UNSENT",
        Status::Sent => "STO SENT",
    }
}
