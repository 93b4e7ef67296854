//! USSD: a code to the network and what it says, a menu and its answer. At most once; nothing of it is stored before the
//! network has answered.
//!
//! Owns the desk requests lie on until the modem is free, and the form of a text on the modem's line, which differs by
//! family and firmware: packed septets, UCS-2 or plain. One session at a time, as the network has it.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use smsbridge_codec::gsm7::{self, Languages};
use smsbridge_codec::{hex, ucs2};
use smsbridge_modem::{ModemError, call};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::{ModemTask, Trouble, Up};
use crate::payload::{self, UssdAct, UssdAsk};

/// Requests that may wait for one modem.
const MOST: usize = 8;

/// How long the network may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Requests that wait for a modem. They are not stored: what a restart finds undone is not done.
#[derive(Debug, Default)]
pub struct Desk {
    asks: Mutex<VecDeque<UssdAsk>>,
    came: Notify,
}

impl Desk {
    /// Lays down a request, or gives it back where too many wait.
    pub fn put(&self, ask: UssdAsk) -> Result<(), UssdAsk> {
        let mut asks = self.asks.lock().unwrap_or_else(PoisonError::into_inner);
        if asks.len() >= MOST {
            return Err(ask);
        }
        asks.push_back(ask);
        self.came.notify_one();
        Ok(())
    }

    pub(super) fn take(&self) -> Option<UssdAsk> {
        self.asks.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    pub(super) async fn came(&self) {
        self.came.notified().await;
    }
}

/// The session with the network.
#[derive(Debug, Default)]
pub(super) struct Talk {
    /// Whose it is.
    id: Option<String>,
    /// Until when the network may answer; none while it waits for us.
    until: Option<Instant>,
}

impl Talk {
    pub(super) fn due_at(&self) -> Option<Instant> {
        self.until
    }
}

impl ModemTask {
    /// Carries out a request.
    pub(super) async fn ussd(&self, ask: UssdAsk, up: &mut Up) -> Result<(), Trouble> {
        if up.talk.until.is_some() && ask.act != UssdAct::Cancel {
            let why = "another USSD request waits for the network's answer";
            return self.ussd_reply(ask.id.as_deref(), Some(why), "failed").await;
        }
        let text = match ask.act {
            UssdAct::Cancel => {
                call::end_ussd(&mut up.session).await?;
                up.talk = Talk::default();
                return self.ussd_reply(ask.id.as_deref(), None, "done").await;
            }
            UssdAct::Say(text) => text,
        };
        // Before the command: the answer may come before its OK.
        up.talk = Talk { id: ask.id, until: Some(Instant::now() + PATIENCE) };
        let is_packed = up.session.profile().ussd_packed;
        let forms = if is_packed { [packed(&text), Some(text)] } else { [Some(text.clone()), packed(&text)] };
        let mut refusal = "the code cannot be written in the alphabet of USSD".to_owned();
        for form in forms.into_iter().flatten() {
            match call::ussd(&mut up.session, &form).await {
                Ok(()) => return Ok(()),
                Err(ModemError::Refused { error, .. }) => refusal = format!("the modem refused it: {error}"),
                Err(fault) => {
                    self.ussd_reply(up.talk.id.as_deref(), Some(&fault.to_string()), "failed").await?;
                    return Err(fault.into());
                }
            }
        }
        let id = std::mem::take(&mut up.talk).id;
        self.ussd_reply(id.as_deref(), Some(&refusal), "failed").await
    }

    /// What the network says.
    pub(super) async fn ussd_heard(
        &self,
        state: u8,
        text: Option<String>,
        dcs: Option<u8>,
        up: &mut Up,
    ) -> Result<(), Trouble> {
        let packed = up.session.profile().ussd_packed;
        let text = text.map(|text| readable(&text, dcs, packed));
        let id = up.talk.id.clone();
        up.talk.until = None;
        let (text, word) = match (state, text) {
            (1, text) => (text, "more"),
            (0 | 2, Some(text)) => (Some(text), "done"),
            (0, None) => (None, "done"),
            (2, None) => (Some("the network ended the session".to_owned()), "failed"),
            (4, _) => (Some("the network does not support this code".to_owned()), "failed"),
            (5, _) => (Some("the network did not answer in time".to_owned()), "failed"),
            (_, text) => (text.or(Some("the network refused".to_owned())), "failed"),
        };
        if word != "more" {
            up.talk = Talk::default();
        }
        self.ussd_reply(id.as_deref(), text.as_deref(), word).await
    }

    /// Gives up a session the network says nothing in.
    pub(super) async fn ussd_due(&self, up: &mut Up) -> Result<(), Trouble> {
        if up.talk.until.is_some_and(|until| Instant::now() >= until) {
            let id = std::mem::take(&mut up.talk).id;
            let why = format!("the network did not answer within {} s", PATIENCE.as_secs());
            self.ussd_reply(id.as_deref(), Some(&why), "failed").await?;
            call::end_ussd(&mut up.session).await?;
        }
        Ok(())
    }

