//! The message commands of TS 27.005, PDU mode: +CMGL, +CMGR, +CMGD, +CMGS, +CMGW, +CNMI, +CPMS...
//!
//! Owns their syntax and errors. What is in a PDU is none of its business: it counts octets and
//! passes hex on. `text_mode.rs` has what differs while `+CMGF=1`.

use super::answer::Refusal;
use super::commands::{Command, Form, join};
use super::storage::{Status, Storage};

use super::{Done, Modem, Payload, Uplink, text_mode};
use crate::pdu::{self, tpdu_length};

type Blocks = Vec<Vec<String>>;

impl Modem {
    /// `None`: not a command of this file.
    pub(super) fn sms_command(&mut self, c: &Command<'_>, out: &mut Blocks) -> Option<Result<Done, Refusal>> {
        let known = [
            "+CMGF", "+CSMS", "+CNMI", "+CPMS", "+CMGL", "+CMGR", "+CMGD", "+CMGS", "+CMGW", "+CMSS",
            "+CSCA", "+CNMA", "+CSCB", "+CMMS",
        ];
        if !known.contains(&c.name.as_str()) {
            return None;
        }
        // A modem knows how it would store and indicate without a SIM, but not what is stored.
        let needs_sim = !matches!(c.name.as_str(), "+CMGF" | "+CSMS" | "+CMMS") && c.form != Form::Test;
        if needs_sim && let Err(refusal) = self.sim.ready() {
            return Some(Err(match refusal {
                Refusal::NO_SIM => Refusal::Cms(310),
                Refusal::SIM_BUSY => Refusal::Cms(314),
                Refusal::PUK_NEEDED => Refusal::Cms(316),
                _ => Refusal::Cms(311),
            }));
        }
        if needs_sim && !self.starting.has_sms() {
            return Some(Err(Refusal::CMS_NOT_ALLOWED));
        }
        Some(match c.name.as_str() {
            "+CMGF" => self.cmgf(c, out),
            "+CSMS" => self.csms(c, out),
            "+CNMI" => self.cnmi(c, out),
            "+CPMS" => self.cpms(c, out),
            "+CMGL" => self.cmgl(c, out),
            "+CMGR" => self.cmgr(c, out),
            "+CMGD" => self.cmgd(c, out),
            "+CMGS" => self.cmgs(c, out),
            "+CMGW" => self.cmgw(c, out),
            "+CMSS" => self.cmss(c),
            "+CSCA" => self.csca(c, out),
            "+CNMA" => self.cnma(c),
            "+CSCB" => c.setting(out, "+CSCB: (0,1)", "+CSCB: 0,\"\",\"\""),
            _ => c.setting(out, "+CMMS: (0-2)", "+CMMS: 0"),
        })
    }

    fn cmgf(&mut self, c: &Command<'_>, out: &mut Blocks) -> Result<Done, Refusal> {
        match c.form {
            Form::Test => {
                out.push(vec![format!("+CMGF: ({})", if self.profile.text_mode { "0,1" } else { "0" })]);
            }
            Form::Read => out.push(vec![format!("+CMGF: {}", u8::from(self.set.text_mode))]),
            Form::Plain => self.set.text_mode = false,
            Form::Set => {
                let wanted = c.number(0).filter(|n| *n == 0 || (*n == 1 && self.profile.text_mode));
                self.set.text_mode = wanted.ok_or(Refusal::CMS_NOT_SUPPORTED)? == 1;
            }
        }
        Ok(Done::Fine)
    }

    fn csms(&mut self, c: &Command<'_>, out: &mut Blocks) -> Result<Done, Refusal> {
        match c.form {
            Form::Test => out.push(vec!["+CSMS: (0,1)".into()]),
            Form::Read => out.push(vec![format!("+CSMS: {},1,1,1", self.set.csms)]),
            _ => {
                let service = c.number(0).filter(|n| *n <= 1).ok_or(Refusal::CMS_NOT_SUPPORTED)?;
                self.set.csms = service as u8;
                out.push(vec!["+CSMS: 1,1,1".into()]);
            }
        }
        Ok(Done::Fine)
    }

