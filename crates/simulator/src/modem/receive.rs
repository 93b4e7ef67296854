//! What the network delivers: stored or handed to the terminal, as `+CNMI` sets (TS 27.005 3.4.1).
//!
//! Owns the decision where a message goes and the wait for `+CNMA`. Must never lose a message that
//! was neither stored nor handed over: it goes back to the network.

use std::time::Duration;

use super::Modem;
use super::incoming::{Incoming, Kind, Notice, Offer};
use super::storage::{Status, Storage};
use crate::now::Now;
use crate::pdu::tpdu_length;

/// How long `+CNMA` may take (the network's own timer is of this order).
const ACKNOWLEDGE_TIMEOUT: Duration = Duration::from_secs(15);
/// How many unsolicited lines `+CNMI` mode 0 keeps.
const MAX_BUFFERED: usize = 32;

impl Modem {
    pub(crate) fn offer(&mut self, incoming: &Incoming, now: Now) -> Offer {
        if !self.reachable() || !self.starting.has_sms() || self.unacknowledged.is_some() {
            return Offer::NotNow;
        }
        let [_, mt, _, ds, _] = self.set.cnmi;
        match incoming.kind {
            Kind::Message => {
                let direct = match mt {
                    2 => incoming.class != Some(2),
                    3 => incoming.class == Some(3),
                    _ => false,
                };
                if direct {
                    let length = tpdu_length(&incoming.pdu);
                    self.hand_over(format!("+CMT: ,{length}\r\n{}", incoming.pdu), incoming, now)
                } else {
                    self.keep(self.set.memory[2], "+CMTI", mt > 0, &incoming.pdu, now)
                }
            }
            Kind::Report => match ds {
                0 => Offer::Dropped,
                1 => {
                    let length = tpdu_length(&incoming.pdu);
                    self.hand_over(format!("+CDS: {length}\r\n{}", incoming.pdu), incoming, now)
                }
                _ => {
                    let storage =
                        if self.profile.has(Storage::Sr) { Storage::Sr } else { self.set.memory[2] };
                    self.keep(storage, "+CDSI", true, &incoming.pdu, now)
                }
            },
        }
    }

    fn hand_over(&mut self, lines: String, incoming: &Incoming, now: Now) -> Offer {
        self.indicate(lines, true);
        if self.set.csms == 1 {
            self.unacknowledged = Some((incoming.clone(), now.elapsed + ACKNOWLEDGE_TIMEOUT));
            Offer::Unacknowledged
        } else {
            Offer::HandedOver
        }
    }

    fn keep(&mut self, storage: Storage, name: &str, indicate: bool, pdu: &str, now: Now) -> Offer {
        let Some(slot) = self.storages.store(storage, Status::Unread, pdu) else { return Offer::NoRoom };
        let right = Some(format!("{name}: \"{storage}\",{slot}"));
        let line = match self.notice.clone() {
            Notice::Right => right,
            Notice::Early(time) => {
                self.storages.hide(storage, slot, now.elapsed + time);
                right
            }
            Notice::Instead(line) => Some(line),
            Notice::Nothing => None,
        };
        if let Some(line) = line.filter(|_| indicate) {
            self.indicate(line, false);
        }
        Offer::Stored(storage, slot)
    }

    /// A page of a cell broadcast; shown only with `bm=2`.
    pub(crate) fn broadcast(&mut self, page: &str) -> bool {
        let shown = self.reachable() && self.set.cnmi[2] == 2;
        if shown {
            self.indicate(format!("+CBM: {}\r\n{page}", page.len() / 2), true);
        }
        shown
    }

    /// Sends a message's line, as the mode of `+CNMI` has it.
    fn indicate(&mut self, line: String, carries_message: bool) {
        match self.set.cnmi[0] {
            0 => {
                self.buffered.push_back(line);
                if self.buffered.len() > MAX_BUFFERED {
                    self.buffered.pop_front();
                }
            }
            1 if self.parser.in_payload() && !carries_message => {}
            _ => self.urcs.push_back(line),
        }
    }

    /// After `+CNMI` was set: what mode 0 buffered is sent (bfr 0) or dropped (bfr 1).
    pub(super) fn settle_buffered(&mut self) {
        if self.set.cnmi[0] > 0 {
            let held = std::mem::take(&mut self.buffered);
            if self.set.cnmi[4] == 0 {
                self.urcs.extend(held);
            }
        }
    }

    /// `+CNMA`: whether one was due. A negative one gives the message back to the network.
    pub(super) fn acknowledge(&mut self, positive: bool) -> bool {
        match self.unacknowledged.take() {
            Some((incoming, _)) => {
                if !positive {
                    self.returned.push(incoming);
                }
                true
            }
            None => false,
        }
    }

    /// A `+CNMA` that never came: the modem stops handing messages over (TS 27.005 3.4.4).
    pub(crate) fn check_acknowledgement(&mut self, now: Now) {
        if let Some((incoming, _)) = self.unacknowledged.take_if(|(_, due)| *due <= now.elapsed) {
            self.set.cnmi[1] = 0;
            self.set.cnmi[3] = 0;
            self.returned.push(incoming);
        }
    }

    pub(crate) fn acknowledge_due(&self) -> Option<Duration> {
        self.unacknowledged.as_ref().map(|(_, due)| *due)
    }

    /// What the network has to deliver again.
    pub(crate) fn take_returned(&mut self) -> Vec<Incoming> {
        std::mem::take(&mut self.returned)
    }
}
