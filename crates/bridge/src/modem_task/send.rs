//! Sending: claim a message, hand its parts to the network, write down each step before it is taken.

use std::time::Duration;

use smsbridge_modem::sms;
use tokio_util::sync::CancellationToken;

use super::state::Snapshot;
use super::{ModemTask, Trouble, Up};
use crate::clock::now_ms;
use crate::crash;
use crate::message::UnixMs;
use crate::store::{Claim, Claimed, StoreError};
use crate::verdict;

/// What to do after looking for work.
pub(super) enum Next {
    /// Something was done: look again.
    Again,
    /// Nothing to do; in words, what keeps a waiting message waiting.
    Idle(Option<String>),
}

impl ModemTask {
    /// Sends the next message there is for this modem.
    pub(super) async fn send_next(
        &self,
        up: &mut Up,
        snapshot: &mut Snapshot,
        stop: &CancellationToken,
    ) -> Result<Next, Trouble> {
        if !snapshot.is_registered() {
            return Ok(Next::Idle(None));
        }
        match self.store.claim(self.config.name.clone(), up.sim.clone(), now_ms()).await? {
            Claimed::Nothing => Ok(Next::Idle(None)),
            Claimed::OverBudget(why) => Ok(Next::Idle(Some(why))),
            Claimed::Message(claim) => {
                crash::point("submit_claimed");
                self.send(*claim, up, snapshot, stop).await?;
                Ok(Next::Again)
            }
        }
    }

    async fn send(
        &self,
        claim: Claim,
        up: &mut Up,
        snapshot: &mut Snapshot,
        stop: &CancellationToken,
    ) -> Result<(), Trouble> {
        let now = now_ms();
        let ttl = claim.expires_at.map(|at| millis(at - now));
        let pdus =
            match crate::sms::build(&claim.to, &claim.body, claim.reference, claim.delivery_report, ttl) {
                Ok(pdus) => pdus,
                Err(failure) => return Ok(self.store.give_back(claim.message, Some(failure), now).await?),
            };
        for &sequence in &claim.open_parts {
            // Between parts is as good a place to stop as any: the rest waits in the store.
            if stop.is_cancelled() {
                return Ok(self.store.give_back(claim.message, None, now_ms()).await?);
            }
            let Some(pdu) = pdus.get(usize::from(sequence) - 1) else { continue };
            let (modem, sim) = (self.config.name.clone(), up.sim.clone());
            self.store.submitting(claim.message, sequence, modem.clone(), sim, now_ms()).await?;
            crash::point("submit_written");
            match sms::send_pdu(&mut up.session, &pdu.hex, pdu.tpdu_length).await {
                Ok(mr) => {
                    crash::point("submit_answered");
                    // The network has it: that must be written down, however long the disk takes to recover.
                    self.insist(stop, || self.store.submitted(claim.message, sequence, mr, now_ms())).await?;
                    crash::point("submit_committed");
                    snapshot.sent();
                    up.vigil.sent();
                }
                Err(error) => {
                    let verdict = verdict::judge(&error, claim.attempts + 1);
                    tracing::warn!(modem = %modem, request = claim.request, "not sent: {error}; {verdict:?}");
                    self.insist(stop, || {
                        self.store.not_submitted(
                            claim.message,
                            sequence,
                            modem.clone(),
                            verdict.clone(),
                            now_ms(),
                        )
                    })
                    .await?;
                    snapshot.not_sent();
                    up.vigil.not_sent(&error);
                    return match up.session.fault() {
                        Some(fault) => Err(fault.clone().into()),
                        None => Ok(()),
                    };
                }
            }
        }
        Ok(())
    }

    /// Tells the store until it has it on disk, or the process stops.
    async fn insist<F>(&self, stop: &CancellationToken, mut verb: impl FnMut() -> F) -> Result<(), StoreError>
    where
        F: Future<Output = Result<(), StoreError>>,
    {
        loop {
            match verb().await {
                Err(StoreError::Unwritable(why)) if !stop.is_cancelled() => {
                    tracing::error!(modem = %self.config.name, "{why}: trying again until it is on disk");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                told => return told,
            }
        }
    }
}

fn millis(ms: UnixMs) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}
