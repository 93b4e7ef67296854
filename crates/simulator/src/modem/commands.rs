//! The general commands: V.250 basics and TS 27.007 (identity, PIN, radio, registration, USSD, calls).
//!
//! Owns how a command is cut into name, form and arguments. What it does not know it asks
//! `sms.rs`, then the profile's own list, and then refuses.

use super::answer::Refusal;
use super::parser::parameters;
use super::registration::Domain;
use super::{Done, Modem, Uplink};
use crate::now::Now;
use crate::pdu;

/// `+NAME`, `+NAME?`, `+NAME=?` or `+NAME=...`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Plain,
    Read,
    Test,
    Set,
}

/// One command of a line.
pub(super) struct Command<'a> {
    pub(super) text: &'a str,
    /// Upper case.
    pub(super) name: String,
    pub(super) form: Form,
    pub(super) args: Vec<String>,
}

impl<'a> Command<'a> {
    fn parse(text: &'a str) -> Self {
        let (name, form, args) = match text.split_once('=') {
            Some((name, "?")) => (name, Form::Test, Vec::new()),
            Some((name, rest)) => (name, Form::Set, parameters(rest)),
            None => match text.strip_suffix('?') {
                Some(name) => (name, Form::Read, Vec::new()),
                None => (text, Form::Plain, Vec::new()),
            },
        };
        Self { text, name: name.trim().to_ascii_uppercase(), form, args }
    }

    pub(super) fn arg(&self, n: usize) -> Option<&str> {
        self.args.get(n).map(String::as_str)
    }

    pub(super) fn number(&self, n: usize) -> Option<u32> {
        self.arg(n)?.parse().ok()
    }

    /// A setting that has no effect here.
    pub(super) fn setting(
        &self,
        out: &mut Vec<Vec<String>>,
        test: &str,
        read: &str,
    ) -> Result<Done, Refusal> {
        match self.form {
            Form::Test => out.push(vec![test.into()]),
            Form::Read => out.push(vec![read.into()]),
            Form::Set | Form::Plain => {}
        }
        Ok(Done::Fine)
    }
}

/// `0,1,2`
pub(super) fn join(values: &[u8]) -> String {
    values.iter().map(u8::to_string).collect::<Vec<_>>().join(",")
}

type Blocks = Vec<Vec<String>>;