    fn cnmi(&mut self, c: &Command<'_>, out: &mut Blocks) -> Result<Done, Refusal> {
        match c.form {
            Form::Test => {
                let ranges: Vec<_> = self.profile.cnmi.iter().map(|r| format!("({})", join(r))).collect();
                out.push(vec![format!("+CNMI: {}", ranges.join(","))]);
            }
            Form::Read => out.push(vec![format!("+CNMI: {}", join(&self.set.cnmi))]),
            _ => {
                if c.args.len() > 5 {
                    return Err(Refusal::CMS_NOT_ALLOWED);
                }
                let mut wanted = self.set.cnmi;
                for (n, (value, allowed)) in wanted.iter_mut().zip(self.profile.cnmi).enumerate() {
                    if c.arg(n).is_some_and(|a| !a.is_empty()) {
                        *value =
                            c.number(n).and_then(|v| u8::try_from(v).ok()).ok_or(Refusal::CMS_NOT_ALLOWED)?;
                    }
                    if !allowed.contains(value) {
                        return Err(Refusal::CMS_NOT_SUPPORTED);
                    }
                }
                self.set.cnmi = wanted;
                self.settle_buffered();
            }
        }
        Ok(Done::Fine)
    }

    fn cpms(&mut self, c: &Command<'_>, out: &mut Blocks) -> Result<Done, Refusal> {
        match c.form {
            Form::Test => {
                let list = |reports: bool| {
                    let listed = self.profile.storages.iter().filter(|s| !self.profile.unlisted.contains(s));
                    let names = listed.filter(|s| reports || **s != Storage::Sr);
                    format!("({})", names.map(|s| format!("\"{s}\"")).collect::<Vec<_>>().join(","))
                };
                out.push(vec![format!("+CPMS: {},{},{}", list(true), list(false), list(false))]);
            }
            Form::Read => {
                let part = |s: &Storage| {
                    let (used, all) = self.storages.usage(*s);
                    format!("\"{s}\",{used},{all}")
                };
                let parts: Vec<_> = self.set.memory.iter().map(part).collect();
                out.push(vec![format!("+CPMS: {}", parts.join(","))]);
            }
            _ => {
                if c.args.len() > 3 || (self.profile.cpms_needs_three && c.args.len() != 3) {
                    return Err(Refusal::CMS_NOT_ALLOWED);
                }
                let mut wanted = self.set.memory;
                for (n, memory) in wanted.iter_mut().enumerate().take(c.args.len()) {
                    let name = c.arg(n).unwrap_or("");
                    let storage = Storage::parse(name).filter(|s| self.profile.has(*s));
                    // Reports are kept apart by the modem itself; nothing else may be written there.
                    *memory =
                        storage.filter(|s| n == 0 || *s != Storage::Sr).ok_or(Refusal::CMS_NOT_ALLOWED)?;
                }
                self.set.memory = wanted;
                let part = |s: &Storage| {
                    let (used, all) = self.storages.usage(*s);
                    format!("{used},{all}")
                };
                let parts: Vec<_> = self.set.memory.iter().map(part).collect();
                if !self.profile.cpms_is_silent {
                    out.push(vec![format!("+CPMS: {}", parts.join(","))]);
                }
            }
        }
        Ok(Done::Fine)
    }

