//! What a modem has taught: how slow it is with each command, and what it never answers.
//!
//! Kept from one session to the next, by the modem. A command that is answered late costs nothing but the wait; one
//! that is not answered is given more time in the next session, and if it is not needed it is left out. Pure. Input:
//! how long each command took.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::profile::{GENERIC, Profile};
use crate::storage::Storage;

/// No command is waited for longer: the worst that vendors state, for a submission.
pub(crate) const MAX_PATIENCE: Duration = Duration::from_secs(180);

/// Time-outs in a row after which an optional command is left out.
const MAX_TIMEOUTS: u32 = 2;

/// What earlier sessions taught about the modem.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Learned {
    /// Its family; none as long as it never said who it is.
    pub family: Option<Profile>,
    /// Its IMEI.
    imei: Option<String>,
    /// Read messages slot by slot: `AT+CMGL` hung before.
    pub prefer_cmgr: bool,
    /// Whether it takes `AT+CMGF=0;+CMGS=n`; none until it was tried.
    pub(crate) submits_in_one_line: Option<bool>,
    /// Its answers came out of step: what follows an answer is waited for before the next command.
    pub(crate) lingers: bool,
    /// Storages a notice named that the modem does not list.
    announced: Vec<Storage>,
    /// When it last said the words that follow a start.
    started_at: Option<Instant>,
    /// By the beginning of the command, where it differs from what a [`crate::Command`] allows.
    patience: BTreeMap<String, Duration>,
    /// Time-outs in a row.
    timeouts: BTreeMap<String, u32>,
    /// Commands that are answered without a final result code.
    unfinished: BTreeSet<String>,
}

/// The words that follow a start end a session once in this time: some modems say them again when they are initialised.
const STARTED_INTERVAL: Duration = Duration::from_secs(60);

impl Learned {
    /// The modem was asked who it is. Of another one nothing holds that was learnt of the last; the same one stays in its
    /// family where the name it gives now is none that we know, as one that was garbled on the line.
    pub(crate) fn identified(&mut self, family: Option<Profile>, imei: Option<String>) {
        if self.imei.is_some() && imei.is_some() && self.imei != imei {
            *self = Self::default();
        }
        // One that has an IMEI and does not tell it now is the same, too.
        let is_same = self.imei.is_some();
        let is_news = |family: &Profile| family.name != GENERIC.name || !is_same || self.family.is_none();
        self.family = family.filter(is_news).or(self.family.take());
        self.imei = imei.or(self.imei.take());
    }

    /// The modem said the words that follow a start; whether they are to be believed.
    pub(crate) fn started(&mut self, now: Instant) -> bool {
        let is_news = self.started_at.is_none_or(|at| now.duration_since(at) >= STARTED_INTERVAL);
        if is_news {
            self.started_at = Some(now);
        }
        is_news
    }

    /// A notice named this storage.
    pub(crate) fn announce(&mut self, storage: Storage) {
        const MAX_ANNOUNCED: usize = 8;
        if !self.announced.contains(&storage) && self.announced.len() < MAX_ANNOUNCED {
            self.announced.push(storage);
        }
    }

    /// The storages that notices named.
    pub(crate) fn announced(&self) -> &[Storage] {
        &self.announced
    }

    /// The commands that are left out because they were never answered.
    pub fn left_out(&self) -> impl Iterator<Item = &str> {
        self.timeouts.iter().filter(|(_, times)| **times >= MAX_TIMEOUTS).map(|(command, _)| command.as_str())
    }

    /// How long to wait for an answer, where a command allows `allowed`.
    pub(crate) fn patience(&self, command: &str, allowed: Duration) -> Duration {
        self.patience.get(head(command)).copied().unwrap_or_default().max(allowed)
    }

    /// Whether a command that is not needed is left out.
    pub(crate) fn leaves_out(&self, command: &str) -> bool {
        self.timeouts.get(head(command)).is_some_and(|times| *times >= MAX_TIMEOUTS)
    }

    /// Whether the command is answered without a final result code.
    pub(crate) fn is_unfinished(&self, command: &str) -> bool {
        self.unfinished.contains(head(command))
    }

    pub(crate) fn set_unfinished(&mut self, command: &str) {
        self.unfinished.insert(head(command).to_string());
    }