impl Modem {
    pub(super) fn command(&mut self, text: &str, now: Now, out: &mut Blocks) -> Result<Done, Refusal> {
        if let Some((_, line)) = self.profile.extra.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
            if !line.is_empty() {
                out.push(vec![(*line).into()]);
            }
            return Ok(Done::Fine);
        }
        let c = Command::parse(text);
        if self.profile.caret_cpin && (c.name.as_str(), c.form) == ("^CPIN", Form::Read) {
            let (pin, puk) = (self.sim.tries, self.sim.puk_tries);
            let state = self.sim.state()?;
            let asked = match state {
                "SIM PIN" => pin.to_string(),
                "SIM PUK" => puk.to_string(),
                _ => String::new(),
            };
            out.push(vec![format!("^CPIN: {state},{asked},{puk},{pin},10,3")]);
            return Ok(Done::Fine);
        }
        if c.text.eq_ignore_ascii_case("!RESET") && self.profile.name == "mc7455" {
            return Ok(Done::Restart);
        }
        // The tries left, as SIMCom and Siemens report them.
        let spic = if self.profile.manufacturer == "SIEMENS" { "^SPIC" } else { "+SPIC" };
        let has_spic = ["SIEMENS", "SIMCOM"].iter().any(|maker| self.profile.manufacturer.starts_with(maker));
        if has_spic && (c.name.as_str(), c.form) == (spic, Form::Plain) {
            out.push(vec![format!("{spic}: {},{}", self.sim.tries, self.sim.puk_tries)]);
            return Ok(Done::Fine);
        }
        if !c.name.starts_with('+') {
            let is_basic = c.name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '&');
            return if is_basic { self.basic(&c, out) } else { Err(Refusal::Unknown) };
        }
        if let Some(done) = self.sms_command(&c, out) {
            return done;
        }
        let mut answer = |line: String| out.push(vec![line]);
        match (c.name.as_str(), c.form) {
            ("+CGMI" | "+GMI", Form::Plain) => answer(self.profile.manufacturer.into()),
            ("+CGMM" | "+GMM", Form::Plain) => answer(self.profile.model.into()),
            ("+CGMR" | "+GMR", Form::Plain) => answer(self.profile.revision.into()),
            ("+CGSN" | "+GSN", Form::Plain) => answer(self.imei.clone()),
            ("+CGMI" | "+CGMM" | "+CGMR" | "+CGSN" | "+CIMI" | "+CNUM" | "+CSQ", Form::Test) => {
                if c.name == "+CSQ" {
                    answer("+CSQ: (0-31,99),(0-7,99)".into());
                }
            }
            ("+CMEE", Form::Read) => answer(format!("+CMEE: {}", self.set.cmee)),
            ("+CMEE", Form::Test) => answer("+CMEE: (0-2)".into()),
            ("+CMEE", Form::Set) => self.set.cmee = within(&c, 0, 2)?,
            ("+CPIN", _) => return self.cpin(&c, out),
            ("+CPINR", Form::Plain) => {
                answer(format!("+CPINR: SIM PIN,{},3", self.sim.tries));
                answer(format!("+CPINR: SIM PUK,{},10", self.sim.puk_tries));
            }
            ("+CFUN", _) => return self.cfun(&c, out),
            ("+CSCS", Form::Read) => answer(format!("+CSCS: \"{}\"", self.set.charset)),
            ("+CSCS", Form::Test) => answer("+CSCS: (\"GSM\",\"IRA\",\"UCS2\")".into()),
            ("+CSCS", Form::Set) => {
                let wanted = c.arg(0).unwrap_or("");
                self.set.charset = ["GSM", "IRA", "UCS2"]
                    .into_iter()
                    .find(|n| *n == wanted)
                    .ok_or(Refusal::BAD_PARAMETER)?;
            }
            (name, _) if let Some(domain) = self.domain(name) => return self.creg(domain, &c, out),
            ("+COPS", _) => return self.cops(&c, out),
            ("+CSQ", Form::Plain) => answer(format!("+CSQ: {},99", self.csq())),
            ("+CESQ", Form::Plain) => answer(format!("+CESQ: {},99,255,255,255,255", self.csq())),
            ("+CCID" | "+ICCID" | "+QCCID" | "^SCID", Form::Plain | Form::Read) => {
                self.sim_there()?;
                answer(format!("{}: {}", c.name, self.sim.iccid));
            }
            ("+CIMI", Form::Plain) => {
                self.sim.ready()?;
                answer(self.sim.imsi.clone());
            }
            ("+CNUM", Form::Plain) => {
                self.sim.ready()?;
                if !self.sim.number.is_empty() {
                    let number = self.in_charset(&self.sim.number);
                    out.push(vec![format!("+CNUM: \"\",\"{number}\",145")]);
                }
            }
            ("+CCLK", Form::Read) => answer(format!("+CCLK: \"{}\"", pdu::clock(now))),
            ("+CUSD", _) => return self.cusd(&c, out),
            ("+CLIP", Form::Set) => self.set.clip = within(&c, 0, 1)? == 1,
            ("+CLIP", Form::Read) => answer(format!("+CLIP: {},1", u8::from(self.set.clip))),
            ("+CHUP", Form::Plain) => self.uplink.push_back(Uplink::HangUp),
            ("+CHUP", Form::Test) => {}
            ("+CGATT", Form::Read) => answer(format!("+CGATT: {}", u8::from(self.reachable()))),
            ("+CGATT", Form::Set | Form::Test) => {}
            ("+CPAS", Form::Plain) => answer("+CPAS: 0".into()),
            ("+GCAP", Form::Plain) => answer("+GCAP: +CGSM".into()),
            (
                "+CRC" | "+CCWA" | "+COLP" | "+CTZU" | "+CTZR" | "+CGEREP" | "+CRSL",
                Form::Set | Form::Test,
            ) => {}
            ("+CRESET", Form::Plain) => return Ok(Done::Restart),
            _ => return Err(Refusal::Unknown),
        }
        Ok(Done::Fine)
    }

    fn basic(&mut self, c: &Command<'_>, out: &mut Blocks) -> Result<Done, Refusal> {
        let text = c.text.to_ascii_uppercase();
        match text.as_str() {
            "E" | "E0" => self.set.echo = false,
            "E1" if self.profile.never_echoes => return Err(Refusal::Plain),
            "E1" => self.set.echo = true,
            "Z" | "Z0" | "&F" | "&F0" => self.set.restore(&self.profile),
            "I" | "I0" => out.push(vec![
                self.profile.manufacturer.into(),
                self.profile.model.into(),
                format!("Revision: {}", self.profile.revision),
            ]),
            "V" | "V0" | "V1" => self.set.results.numeric = text != "V1",
            "Q" | "Q0" | "Q1" => self.set.results.none = text == "Q1",
            "X" | "X0" | "X1" | "X4" | "&C0" | "&C1" | "&D0" | "&D1" | "&D2" | "&W" | "&K0" | "&K3" => {}
            "H" | "H0" => self.uplink.push_back(Uplink::HangUp),
            text if text.starts_with('S') && text.contains('=') => {}
            _ => return Err(Refusal::Plain),
        }
        Ok(Done::Fine)
    }

    fn sim_there(&self) -> Result<(), Refusal> {
        match self.sim.ready() {
            Err(refusal @ (Refusal::NO_SIM | Refusal::SIM_BUSY)) => Err(refusal),
            _ => Ok(()),
        }
    }

    fn cpin(&mut self, c: &Command<'_>, out: &mut Blocks) -> Result<Done, Refusal> {
        match c.form {
            Form::Test => {}
            Form::Read => out.push(vec![format!("+CPIN: {}", self.sim.state()?)]),
            Form::Set => {
                let before = self.registered();
                self.sim.enter(c.arg(0).unwrap_or(""), c.arg(1))?;
                self.registration_changed(before);
            }
            Form::Plain => return Err(Refusal::Plain),
        }
        Ok(Done::Fine)
    }

    fn cfun(&mut self, c: &Command<'_>, out: &mut Blocks) -> Result<Done, Refusal> {
        match c.form {
            Form::Test => out.push(vec!["+CFUN: (0,1,4),(0,1)".into()]),
            Form::Read => out.push(vec![format!("+CFUN: {}", self.cfun)]),
            Form::Set => {
                let wanted = c.number(0).filter(|n| [0, 1, 4].contains(n)).ok_or(Refusal::BAD_PARAMETER)?;
                if c.arg(1) == Some("1") {
                    return Ok(Done::Restart);
                }
                let before = self.registered();
                if self.cfun == 0 && wanted != 0 {
                    // The SIM was without power.
                    self.sim.power_up();
                }
                self.cfun = wanted as u8;
                self.registration_changed(before);
            }
            Form::Plain => return Err(Refusal::Plain),
        }
        Ok(Done::Fine)
    }

    /// The domain a command is about; 5G where there is such a network.
    fn domain(&self, command: &str) -> Option<Domain> {
        Domain::of_command(command).filter(|domain| *domain != Domain::FiveG || self.registration.has_5g)
    }

    fn creg(&mut self, domain: Domain, c: &Command<'_>, out: &mut Blocks) -> Result<Done, Refusal> {
        let n = self.set.creg[domain as usize];
        match c.form {
            Form::Test => out.push(vec![format!("{}: (0-2)", c.name)]),
            Form::Read => {
                let stat = self.registered().of(domain);
                out.push(vec![format!("{}: {n},{stat}{}", c.name, self.place(n, stat))]);
            }
            Form::Set => self.set.creg[domain as usize] = within(c, 0, 2)?,
            Form::Plain => return Err(Refusal::Plain),
        }
        Ok(Done::Fine)
    }

    /// Location area, cell and technology, as `<n>=2` adds them.
    pub(super) fn place(&self, n: u8, stat: u8) -> String {
        if n == 2 && matches!(stat, 1 | 5) {
            format!(",\"1A2B\",\"01C3D4E5\",{}", self.profile.technology)
        } else {
            String::new()
        }
    }

    fn cops(&mut self, c: &Command<'_>, out: &mut Blocks) -> Result<Done, Refusal> {
        let (name, code) = (self.in_charset(&self.operator.0), self.in_charset(&self.operator.1));
        match c.form {
            Form::Test => {
                let act = self.profile.technology;
                out.push(vec![format!("+COPS: (2,\"{name}\",\"{name}\",\"{code}\",{act}),,(0-4),(0-2)")]);
            }
            Form::Read if self.reachable() => {
                let format = self.set.cops_format;
                let shown = if format == 2 { code } else { name };
                out.push(vec![format!("+COPS: 0,{format},\"{shown}\",{}", self.profile.technology)]);
            }
            Form::Read => out.push(vec!["+COPS: 0".into()]),
            Form::Set => {
                if c.number(0) == Some(3) {
                    self.set.cops_format =
                        c.number(1).filter(|n| *n <= 2).ok_or(Refusal::BAD_PARAMETER)? as u8;
                } else {
                    self.sim.ready()?;
                }
            }
            Form::Plain => return Err(Refusal::Plain),
        }
        Ok(Done::Fine)
    }

    fn csq(&self) -> u8 {
        if self.cfun == 1 { self.signal } else { 99 }
    }

    fn cusd(&mut self, c: &Command<'_>, out: &mut Blocks) -> Result<Done, Refusal> {
        match c.form {
            Form::Test => out.push(vec!["+CUSD: (0-2)".into()]),
            Form::Read => out.push(vec![format!("+CUSD: {}", u8::from(self.set.cusd))]),
            Form::Set => {
                let n = within(c, 0, 2)?;
                if n == 2 {
                    self.uplink.push_back(Uplink::UssdCancel);
                    return Ok(Done::Fine);
                }
                self.set.cusd = n == 1;
                if let Some(code) = c.arg(1) {
                    self.sim.ready()?;
                    if !self.reachable() {
                        return Err(Refusal::Cme(30));
                    }
                    let code = pdu::read_ussd(self.ussd_form(), code).ok_or(Refusal::BAD_PARAMETER)?;
                    self.uplink.push_back(Uplink::Ussd(code));
                }
            }
            Form::Plain => return Err(Refusal::Plain),
        }
        Ok(Done::Fine)
    }

    fn ussd_form(&self) -> pdu::UssdForm {
        match self.set.charset {
            _ if self.profile.ussd_packed => pdu::UssdForm::Packed,
            "UCS2" => pdu::UssdForm::Ucs2,
            _ => pdu::UssdForm::Plain,
        }
    }

    /// A text or number of an answer, as `+CSCS` sets.
    pub(super) fn in_charset(&self, text: &str) -> String {
        if self.set.charset == "UCS2" { pdu::write_ussd(pdu::UssdForm::Ucs2, text).0 } else { text.into() }
    }

    /// A USSD text from the network; shown when `+CUSD=1`. `more`: the network waits for a reply.
    pub(crate) fn ussd(&mut self, text: &str, more: bool) {
        if self.set.cusd {
            let (text, dcs) = pdu::write_ussd(self.ussd_form(), text);
            self.send_urc(format!("+CUSD: {},\"{text}\",{dcs}", u8::from(more)));
        }
    }

    /// The end of a USSD session, from whichever side.
    pub(crate) fn ussd_ended(&mut self) {
        if self.set.cusd {
            self.send_urc("+CUSD: 2");
        }
    }

    /// One ring of an incoming call.
    pub(crate) fn ring(&mut self, from: &str) {
        if self.reachable() {
            self.send_urc("RING");
            if self.set.clip {
                let kind = if from.starts_with('+') { 145 } else { 129 };
                self.send_urc(format!("+CLIP: \"{from}\",{kind},\"\",,\"\",0"));
            }
        }
    }
}

fn within(c: &Command<'_>, low: u32, high: u32) -> Result<u8, Refusal> {
    c.number(0).filter(|n| (low..=high).contains(n)).map(|n| n as u8).ok_or(Refusal::BAD_PARAMETER)
}