    fn cmgl(&mut self, c: &Command<'_>, out: &mut Blocks) -> Result<Done, Refusal> {
        if self.profile.no_list {
            return Err(Refusal::Unknown);
        }
        if c.form == Form::Test {
            out.push(vec!["+CMGL: (0-4)".into()]);
            return Ok(Done::Fine);
        }
        if self.set.text_mode {
            return self.text_cmgl(c, out);
        }
        let wanted = if c.form == Form::Plain { Some(0) } else { c.number(0) };
        let wanted = wanted.filter(|n| *n <= 4).ok_or(Refusal::CMS_NOT_ALLOWED)?;
        let memory = self.set.memory[0];
        let mut lines = Vec::new();
        for (n, stored) in self.storages.list(memory) {
            if wanted == 4 || Status::from_number(wanted) == Some(stored.status) {
                for _ in 0..if self.profile.lists_twice { 2 } else { 1 } {
                    lines.push(format!("+CMGL: {n},{},,{}", stored.status as u8, stored.length()));
                    lines.push(stored.pdu.clone());
                }
                if stored.status == Status::Unread {
                    self.storages.set_status(memory, n, Status::Read);
                }
            }
        }
        if !lines.is_empty() {
            out.push(lines);
        }
        Ok(Done::Fine)
    }

    fn cmgr(&mut self, c: &Command<'_>, out: &mut Blocks) -> Result<Done, Refusal> {
        if c.form == Form::Test {
            return Ok(Done::Fine);
        }
        let slot = self.slot(c)?;
        match self.storages.read(self.set.memory[0], slot) {
            Some(s) if self.set.text_mode => {
                let [head, text] = text_mode::as_text(&s);
                out.push(vec![format!("+CMGR: {head}"), text]);
                Ok(Done::Fine)
            }
            Some(s) => {
                out.push(vec![format!("+CMGR: {},,{}", s.status as u8, s.length()), s.pdu]);
                Ok(Done::Fine)
            }
            None if self.profile.empty_slot_is_ok => Ok(Done::Fine),
            None => Err(Refusal::BAD_SLOT),
        }
    }

    fn slot(&self, c: &Command<'_>) -> Result<usize, Refusal> {
        let slot = c.number(0).ok_or(Refusal::BAD_SLOT)? as usize;
        if self.storages.is_slot(self.set.memory[0], slot) { Ok(slot) } else { Err(Refusal::BAD_SLOT) }
    }

    fn cmgd(&mut self, c: &Command<'_>, out: &mut Blocks) -> Result<Done, Refusal> {
        let memory = self.set.memory[0];
        if c.form == Form::Test {
            let used: Vec<_> = self.storages.list(memory).iter().map(|(n, _)| n.to_string()).collect();
            let flags = if self.profile.delete_flags { ",(0-4)" } else { "" };
            out.push(vec![format!("+CMGD: ({}){flags}", used.join(","))]);
            return Ok(Done::Fine);
        }
        let flag = match c.arg(1) {
            None => 0,
            Some(_) => c
                .number(1)
                .filter(|n| self.profile.delete_flags && *n <= 4)
                .ok_or(Refusal::CMS_NOT_ALLOWED)?,
        };
        if flag == 0 {
            let slot = self.slot(c)?;
            self.storages.delete(memory, slot);
            return Ok(Done::Fine);
        }
        for (n, stored) in self.storages.list(memory) {
            let goes = match stored.status {
                Status::Read => true,
                Status::Sent => flag >= 2,
                Status::Unsent => flag >= 3,
                Status::Unread => flag >= 4,
            };
            if goes {
                self.storages.delete(memory, n);
            }
        }
        Ok(Done::Fine)
    }

    fn cmgs(&mut self, c: &Command<'_>, _: &mut Blocks) -> Result<Done, Refusal> {
        if c.form == Form::Test {
            return Ok(Done::Fine);
        }
        if self.set.text_mode {
            return self.text_cmgs(c);
        }
        let length = c.number(0).filter(|n| (1..=176).contains(n)).ok_or(Refusal::BAD_PDU)? as usize;
        self.payload = Some(Payload::Send { length });
        Ok(Done::Prompt)
    }

    fn cmgw(&mut self, c: &Command<'_>, _: &mut Blocks) -> Result<Done, Refusal> {
        if c.form == Form::Test {
            return Ok(Done::Fine);
        }
        if self.set.text_mode {
            return Err(Refusal::BAD_TEXT_PARAMETER);
        }
        let length = c.number(0).filter(|n| (1..=176).contains(n)).ok_or(Refusal::BAD_PDU)? as usize;
        let status = match c.arg(1) {
            None => Status::Unsent,
            Some(_) => c.number(1).and_then(Status::from_number).ok_or(Refusal::CMS_NOT_ALLOWED)?,
        };
        self.payload = Some(Payload::Write { length, status });
        Ok(Done::Prompt)
    }

