//! Receiving: everything on the SIM goes into the store, and only what is there is deleted from the SIM.
//!
//! A slot that cannot be read or deleted stops nothing: it is tried again at a later sweep.

use futures_util::future::join_all;
use smsbridge_modem::port::Port;
use smsbridge_modem::sms::{self, Deleted, Stored, StoredPdu};
use smsbridge_modem::upkeep::{self, Checked};
use smsbridge_modem::{ModemError, Session, Urc};
use tokio_util::sync::CancellationToken;

use super::connected::ConnectedModem;
use super::until_stored::until_stored;
use crate::clock::{self, now_ms};
use crate::crash;
use crate::incoming::IncomingPdu;
use crate::message::{Sim, Slot};
use crate::modem_task::error::SessionError;
use crate::modem_task::task::ModemTask;
use crate::pdu::{self, Part, Reading};
use crate::store::Accepted;

/// Looks whether SIM and settings are what they were; sets again what was lost.
pub(super) async fn check(modem: &mut ConnectedModem<'_>) -> Result<(), SessionError> {
    let before = modem.ready.clone();
    if upkeep::check(&mut modem.session, &mut modem.ready).await? == Checked::SetAgain {
        tracing::warn!(modem = %modem.name(), "the modem lost its settings; they were set again");
        modem.view.announced_again();
    }
    if modem.ready != before {
        let (iccid, imsi) = (modem.ready.iccid.clone(), modem.ready.imsi.clone());
        modem.sim = modem.task.identify_sim(iccid, imsi).await?;
        modem.view.configured(&modem.ready);
    }
    Ok(())
}

/// A message this old that is found when the gateway begins to look is published as one that was there.
const OLD_MS: i64 = 86_400_000;

/// What a sweep found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// No message that had not been stored before.
    Nothing,
    /// At least one.
    Messages,
    /// More than one list holds: look again at once.
    More,
}

/// Lists all storages, stores what was received, deletes it. Outgoing messages somebody keeps there are left alone.
/// `is_first` says that what is found was there before the gateway looked.
pub(super) async fn sweep(modem: &mut ConnectedModem<'_>, is_first: bool) -> Result<Found, SessionError> {
    let mut listed = sms::sweep(&mut modem.session, &modem.ready).await;
    let is_ours = |pdu: &&StoredPdu| pdu.status.is_received() && !pdu::is_submit(&pdu.pdu);
    let received: Vec<&StoredPdu> = listed.pdus.iter().filter(is_ours).collect();
    let slots: Vec<Slot> = received.iter().map(|pdu| slot(pdu)).collect();
    let storages = listed.storages.iter().map(ToString::to_string).collect();
    let store = &modem.task.store;
    store.swept(modem.sim.clone(), storages, slots.clone()).await?;
    if !received.is_empty() {
        crash::point("in_read");
    }
    let incoming = received.iter().zip(&slots).map(|(pdu, slot)| {
        let is_unread = pdu.status == Stored::ReceivedUnread;
        let incoming = incoming(modem, pdu.pdu.clone(), pdu.length);
        let was_stored = is_first && (!is_unread || is_old(&incoming));
        IncomingPdu { slot: Some(slot.clone()), is_unread, was_stored, ..incoming }
    });
    // All of one sweep go into one commit.
    let accepted = join_all(incoming.map(|incoming| store.accept(incoming))).await;
    if !received.is_empty() {
        crash::point("in_committed");
    }
    let doubtful = match received.is_empty() {
        true => Vec::new(),
        false => modem.task.store.doubtful_slots(modem.sim.clone()).await?,
    };
    let mut found = if listed.has_more { Found::More } else { Found::Nothing };
    let mut deleted = Vec::with_capacity(received.len());
    let mut unstored = None;
    for ((pdu, slot), accepted) in received.iter().zip(slots).zip(accepted) {
        let accepted = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                unstored = Some(error);
                continue;
            }
        };
        match accepted {
            Accepted::Known { was_deleted: true } => {
                sms::deletion_had_no_effect(&mut modem.session, pdu.storage, pdu.slot);
            }
            Accepted::Known { was_deleted: false } => {}
            Accepted::Report => crash::point("report_committed"),
            Accepted::Waiting | Accepted::Completed(_) => {}
        }
        if !matches!(accepted, Accepted::Known { .. }) {
            sms::deletion_had_effect(&mut modem.session, pdu.storage, pdu.slot);
            if found == Found::Nothing {
                found = Found::Messages;
            }
        }
        count(modem, &accepted);
        if listed.fault.is_some() {
            continue;
        }
        match delete(&mut modem.session, pdu, doubtful.contains(&slot)).await {
            Ok(Deleted::Yes) => {
                crash::point("in_deleted");
                deleted.push(slot);
            }
            Ok(Deleted::NotNow) => {}
            Err(fault) => listed.fault = Some(fault),
        }
    }
    if found == Found::More && deleted.is_empty() {
        // The next list would be the same.
        found = Found::Nothing;
    }
    if !deleted.is_empty() {
        modem.task.store.slots_deleted(modem.sim.clone(), deleted).await?;
    }
    let left_out = modem.session.learned().left_out().map(str::to_owned).collect();
    modem.view.not_done(modem.session.refused(), left_out);
    if let Some(fault) = listed.fault {
        return Err(fault.into());
    }
    unstored.map_or(Ok(found), |error| Err(error.into()))
}