    /// What waits for a modem that is away is answered, not kept: nobody wants a balance of yesterday.
    pub(super) async fn ussd_away(&self, why: &str) {
        while let Some(ask) = self.desk.take() {
            let why = format!("the modem is not online: {why}");
            if let Err(error) = self.ussd_reply(ask.id.as_deref(), Some(&why), "failed").await {
                tracing::error!("{error}");
            }
        }
    }

    async fn ussd_reply(&self, id: Option<&str>, text: Option<&str>, state: &str) -> Result<(), Trouble> {
        let topic = self.topics.ussd_reply(&self.config.name);
        Ok(self.store.tell(topic, payload::ussd_reply(id, text, state), None).await?)
    }
}

/// As hexadecimal digits of packed septets; none where the alphabet lacks a character.
fn packed(text: &str) -> Option<String> {
    let mut septets = Vec::new();
    gsm7::encode_into(text, &mut septets).ok()?;
    Some(hex::encode(&gsm7::pack_ussd(&septets)))
}

/// A text from the modem's line. Its data coding scheme says too little (15 stands before packed septets and before
/// plain text), so the look of it decides: digits that read as UCS-2 of few scripts, then as packed septets.
pub(super) fn readable(text: &str, dcs: Option<u8>, is_packed: bool) -> String {
    let plain = || text.to_owned();
    let Ok(octets) = hex::decode(text) else { return plain() };
    if octets.len() < 2 {
        return plain();
    }
    let is_ucs2_by_dcs = dcs.is_some_and(|dcs| matches!(dcs, 0x11 | 0x48..=0x4B | 0x58..=0x5B));
    let (units, rest) = octets.as_chunks::<2>();
    // One script beside Latin at most: packed septets read as UCS-2 are of many.
    let mut others: Vec<u8> =
        units.iter().map(|unit| unit[0]).filter(|high| *high != 0 && *high != 0x20).collect();
    others.sort_unstable();
    others.dedup();
    let has_latin = units.iter().any(|unit| unit[0] == 0);
    let looks_like_ucs2 = units.len() > 1
        && others.len() <= 1
        && (has_latin || !is_packed)
        && units.iter().all(|unit| unit[0] != 0 || unit[1] >= 0x20 || matches!(unit[1], b'\n' | b'\r'));
    if rest.is_empty() && (is_ucs2_by_dcs || looks_like_ucs2) {
        let mut out = String::new();
        ucs2::decode_into(&octets, &mut out);
        return out;
    }
    // A number of digits only, such as a code, is what it is, unless the family never sends plain text.
    let only_decimal = text.bytes().all(|b| b.is_ascii_digit());
    if is_packed || (!only_decimal && octets.len() >= 4) {
        let mut out = String::new();
        gsm7::decode_into(&gsm7::unpack_ussd(&octets), Languages::default(), &mut out);
        return out;
    }
    plain()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn as_ucs2(text: &str) -> String {
        let mut octets = Vec::new();
        ucs2::encode_into(text, &mut octets);
        hex::encode(&octets)
    }

    #[test]
    fn the_three_forms_are_told_apart() {
        let packed_text = packed("Balance: 12.34 EUR").unwrap();
        let rows = [
            ("plain", "Balance: 12.34".to_owned(), Some(15), false, "Balance: 12.34"),
            ("packed, family", packed_text.clone(), Some(15), true, "Balance: 12.34 EUR"),
            ("packed, by its look", packed_text, Some(15), false, "Balance: 12.34 EUR"),
            ("ucs2 by dcs", as_ucs2("Баланс 12"), Some(72), false, "Баланс 12"),
            ("ucs2 by dcs, family", as_ucs2("Баланс 12"), Some(72), true, "Баланс 12"),
            ("ucs2 by its look", as_ucs2("Баланс: 12 р"), Some(15), false, "Баланс: 12 р"),
            ("latin ucs2", as_ucs2("Balance"), Some(15), false, "Balance"),
            ("a number", "12345678".to_owned(), Some(15), false, "12345678"),
            ("a word of hex letters", "Feed".to_owned(), Some(15), false, "Feed"),
            ("odd digits", "ABC".to_owned(), None, false, "ABC"),
        ];
        for (name, line, dcs, is_packed, expect) in rows {
            assert_eq!(readable(&line, dcs, is_packed), expect, "{name}");
        }
    }

    #[test]
    fn a_desk_takes_a_few() {
        let desk = Desk::default();
        let ask = || UssdAsk { id: None, act: UssdAct::Cancel };
        assert!((0..MOST).all(|_| desk.put(ask()).is_ok()));
        assert!(desk.put(ask()).is_err());
        assert!(desk.take().is_some());
    }
}