    pub(super) fn take_payload(
        &mut self,
        payload: Option<Payload>,
        text: &str,
        out: &mut Blocks,
    ) -> Result<Done, Refusal> {
        let (length, status) = match payload.ok_or(Refusal::Plain)? {
            Payload::Text { to } => return self.submit_text(to, text),
            Payload::Send { length } => (length, None),
            Payload::Write { length, status } => (length, Some(status)),
        };
        let text = text.trim().to_ascii_uppercase();
        let hex = text.len().is_multiple_of(2) && text.bytes().all(|b| b.is_ascii_hexdigit());
        if !hex || tpdu_length(&text) != length {
            return Err(Refusal::BAD_PDU);
        }
        let Some(status) = status else { return self.submit(text, None) };
        let memory = self.set.memory[1];
        let slot = self.storages.store(memory, status, &text).ok_or(Refusal::MEMORY_FULL)?;
        out.push(vec![format!("+CMGW: {slot}")]);
        Ok(Done::Fine)
    }

    fn cmss(&mut self, c: &Command<'_>) -> Result<Done, Refusal> {
        if c.form == Form::Test {
            return Ok(Done::Fine);
        }
        let (memory, slot) = (self.set.memory[1], c.number(0).ok_or(Refusal::BAD_SLOT)? as usize);
        let found = self.storages.list(memory).into_iter().find(|(n, _)| *n == slot);
        match found {
            Some((_, s)) if matches!(s.status, Status::Unsent | Status::Sent) => {
                self.submit(s.pdu, Some((memory, slot)))
            }
            _ => Err(Refusal::BAD_SLOT),
        }
    }

    fn submit(&mut self, pdu: String, slot: Option<(Storage, usize)>) -> Result<Done, Refusal> {
        if !self.reachable() {
            return Err(Refusal::NO_NETWORK);
        }
        if pdu.starts_with("00") && self.service_centre.is_empty() {
            return Err(Refusal::NO_SERVICE_CENTRE);
        }
        let mr = self.number_submit(slot);
        self.uplink.push_back(Uplink::Submit { mr, pdu });
        Ok(Done::Waiting)
    }

    /// The modem numbers its messages itself, whatever TP-MR the terminal wrote.
    pub(super) fn number_submit(&mut self, slot: Option<(Storage, usize)>) -> u8 {
        let mr = self.next_mr;
        self.next_mr = mr.wrapping_add(1);
        self.submitting = Some((mr, slot));
        mr
    }

    fn csca(&mut self, c: &Command<'_>, out: &mut Blocks) -> Result<Done, Refusal> {
        match c.form {
            Form::Test => {}
            Form::Set => {
                let number = c.arg(0).unwrap_or("");
                self.service_centre = match self.set.charset {
                    "UCS2" => {
                        pdu::read_ussd(pdu::UssdForm::Ucs2, number).ok_or(Refusal::BAD_TEXT_PARAMETER)?
                    }
                    _ => number.into(),
                };
            }
            _ => {
                let kind = if self.service_centre.starts_with('+') { 145 } else { 129 };
                out.push(vec![format!("+CSCA: \"{}\",{kind}", self.in_charset(&self.service_centre))]);
            }
        }
        Ok(Done::Fine)
    }

    fn cnma(&mut self, c: &Command<'_>) -> Result<Done, Refusal> {
        if c.form == Form::Test {
            return Ok(Done::Fine);
        }
        let n = if c.form == Form::Plain { 0 } else { c.number(0).ok_or(Refusal::CMS_NOT_ALLOWED)? };
        // 340: no acknowledgement is expected.
        if self.acknowledge(n < 2) { Ok(Done::Fine) } else { Err(Refusal::Cms(340)) }
    }
}
