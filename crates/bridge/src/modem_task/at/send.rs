//! Sending: claim a message, submit its parts, write down each step before it is taken.

use std::time::Duration;

use smsbridge_modem::port::Port;
use smsbridge_modem::sms::{self, OutgoingPdu};
use smsbridge_modem::{LinkFault, ModemError, SendError, Session};
use tokio_util::sync::CancellationToken;

use super::connected::ConnectedModem;
use super::until_stored::until_stored;
use super::watchdog::Watchdog;
use crate::clock::now_ms;
use crate::crash;
use crate::message::UnixMs;
use crate::modem_task::error::SessionError;
use crate::pdu;
use crate::store::{Claim, Claimed, Idle};
use crate::verdict;

/// How long a submission may go on after a stop; then nobody knows what became of it.
const STOP_GRACE: Duration = Duration::from_secs(20);

/// The outcome of looking for a message to send.
pub(super) enum Sent {
    /// There was one: look again.
    Something,
    /// There was none for this modem: it may wait.
    Nothing(Idle),
    /// A message has to wait, for this reason.
    OverBudget(String),
}

/// Sends the next message there is for this modem.
pub(super) async fn send_next(
    modem: &mut ConnectedModem<'_>,
    watchdog: &mut Watchdog,
    stop: &CancellationToken,
) -> Result<Sent, SessionError> {
    let (name, sim) = (modem.name().clone(), modem.sim.clone());
    match modem.task.store.claim(name, sim, now_ms()).await? {
        Claimed::Nothing(idle) => Ok(Sent::Nothing(idle)),
        Claimed::OverBudget(reason) => Ok(Sent::OverBudget(reason)),
        Claimed::Message(claim) => {
            crash::point("submit_claimed");
            send(modem, watchdog, *claim, stop).await?;
            Ok(Sent::Something)
        }
    }
}

async fn send(
    modem: &mut ConnectedModem<'_>,
    watchdog: &mut Watchdog,
    claim: Claim,
    stop: &CancellationToken,
) -> Result<(), SessionError> {
    let (now, store) = (now_ms(), &modem.task.store);
    let ttl = claim.expires_at.map(|at| remaining(at - now));
    let pdus = match pdu::build(&claim.to, &claim.body, claim.reference, claim.delivery_report, ttl) {
        Ok(pdus) => pdus,
        Err(failure) => return Ok(store.fail(claim.message, failure, now).await?),
    };
    modem.wake().await?;
    let (name, store) = (modem.name().clone(), &modem.task.store);
    for (sequence, pdu) in (1..).zip(&pdus).filter(|(sequence, _)| claim.open_parts.contains(sequence)) {
        // Between parts is as good a place to stop as any: the others wait in the store.
        if stop.is_cancelled() {
            return Ok(store.give_back(claim.message).await?);
        }
        store.submitting(claim.message, sequence, name.clone(), modem.sim.clone(), now_ms()).await?;
        crash::point("submit_written");
        match submit(&mut modem.session, pdu, stop).await {
            Ok(mr) => {
                crash::point("submit_answered");
                until_stored(&name, stop, || store.submitted(claim.message, sequence, mr, now_ms())).await?;
                crash::point("submit_committed");
                modem.view.sent();
                watchdog.submitted();
            }
            Err(error) => {
                let verdict = verdict::judge(&error, claim.attempts + 1);
                modem.view.not_sent(&format!("a message was not sent: {error}; {verdict}"));
                tracing::debug!(modem = %name, request = claim.request, "not sent: {error}; {verdict}");
                until_stored(&name, stop, || {
                    store.not_submitted(claim.message, sequence, name.clone(), verdict.clone(), now_ms())
                })
                .await?;
                watchdog.not_submitted(&error);
                return match (error, modem.session.fault()) {
                    (_, Some(fault)) => Err(fault.clone().into()),
                    (SendError::Unknown(fault) | SendError::NotSubmitted(fault), None)
                        if fault.is_fatal() =>
                    {
                        Err(fault.into())
                    }
                    _ => Ok(()),
                };
            }
        }
    }
    Ok(())
}

/// Submits a PDU. At a stop the modem gets some more time to say what became of it.
async fn submit(
    session: &mut Session<Port>,
    pdu: &OutgoingPdu,
    stop: &CancellationToken,
) -> Result<Option<u8>, SendError> {
    let time_is_over = async {
        stop.cancelled().await;
        tokio::time::sleep(STOP_GRACE).await;
    };
    let sent = tokio::select! {
        sent = sms::send(session, pdu) => Some(sent),
        () = time_is_over => None,
    };
    let abandoned = ModemError::Link(LinkFault::Abandoned);
    match sent {
        Some(sent) => sent,
        None if session.may_have_submitted() => Err(SendError::Unknown(abandoned)),
        None => Err(SendError::NotSubmitted(abandoned)),
    }
}

fn remaining(ms: UnixMs) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}
