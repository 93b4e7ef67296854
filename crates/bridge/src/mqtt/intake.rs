//! Requests from the broker: read, judged, stored. After this returns `Ok` the request may be acknowledged.
//!
//! Every request is answered on `sms/result`, however wrong it is. Pure but for the store. Input: PUBLISHes on our
//! filters.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use rumqttc::v5::mqttbytes::v5::Publish;
use serde_json::json;

use super::MAX_PAYLOAD;
use crate::clock::now_ms;
use crate::config::Outbound;
use crate::message::{Details, Failure, Name, Outcome, Request, ResponseTopic, State, UnixMs};
use crate::modem_task::Desk;
use crate::number;
use crate::payload::{self, Ask, Unreadable};
use crate::policy;
use crate::sms;
use crate::store::{Origin, Store, StoreError};
use crate::topic::{Inbound, Topics};

/// What to do about two gateways on one prefix.
pub(super) const NO_SHARE_REMEDY: &str = "set [mqtt] share to one group's name on all of them, or another prefix; send/<modem> works meanwhile. \
     One that is gone for good: publish an empty retained message to its availability topic";

/// Judges requests and hands them to the store.
pub struct Intake {
    store: Store,
    topics: Topics,
    modems: Vec<Name>,
    rules: Outbound,
    desks: BTreeMap<Name, Arc<Desk>>,
}

impl Intake {
    /// An intake for a gateway with these modems and rules.
    pub fn new(store: Store, topics: Topics, modems: Vec<Name>, rules: Outbound) -> Self {
        Intake { store, topics, modems, rules, desks: BTreeMap::new() }
    }

    /// The same, with the modems' desks for USSD.
    pub fn with_desks(self, desks: BTreeMap<Name, Arc<Desk>>) -> Self {
        Intake { desks, ..self }
    }

    /// What is done only once a PUBLISH is acknowledged: USSD, at most once.
    pub(super) async fn acknowledged(&self, publish: &Publish) {
        let topic = std::str::from_utf8(&publish.topic).ok();
        let Some(Inbound::Ussd { modem }) = topic.and_then(|topic| self.topics.parse(topic)) else { return };
        if publish.retain && publish.payload.is_empty() {
            return;
        }
        let (id, why) = match payload::read_ussd(&publish.payload) {
            Err(wrong) => wrong,
            Ok(ask) if publish.retain => (ask.id, "a retained USSD request is never carried out".to_owned()),
            Ok(ask) if publish.dup => {
                (ask.id, "it came a second time and may have been carried out: it is not repeated".to_owned())
            }
            Ok(ask) => match self.desks.get(&modem).ok_or("there is no such modem here") {
                Ok(desk) => match desk.put(ask) {
                    Ok(()) => return,
                    Err(ask) => (ask.id, "too many USSD requests wait for this modem".to_owned()),
                },
                Err(why) => (ask.id, why.to_owned()),
            },
        };
        let reply = payload::ussd_reply(id.as_deref(), Some(&why), "failed");
        if let Err(error) = self.store.tell(self.topics.ussd_reply(&modem), reply, None).await {
            tracing::error!("{error}");
        }
    }

