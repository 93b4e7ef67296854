//! Receiving: everything on the SIM goes into the store, and only what is there is deleted from the SIM.

use futures_util::future::join_all;
use smsbridge_modem::sms::{self, Notifications, StoredPdu};

use super::connected::ConnectedModem;
use crate::clock::{self, now_ms};
use crate::crash;
use crate::incoming::IncomingPdu;
use crate::message::Slot;
use crate::modem_task::error::SessionError;
use crate::pdu::{self, Part, Reading};
use crate::store::Accepted;

/// Sets the message notifications again where the modem has lost them.
pub(super) async fn check_notifications(modem: &mut ConnectedModem<'_>) -> Result<(), SessionError> {
    if sms::check_notifications(&mut modem.session, &modem.ready).await? == Notifications::SetAgain {
        tracing::warn!(modem = %modem.name(), "the modem lost its notification settings; they were set again");
        modem.view.announced_again();
    }
    Ok(())
}

/// Lists all storages, stores what was received, deletes it. Outgoing messages somebody keeps there are left alone.
pub(super) async fn sweep(modem: &mut ConnectedModem<'_>) -> Result<(), SessionError> {
    let listed = sms::sweep(&mut modem.session, &modem.ready).await?;
    let is_ours = |pdu: &&StoredPdu| pdu.status.is_received() && !pdu::is_submit(&pdu.pdu);
    let received: Vec<&StoredPdu> = listed.pdus.iter().filter(is_ours).collect();
    let slots: Vec<Slot> = received.iter().map(|pdu| slot(pdu)).collect();
    let storages = listed.storages.iter().map(ToString::to_string).collect();
    let store = &modem.task.store;
    store.swept(modem.sim.clone(), storages, slots.clone()).await?;
    if received.is_empty() {
        return Ok(());
    }
    crash::point("in_read");
    let incoming = received
        .iter()
        .zip(&slots)
        .map(|(pdu, slot)| incoming(modem, Some(slot.clone()), pdu.pdu.clone(), pdu.length));
    // All of one sweep go into one commit.
    let accepted = join_all(incoming.map(|incoming| store.accept(incoming))).await;
    crash::point("in_committed");
    let mut cleared = Vec::with_capacity(received.len());
    let mut failed = None;
    for ((pdu, slot), accepted) in received.iter().zip(slots).zip(accepted) {
        match accepted {
            Ok(accepted) => {
                if accepted == Accepted::Report {
                    crash::point("report_committed");
                }
                sms::delete(&mut modem.session, pdu.storage, pdu.slot).await?;
                crash::point("in_deleted");
                cleared.push(slot);
                count(modem, &accepted);
            }
            Err(error) => failed = Some(error),
        }
    }
    modem.task.store.slots_cleared(modem.sim.clone(), cleared).await?;
    failed.map_or(Ok(()), |error| Err(error.into()))
}

/// Stores a PDU the modem delivered without storing it.
pub(super) async fn on_delivery(
    modem: &mut ConnectedModem<'_>,
    pdu: String,
    length: Option<u16>,
) -> Result<(), SessionError> {
    let accepted = modem.task.store.accept(incoming(modem, None, pdu, length)).await?;
    count(modem, &accepted);
    Ok(())
}

fn count(modem: &mut ConnectedModem<'_>, accepted: &Accepted) {
    if matches!(accepted, Accepted::Waiting | Accepted::Completed(_)) {
        modem.view.received();
    }
}

fn incoming(modem: &ConnectedModem<'_>, slot: Option<Slot>, pdu: String, length: Option<u16>) -> IncomingPdu {
    let pdu = pdu::with_service_centre(pdu, length);
    let reading = pdu::read(&pdu);
    if let Reading::Part(Part { sent_at: Some(seconds), .. }) = &reading {
        clock::witness(*seconds);
    }
    let (modem, sim) = (modem.name().clone(), modem.sim.clone());
    IncomingPdu { modem, sim, slot, pdu, reading, received_at: now_ms() }
}

fn slot(pdu: &StoredPdu) -> Slot {
    Slot { storage: pdu.storage.as_str().to_owned(), index: pdu.slot }
}