/// Deletes a slot. Of a doubtful one it is looked whether it is empty then.
async fn delete(
    session: &mut Session<Port>,
    pdu: &StoredPdu,
    is_doubtful: bool,
) -> Result<Deleted, ModemError> {
    let deleted = sms::delete(session, pdu.storage, pdu.slot).await?;
    if !is_doubtful || deleted != Deleted::Yes {
        return Ok(deleted);
    }
    match sms::read(session, pdu.storage, pdu.slot).await? {
        sms::Reading::Message(kept) if kept.pdu == pdu.pdu => {
            sms::deletion_had_no_effect(session, pdu.storage, pdu.slot);
            Ok(Deleted::NotNow)
        }
        _ => Ok(Deleted::Yes),
    }
}

/// Stores a PDU the modem delivered without storing it. It is not delivered again, so a store that cannot be written is
/// waited for until `stop`.
pub(super) async fn on_delivery(
    modem: &mut ConnectedModem<'_>,
    pdu: String,
    length: Option<u16>,
    stop: &CancellationToken,
) -> Result<(), SessionError> {
    let (name, store) = (modem.name().clone(), &modem.task.store);
    let incoming = incoming(modem, pdu, length);
    let accepted = until_stored(&name, stop, || store.accept(incoming.clone())).await?;
    count(modem, &accepted);
    Ok(())
}

/// Stores the PDUs that a modem delivered and no session has looked at; leaves the other codes to the next one.
pub(in crate::modem_task) async fn store_deliveries(
    task: &ModemTask,
    unsolicited: &mut Vec<Urc>,
    stop: &CancellationToken,
) {
    for urc in std::mem::take(unsolicited) {
        let (Urc::Message { pdu, length } | Urc::Report { pdu, length }) = urc else {
            unsolicited.push(urc);
            continue;
        };
        let stored = until_stored(&task.config.name, stop, async || {
            let sim = task.identify_sim(None, None).await?;
            task.store.accept(delivered(task, sim, pdu.clone(), length)).await
        });
        if let Err(error) = stored.await {
            tracing::error!(modem = %task.config.name, "a message that the modem delivered is lost: {error}");
        }
    }
}

fn count(modem: &mut ConnectedModem<'_>, accepted: &Accepted) {
    if matches!(accepted, Accepted::Waiting | Accepted::Completed(_)) {
        modem.view.received();
    }
}

fn incoming(modem: &ConnectedModem<'_>, pdu: String, length: Option<u16>) -> IncomingPdu {
    delivered(modem.task, modem.sim.clone(), pdu, length)
}

fn delivered(task: &ModemTask, sim: Sim, pdu: String, length: Option<u16>) -> IncomingPdu {
    let pdu = pdu::with_service_centre(pdu, length);
    let reading = pdu::read(&pdu);
    if let Reading::Part(Part { sent_at: Some(seconds), .. }) = &reading {
        clock::witness(*seconds);
    }
    IncomingPdu {
        modem: task.config.name.clone(),
        sim,
        slot: None,
        is_unread: true,
        was_stored: false,
        pdu,
        reading,
        received_at: now_ms(),
    }
}

fn is_old(incoming: &IncomingPdu) -> bool {
    pdu::sent_at(&incoming.pdu).is_some_and(|at| at * 1000 + OLD_MS < incoming.received_at)
}

fn slot(pdu: &StoredPdu) -> Slot {
    Slot { storage: pdu.storage.as_str().to_owned(), index: pdu.slot }
}