    /// Stores what follows from one PUBLISH. `Err`: nothing is stored, and it must not be acknowledged.
    /// `neighbour` names another gateway that would take the same requests.
    pub(super) async fn take(
        &self,
        publish: &Publish,
        session: i64,
        neighbour: Option<&str>,
    ) -> Result<(), StoreError> {
        let now = now_ms();
        let Some(inbound) =
            std::str::from_utf8(&publish.topic).ok().and_then(|topic| self.topics.parse(topic))
        else {
            tracing::warn!("a message on a topic that is not ours was ignored");
            return Ok(());
        };
        if matches!(inbound, Inbound::Ussd { .. }) {
            return Ok(());
        }
        // How a retained request is taken off the broker; nobody asks for anything.
        if publish.retain && publish.payload.is_empty() {
            return Ok(());
        }
        let respond_to = match self.response_topic(publish) {
            Ok(respond_to) => respond_to,
            Err(failure) => {
                return self.refuse(payload::refused(&publish.payload, failure), None, now).await;
            }
        };
        let read = |publish: &Publish| -> Result<(), Failure> {
            if publish.retain {
                return Err(Failure::permanent(
                    "retained",
                    "a retained request would be sent again at every start; publish it without retain",
                ));
            }
            if publish.payload.len() > MAX_PAYLOAD {
                let size = publish.payload.len();
                return Err(Failure::permanent(
                    "too-large",
                    format!(
                        "the payload has {size} octets; {MAX_PAYLOAD} are allowed ({} KiB)",
                        MAX_PAYLOAD / 1024
                    ),
                ));
            }
            Ok(())
        };
        if let Err(failure) = read(publish) {
            return self.refuse(payload::refused(&publish.payload, failure), respond_to, now).await;
        }
        if let (Inbound::Send { modem: None }, Some(other)) = (&inbound, neighbour) {
            let why =
                format!("gateway {other} is on this prefix too and both would send it: {NO_SHARE_REMEDY}");
            let failure = Failure::permanent("no-share", why);
            return self.refuse(payload::refused(&publish.payload, failure), respond_to, now).await;
        }
        match inbound {
            Inbound::Ussd { .. } => Ok(()),
            Inbound::Cancel => match payload::read_cancel(&publish.payload) {
                Ok(id) => self.store.cancel(id, now).await,
                Err(refused) => self.refuse(*refused, respond_to, now).await,
            },
            Inbound::Send { modem } => match payload::read_send(&publish.payload) {
                Ok(ask) => {
                    let origin = Origin { packet_id: publish.pkid, redelivered: publish.dup, session };
                    self.send(ask, modem, expiry(publish), respond_to, origin, now).await
                }
                Err(refused) => self.refuse(*refused, respond_to, now).await,
            },
        }
    }

    async fn send(
        &self,
        ask: Ask,
        via: Option<Name>,
        expiry: Option<u32>,
        respond_to: Option<ResponseTopic>,
        origin: Origin,
        now: UnixMs,
    ) -> Result<(), StoreError> {
        let whole = self.judge_whole(&ask, via.as_ref());
        let mut to = BTreeSet::new();
        let mut recipients = Vec::new();
        for written in &ask.to {
            let number = number::normalise(written, &self.rules.default_country);
            let name = number.as_ref().map_or_else(|_| written.clone(), Clone::clone);
            if to.insert(name.clone()) {
                let refusal = whole.as_ref().err().cloned();
                let refusal = refusal.or(number.and_then(|n| policy::admit(&n, &self.rules)).err());
                recipients.push((name, refusal));
            }
        }
        let (encoding, parts) = whole.unwrap_or(("", 0));
        if ask.dry_run {
            return self.dry_run(ask.id, recipients, encoding, parts, respond_to, now).await;
        }
        let content = content_of(&ask, via.as_ref());
        let ttl = match ask.ttl_s {
            Some(0) => None,
            Some(seconds) => Some(Duration::from_secs(seconds.into())),
            None => self.rules.ttl,
        };
        // A message for later lives from then on; what MQTT says of its PUBLISH counts from now.
        let from = ask.send_at.map_or(now, |at| at.max(now));
        let after = |start: UnixMs, ttl: Duration| {
            start + UnixMs::try_from(ttl.as_millis()).unwrap_or(UnixMs::MAX / 2)
        };
        let ends =
            [ttl.map(|ttl| after(from, ttl)), expiry.map(|s| after(now, Duration::from_secs(s.into())))];
        let request = Request {
            id: ask.id,
            content,
            to: recipients,
            parts,
            body: ask.body,
            modem: via.or(ask.modem),
            delivery_report: ask.delivery_report.unwrap_or(self.rules.delivery_report),
            expires_at: ends.into_iter().flatten().min(),
            send_at: ask.send_at,
            priority: ask.priority,
            respond_to,
        };
        self.store
            .admit(request, origin, now)
            .await
            .map(|admitted| tracing::debug!(?admitted, "a request is stored"))
    }

