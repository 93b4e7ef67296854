//! Messages to and from the modem, as its network and its storages have them.

use std::time::Duration;

use smsbridge_codec::EncodeError;

use super::Simulator;
use crate::modem::{Notice, Status, Storage, Stored};
use crate::network::{Sent, SentAsText, Ussd};
use crate::options::Reports;
use crate::pdu::{self, Message};

impl Simulator {
    // ---- messages to the modem ----

    /// Somebody sends this SIM a text; a long one comes in parts. The number of parts.
    ///
    /// `from` is a number with or without `+`, or a name of up to 11 characters. With the modem
    /// off or its storage full the parts wait in the network.
    pub fn deliver(&self, from: &str, text: &str) -> Result<usize, EncodeError> {
        let reference = self.change(|simulation, _| simulation.next_reference());
        let parts = self.parts(from, text, &Message { reference, ..Message::default() })?;
        let count = parts.len();
        self.change(|simulation, now| {
            for part in parts {
                simulation.network.queue(part, now.elapsed);
            }
        });
        Ok(count)
    }

    /// The PDUs a text from `from` would come in, to be given to [`deliver_pdu`](Self::deliver_pdu)
    /// in any order, twice, or not at all.
    pub fn parts(&self, from: &str, text: &str, message: &Message) -> Result<Vec<String>, EncodeError> {
        self.with(|simulation, now| pdu::deliver(simulation.network.centre(), from, text, message, now))
    }

    /// The network delivers this PDU, given as on the AT line (service centre address and TPDU in
    /// hex); whether its octets make sense is not looked at.
    pub fn deliver_pdu(&self, pdu: &str) {
        let pdu = pdu.trim().to_ascii_uppercase();
        self.change(|simulation, now| simulation.network.queue(pdu, now.elapsed));
    }

    /// As [`deliver_pdu`](Self::deliver_pdu), after a time.
    pub fn deliver_pdu_in(&self, delay: Duration, pdu: &str) {
        let pdu = pdu.trim().to_ascii_uppercase();
        self.change(|simulation, now| simulation.network.queue(pdu, now.elapsed + delay));
    }

    /// Puts a PDU straight into a slot, without an unsolicited line; the slot's number, or `None`
    /// if there is no room.
    pub fn put(&self, storage: Storage, status: Status, pdu: &str) -> Option<usize> {
        self.change(|simulation, _| simulation.modem.storages.store(storage, status, pdu))
    }

    /// Somebody else empties a storage.
    pub fn empty(&self, storage: Storage) {
        self.change(|simulation, _| simulation.modem.storages.clear(storage));
    }

    /// A cell broadcast page (hex); whether the modem passes it to the terminal.
    pub fn broadcast(&self, page: &str) -> bool {
        self.change(|simulation, _| simulation.modem.broadcast(page))
    }

    /// All stored messages, of all storages.
    pub fn stored(&self) -> Vec<Stored> {
        let all = [Storage::Sm, Storage::Me, Storage::Sr];
        self.with(|simulation, _| {
            all.iter().flat_map(|s| simulation.modem.storages.list(*s)).map(|(_, stored)| stored).collect()
        })
    }

    /// Free slots of a storage.
    pub fn free(&self, storage: Storage) -> usize {
        let (used, all) = self.with(|simulation, _| simulation.modem.storages.usage(storage));
        all - used
    }

    /// PDUs the network still holds for this SIM.
    pub fn waiting(&self) -> usize {
        self.with(|simulation, _| simulation.network.waiting())
    }

    /// Received messages find no room, whatever is free, until this is set back.
    pub fn set_full(&self, full: bool) {
        self.change(|simulation, _| simulation.modem.storages.full = full);
    }

    /// What the modem says about messages it stores from now on.
    pub fn set_notice(&self, notice: Notice) {
        self.change(|simulation, _| simulation.modem.notice = notice);
    }

    // ---- messages from the modem ----

    /// Every message the network accepted, in order, also those whose answer was lost.
    pub fn sent(&self) -> Vec<Sent> {
        self.with(|simulation, _| simulation.network.sent.clone())
    }

    /// Every text that was sent while the modem was in text mode; they are not in [`sent`](Self::sent).
    pub fn sent_as_text(&self) -> Vec<SentAsText> {
        self.with(|simulation, _| simulation.network.sent_as_text.clone())
    }

    /// What happens to status reports from now on.
    pub fn set_reports(&self, reports: Reports) {
        self.change(|simulation, _| simulation.network.reports = reports);
    }

    /// Time from a message to its report, from now on.
    pub fn set_report_delay(&self, delay: Duration) {
        self.change(|simulation, _| simulation.network.report_delay = delay);
    }

    /// Time from Ctrl-Z to the network's answer, from now on.
    pub fn set_submit_delay(&self, delay: Duration) {
        self.change(|simulation, _| simulation.network.set_submit_delay(delay));
    }

    /// Sends the reports that [`Reports::Held`] keeps, with this TP-Status; how many.
    pub fn release_reports(&self, status: u8) -> usize {
        self.change(|simulation, now| simulation.network.release_reports(status, now))
    }

    /// A status report nothing was sent for: for reference `mr`, sent to `to`, with this TP-Status.
    pub fn report(&self, mr: u8, to: &str, status: u8) -> Result<(), EncodeError> {
        self.change(|simulation, now| {
            let pdu = pdu::report(simulation.network.centre(), mr, to, status, now.unix, now)?;
            simulation.network.queue(pdu, now.elapsed);
            Ok(())
        })
    }

    /// What the network answers to a USSD code (or to a reply within a menu).
    pub fn set_ussd(&self, code: &str, answer: Ussd) {
        self.change(|simulation, _| simulation.network.ussd.insert(code.into(), answer));
    }
}