    /// The command was answered.
    pub(crate) fn answered(&mut self, command: &str, allowed: Duration, took: Duration) {
        self.timeouts.remove(head(command));
        if took * 2 > allowed && allowed < MAX_PATIENCE {
            self.set_patience(command, took * 2);
        }
    }

    /// The command was not answered within `waited`.
    pub(crate) fn timed_out(&mut self, command: &str, waited: Duration) {
        let times = self.timeouts.entry(head(command).to_string()).or_default();
        *times += 1;
        if *times == MAX_TIMEOUTS {
            tracing::debug!(
                "{} is not answered; where it can be done without, it is left out",
                head(command)
            );
        }
        self.set_patience(command, waited * 3);
    }

    fn set_patience(&mut self, command: &str, patience: Duration) {
        // A stop of the gateway waits for the answer to a PIN.
        if head(command) == "AT+CPIN=" {
            return;
        }
        let patience = patience.min(MAX_PATIENCE);
        let known = self.patience.entry(head(command).to_string()).or_default();
        if patience > *known {
            tracing::debug!("{} is slow: it is given {} s from now on", head(command), patience.as_secs());
            *known = patience;
        }
    }
}

/// A command without its parameters: `AT+CMGD=`, `AT+CPIN?`; the last one of a line of several.
fn head(command: &str) -> &str {
    let command = command.rsplit_once(";+").map_or(command, |(_, last)| last);
    command.split_inclusive(['=', '?']).next().unwrap_or(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_command_is_given_more_time_and_the_others_are_not() {
        let seconds = Duration::from_secs;
        let mut learned = Learned::default();
        learned.answered("AT+CMGD=1", seconds(30), seconds(4));
        assert_eq!(learned.patience("AT+CMGD=2", seconds(30)), seconds(30), "it was not slow");
        learned.answered("AT+CMGD=1", seconds(30), seconds(20));
        assert_eq!(learned.patience("AT+CMGD=2", seconds(30)), seconds(40));
        assert_eq!(learned.patience("AT+CMGR=2", seconds(10)), seconds(10));
        learned.timed_out("AT+CMGD=1", seconds(40));
        learned.timed_out("AT+CMGD=1", seconds(120));
        assert_eq!(learned.patience("AT+CMGD=3", seconds(30)), MAX_PATIENCE);
    }

    #[test]
    fn what_is_never_answered_is_left_out_until_it_is() {
        let mut learned = Learned::default();
        learned.timed_out("AT+COPS?", Duration::from_secs(45));
        assert!(!learned.leaves_out("AT+COPS?"), "once may be an accident");
        learned.timed_out("AT+COPS?", Duration::from_secs(135));
        assert!(learned.leaves_out("AT+COPS?") && !learned.leaves_out("AT+CSQ"));
        learned.answered("AT+COPS?", MAX_PATIENCE, Duration::from_secs(1));
        assert!(!learned.leaves_out("AT+COPS?"));
    }
    #[test]
    fn a_modem_whose_name_is_garbled_is_the_one_it_was_and_another_one_is_not() {
        use crate::profile::pick;
        let family = |name: &str| Some(pick(Some(name), None));
        let imei = |digit: char| Some(digit.to_string().repeat(15));
        for (name, from, expected) in [
            ("huXwei", imei('1'), "huawei"),
            ("Quectel", imei('1'), "quectel"),
            ("huXwei", imei('2'), "generic"),
            ("huXwei", None, "huawei"),
        ] {
            let mut learned = Learned::default();
            learned.identified(family("huawei"), imei('1'));
            learned.identified(family(name), from.clone());
            assert_eq!(learned.family.map(|family| family.name), Some(expected), "{name} {from:?}");
        }
        let mut without_imei = Learned::default();
        without_imei.identified(family("huawei"), None);
        without_imei.identified(family("huXwei"), None);
        assert_eq!(
            without_imei.family.map(|family| family.name),
            Some("generic"),
            "nobody knows that it is the same"
        );
        let mut unknown = Learned::default();
        unknown.identified(family("Acme"), imei('1'));
        unknown.identified(family("Acme"), imei('1'));
        assert_eq!(unknown.family.map(|family| family.name), Some("generic"));
    }
}