    /// What holds for all recipients: the encoding and the number of parts, or why nothing can be sent.
    fn judge_whole(&self, ask: &Ask, via: Option<&Name>) -> Result<(&'static str, u8), Failure> {
        if let (Some(via), Some(named)) = (via, &ask.modem)
            && via != named
        {
            return Err(Failure::permanent(
                "malformed",
                format!("`modem` says {named}, the topic says {via}"),
            ));
        }
        if let Some(modem) = via.or(ask.modem.as_ref())
            && !self.modems.contains(modem)
        {
            let known: Vec<_> = self.modems.iter().map(Name::as_str).collect();
            return Err(Failure::permanent(
                "unknown-modem",
                format!("there is no modem {modem} here, but {}", known.join(", ")),
            ));
        }
        let (encoding, parts) = sms::count(&ask.body)?;
        match u8::try_from(parts) {
            Ok(parts) if parts <= self.rules.max_parts => Ok((encoding, parts)),
            _ => Err(policy::too_long(parts, self.rules.max_parts)),
        }
    }

    async fn dry_run(
        &self,
        id: Option<String>,
        recipients: Vec<(String, Option<Failure>)>,
        encoding: &'static str,
        parts: u8,
        respond_to: Option<ResponseTopic>,
        now: UnixMs,
    ) -> Result<(), StoreError> {
        for (to, refusal) in recipients {
            let state = if refusal.is_some() { State::Rejected } else { State::Accepted };
            let takes = refusal.is_none();
            let details = Details {
                parts: takes.then_some(parts.into()),
                dry_run: takes.then_some(encoding),
                error: refusal,
                ..Details::default()
            };
            let outcome = Outcome { id: id.clone(), to: Some(to), state, is_final: true, at: now, details };
            self.store.answer(outcome, respond_to.clone()).await?;
        }
        Ok(())
    }

    async fn refuse(
        &self,
        refused: Unreadable,
        respond_to: Option<ResponseTopic>,
        now: UnixMs,
    ) -> Result<(), StoreError> {
        // The words may quote what the caller wrote, and that is not for the log.
        tracing::warn!(code = refused.failure.code, id = refused.id, "a request was rejected");
        tracing::debug!("it was rejected: {}", refused.failure.message);
        self.store.answer(payload::rejection(&refused, now), respond_to).await
    }

    fn response_topic(&self, publish: &Publish) -> Result<Option<ResponseTopic>, Failure> {
        let Some(properties) = &publish.properties else { return Ok(None) };
        let Some(topic) = &properties.response_topic else { return Ok(None) };
        if !self.topics.allows_response(topic) {
            return Err(Failure::permanent(
                "response-topic",
                "the response topic may have no wildcard, no leading $, and not be below our own prefix",
            ));
        }
        let correlation = properties.correlation_data.as_ref().map(|data| data.to_vec());
        Ok(Some(ResponseTopic { topic: topic.clone(), correlation }))
    }
}

fn expiry(publish: &Publish) -> Option<u32> {
    publish.properties.as_ref()?.message_expiry_interval
}

/// All a caller asked for but the id, in one fixed form: equal requests have equal ones.
fn content_of(ask: &Ask, via: Option<&Name>) -> String {
    json!({
        "to": ask.to, "body": ask.body, "modem": via.or(ask.modem.as_ref()).map(Name::as_str),
        "delivery_report": ask.delivery_report, "ttl_s": ask.ttl_s, "send_at": ask.send_at, "priority": ask.priority,
    })
    .to_string()
}
