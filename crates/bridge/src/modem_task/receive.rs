//! The sweep: everything on the SIM goes into the store, and only what is there is deleted from the SIM.

use futures_util::future::join_all;
use smsbridge_modem::sms::{self, StoredPdu};

use super::state::Snapshot;
use super::{ModemTask, Trouble, Up};
use crate::clock::now_ms;
use crate::crash;
use crate::message::{Arrival, Sim, Slot};
use crate::store::Accepted;

impl ModemTask {
    pub(super) fn arrival(&self, sim: &Sim, slot: Option<Slot>, pdu: String) -> Arrival {
        Arrival { modem: self.config.name.clone(), sim: sim.clone(), slot, pdu, received_at: now_ms() }
    }
}

/// Lists all storages, stores what was received, deletes it. Outgoing messages somebody keeps there are left alone.
pub(super) async fn sweep(task: &ModemTask, up: &mut Up, snapshot: &mut Snapshot) -> Result<(), Trouble> {
    let listed = sms::sweep(&mut up.session, &up.ready).await?;
    let received: Vec<&StoredPdu> = listed.pdus.iter().filter(|pdu| pdu.status.is_received()).collect();
    let slots: Vec<Slot> = received.iter().map(|pdu| slot(pdu)).collect();
    let whole = listed.storages.iter().map(ToString::to_string).collect();
    task.store.swept(up.sim.clone(), whole, slots.clone()).await?;
    if received.is_empty() {
        return Ok(());
    }
    crash::point("in_read");
    let arrivals = received
        .iter()
        .zip(&slots)
        .map(|(pdu, slot)| task.store.accept(task.arrival(&up.sim, Some(slot.clone()), pdu.pdu.clone())));
    // All of one sweep go into one commit.
    let accepted = join_all(arrivals).await;
    crash::point("in_committed");
    let mut cleared = Vec::with_capacity(received.len());
    let mut refused = None;
    for ((pdu, slot), accepted) in received.iter().zip(slots).zip(accepted) {
        match accepted {
            Ok(accepted) => {
                if accepted == Accepted::Report {
                    crash::point("report_committed");
                }
                sms::delete(&mut up.session, pdu.storage, pdu.slot).await?;
                crash::point("in_deleted");
                cleared.push(slot);
                if matches!(accepted, Accepted::Waiting | Accepted::Whole(_)) {
                    snapshot.received();
                }
            }
            Err(error) => refused = Some(error),
        }
    }
    task.store.slots_cleared(up.sim.clone(), cleared).await?;
    refused.map_or(Ok(()), |error| Err(error.into()))
}

fn slot(pdu: &StoredPdu) -> Slot {
    Slot { storage: pdu.storage.as_str().to_owned(), index: pdu.slot }
}
