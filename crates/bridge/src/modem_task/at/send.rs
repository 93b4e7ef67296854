//! Sending: claim a message, submit its parts, write down each step before it is taken.

use std::time::Duration;

use smsbridge_modem::sms;
use tokio_util::sync::CancellationToken;

use super::connected::ConnectedModem;
use super::watchdog::Watchdog;
use crate::clock::now_ms;
use crate::crash;
use crate::message::{Name, UnixMs};
use crate::modem_task::error::SessionError;
use crate::pdu;
use crate::store::{Claim, Claimed, Idle, StoreError};
use crate::verdict;

/// How often a result is offered to a store that cannot be written.
const STORE_RETRY_INTERVAL: Duration = Duration::from_secs(1);

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
    let name = modem.name().clone();
    for (sequence, pdu) in (1..).zip(&pdus).filter(|(sequence, _)| claim.open_parts.contains(sequence)) {
        // Between parts is as good a place to stop as any: the others wait in the store.
        if stop.is_cancelled() {
            return Ok(store.give_back(claim.message).await?);
        }
        store.submitting(claim.message, sequence, name.clone(), modem.sim.clone(), now_ms()).await?;
        crash::point("submit_written");
        match sms::send(&mut modem.session, pdu).await {
            Ok(mr) => {
                crash::point("submit_answered");
                until_stored(&name, stop, || store.submitted(claim.message, sequence, mr, now_ms())).await?;
                crash::point("submit_committed");
                modem.view.sent();
                watchdog.submitted();
            }
            Err(error) => {
                let verdict = verdict::judge(&error, claim.attempts + 1);
                tracing::warn!(modem = %name, request = claim.request, "not sent: {error}; {verdict:?}");
                until_stored(&name, stop, || {
                    store.not_submitted(claim.message, sequence, name.clone(), verdict.clone(), now_ms())
                })
                .await?;
                modem.view.not_sent();
                watchdog.not_submitted(&error);
                return match modem.session.fault() {
                    Some(fault) => Err(fault.clone().into()),
                    None => Ok(()),
                };
            }
        }
    }
    Ok(())
}

/// Repeats an operation until it is on disk, or the process stops: what the network has accepted must be written down,
/// however long the disk takes to recover.
async fn until_stored<F>(
    modem: &Name,
    stop: &CancellationToken,
    mut operation: impl FnMut() -> F,
) -> Result<(), StoreError>
where
    F: Future<Output = Result<(), StoreError>>,
{
    loop {
        match operation().await {
            Err(StoreError::Unwritable(reason)) if !stop.is_cancelled() => {
                tracing::error!(modem = %modem, "{reason}: trying again until it is on disk");
                tokio::time::sleep(STORE_RETRY_INTERVAL).await;
            }
            done => return done,
        }
    }
}

fn remaining(ms: UnixMs) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}
