//! Requests from the broker: read, judged, stored.
//!
//! Takes deliveries in a neutral form and knows no MQTT client. Every request is answered, however wrong it is. After
//! [`Intake::take`] has returned `Ok` a delivery may be acknowledged, not before.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::now_ms;
use crate::config::{Config, MessageExpiry, OnStale, Outbound};
use crate::contact::Contacts;
use crate::event::{Event, MessageEncoding, MessageState, ResultFields, SendResult, UssdReply, UssdState};
use crate::failure::{Failure, FailureCode, quoted};
use crate::message::{Name, UnixMs, millis};
use crate::modem_requests::ModemRequests;
use crate::policy::{self, Dialled};
use crate::request::{Origin, Recipient, ReplyTo, Request, Route, SendRequest, Source};
use crate::store::{Store, StoreError};
use crate::ussd_queue::UssdRequest;
use crate::wire::request::{
    Rejection, UssdRejection, read_cancel, read_restart, read_send, read_ussd, request_id,
};
use crate::wire::topic::ResponseTopics;

/// The largest payload a request may have.
pub const MAX_PAYLOAD: usize = 256 * 1024;

/// What to do about two gateways on one prefix.
const NOT_SHARED_REMEDY: &str = "set [mqtt] share to one group's name on all of them, or use another prefix; requests for one modem go on meanwhile. \
     One that is gone for good: publish an empty retained message to its availability topic";

/// What a broker delivered on one of our topics.
#[derive(Debug)]
pub struct Delivery<'a> {
    /// What is asked for.
    pub route: Route,
    /// The payload; only what its rejection quotes where it is too large.
    pub payload: &'a [u8],
    /// Octets of the payload as it was published.
    pub size: usize,
    /// Whether it was published with the retain flag.
    pub retained: bool,
    /// Which PUBLISH it is.
    pub origin: Origin,
    /// How long the broker would have kept it.
    pub expiry: Option<Duration>,
    /// Where the caller wants copies of the results.
    pub reply_to: Option<ReplyTo>,
    /// Why requests for any modem are refused: another gateway would send them too.
    pub not_shared: Option<String>,
    /// Why it may have been sent already: another gateway of our name ran while it waited for us.
    pub stale: Option<String>,
}

/// What is left to do once a delivery is acknowledged.
#[derive(Debug, PartialEq, Eq)]
pub enum AfterAck {
    /// Nothing.
    Nothing,
    /// Hand over to [`Intake::send_ussd`]: USSD is carried out at most once, so not before the acknowledgement.
    Ussd(Name, UssdRequest),
    /// Hand over to [`Intake::restart`], for the same reason.
    Restart(Name),
    /// Say that it was refused because another gateway may have sent it.
    Stale,
}

/// Where a request is answered besides the result topic.
#[derive(Debug)]
struct AnswerTo {
    copies: Option<ReplyTo>,
    /// The caller wants copies where none may go.
    is_refused: bool,
}

/// Judges requests and stores them.
pub struct Intake {
    store: Store,
    modems: BTreeMap<Name, Arc<ModemRequests>>,
    outbound: Outbound,
    contacts: Contacts,
    responses: ResponseTopics,
    on_stale: OnStale,
}

impl Intake {
    /// An intake for these modems, each with what is asked of it.
    pub fn new(store: Store, modems: BTreeMap<Name, Arc<ModemRequests>>, config: &Config) -> Self {
        Intake {
            store,
            modems,
            outbound: config.outbound.clone(),
            contacts: Contacts::new(&config.contacts, &config.outbound.default_country),
            responses: ResponseTopics::new(&config.mqtt.response_prefix),
            on_stale: config.mqtt.on_stale,
        }
    }

    /// Stores what follows from a delivery. `Err`: nothing is stored, and it must not be acknowledged.
    pub async fn take(&self, delivery: Delivery<'_>) -> Result<AfterAck, StoreError> {
        let now = now_ms();
        // An empty retained payload is how a retained request is removed from the broker: nobody asks for anything.
        if delivery.retained && delivery.payload.is_empty() {
            return Ok(AfterAck::Nothing);
        }
        let Delivery { route, payload, size, retained, origin, expiry, reply_to, not_shared, stale } =
            delivery;
        let stale = stale.filter(|_| self.on_stale == OnStale::Reject);
        let answer_to = self.answer_to(reply_to);
        let mut refusal = check_delivery(size, retained).err();
        if let (Route::Send { modem: None }, Some(reason)) = (&route, not_shared) {
            refusal = refusal.or(Some(Failure::permanent(FailureCode::NoShare, reason)));
        }
        match (route, refusal, stale) {
            (Route::Ussd { modem }, refusal, stale) => {
                let is_stale = |reason| Failure::permanent(FailureCode::Stale, reason);
                let refusal = refusal.or(stale.map(is_stale));
                return self.take_ussd(modem, payload, refusal, origin).await;
            }
            (Route::Restart { modem }, refusal, stale) => {
                let is_stale = |reason| Failure::permanent(FailureCode::Stale, reason);
                let refusal = refusal.or(stale.map(is_stale));
                return Ok(self.take_restart(modem, payload, refusal, origin));
            }
            (_, Some(failure), _) => self.reject(Rejection::new(payload, failure), answer_to, now).await?,
            (Route::Cancel, None, _) => match read_cancel(payload) {
                Ok(id) => self.store.cancel(id, now).await?,
                Err(rejection) => self.reject(*rejection, answer_to, now).await?,
            },
            (Route::Send { .. }, None, Some(reason)) => {
                let failure = Failure::permanent(FailureCode::Stale, reason);
                self.reject(Rejection::new(payload, failure), answer_to, now).await?;
                return Ok(AfterAck::Stale);
            }
            (Route::Send { modem }, None, None) => match read_send(payload) {
                Ok(request) => match self.recipients(&request.to) {
                    Ok(recipients) => {
                        self.send(request, recipients, modem, expiry, answer_to, origin).await?
                    }
                    Err(failure) => self.reject(Rejection::new(payload, failure), answer_to, now).await?,
                },
                Err(rejection) => self.reject(*rejection, answer_to, now).await?,
            },
        }
        Ok(AfterAck::Nothing)
    }

    /// Answers a delivery the store refuses although it can be written.
    pub async fn refuse(&self, delivery: Delivery<'_>) -> Result<(), StoreError> {
        let words = "the store refuses this request, and takes others: please report it";
        let failure = Failure::permanent(FailureCode::Store, words);
        let answer_to = self.answer_to(delivery.reply_to);
        self.reject(Rejection::new(delivery.payload, failure), answer_to, now_ms()).await
    }

    /// Where copies of the results go. A response topic is a courtesy: a request is carried out without it.
    fn answer_to(&self, reply_to: Option<ReplyTo>) -> AnswerTo {
        let is_wanted = reply_to.is_some();
        let copies = reply_to.filter(|reply_to| self.responses.allow(reply_to));
        AnswerTo { is_refused: is_wanted && copies.is_none(), copies }
    }

    async fn send(
        &self,
        request: SendRequest,
        mut recipients: Vec<Recipient>,
        via: Option<Name>,
        expiry: Option<Duration>,
        answer_to: AnswerTo,
        origin: Origin,
    ) -> Result<(), StoreError> {
        let now = now_ms();
        let judged = self.judge(&request, via.as_ref());
        if let Err(failure) = &judged {
            recipients.iter_mut().for_each(|recipient| recipient.refusal = Some(failure.clone()));
        }
        if request.dry_run {
            return self.answer_dry_run(request.id, recipients, judged.ok(), answer_to, now).await;
        }
        let modem = via.or(request.modem.clone());
        let admitted = Request {
            fingerprint: request.fingerprint(modem.as_ref()),
            id: request.id,
            to: recipients,
            parts: judged.map_or(0, |(_, parts)| parts),
            modem,
            delivery_report: request.delivery_report.unwrap_or(self.outbound.delivery_report),
            expires_at: self.expires_at(request.ttl_s, request.send_at, expiry, now),
            send_at: request.send_at,
            priority: request.priority,
            body: request.body,
            response_refused: answer_to.is_refused,
            reply_to: answer_to.copies,
            source: Source::Broker(origin),
        };
        self.store.admit(admitted, now).await?;
        Ok(())
    }

    /// What holds for all recipients: the encoding and the number of parts, or why nothing can be sent.
    fn judge(&self, request: &SendRequest, via: Option<&Name>) -> Result<(MessageEncoding, u8), Failure> {
        if let (Some(via), Some(named)) = (via, &request.modem)
            && via != named
        {
            let words = format!("modem: {via}, as the topic says, not {named}");
            let failure = Failure::permanent(FailureCode::Malformed, words);
            return Err(failure.logged_as("modem: another one than in the topic"));
        }
        if let Some(modem) = via.or(request.modem.as_ref())
            && !self.modems.contains_key(modem)
        {
            return Err(self.unknown_modem(modem));
        }
        policy::check_parts(&request.body, &self.outbound)
    }

    fn unknown_modem(&self, modem: &Name) -> Failure {
        let known = self.modems.keys().map(Name::as_str).collect::<Vec<_>>().join(", ");
        let words = format!("there is no modem {modem} here, only {known}");
        Failure::permanent(FailureCode::UnknownModem, words).logged_as(format!("there are only {known}"))
    }

    /// Each recipient once, with the reason why nothing may be sent to it. A number that several of them stand for has
    /// the first contact among these.
    ///
    /// # Errors
    /// `too-many`.
    fn recipients(&self, to: &[String]) -> Result<Vec<Recipient>, Failure> {
        let limit = self.outbound.max_recipients;
        if to.len() > limit {
            return Err(too_many(to.len(), limit));
        }
        let mut places = BTreeMap::new();
        let mut recipients: Vec<Recipient> = Vec::new();
        for written in to {
            let (dialled, bad) = match policy::dialled(written, &self.contacts, &self.outbound) {
                Ok(dialled) => (dialled, None),
                Err(failure) => (Dialled { contact: None, numbers: vec![quoted(written)] }, Some(failure)),
            };
            for number in dialled.numbers {
                let place = *places.entry(number.clone()).or_insert(recipients.len());
                if let Some(known) = recipients.get_mut(place) {
                    if known.contact.is_none() {
                        known.contact.clone_from(&dialled.contact);
                    }
                    continue;
                }
                let check = || policy::check_recipient(&number, &self.outbound).err();
                let refusal = bad.clone().or_else(check);
                recipients.push(Recipient { number, contact: dialled.contact.clone(), refusal });
            }
        }
        if recipients.len() > limit { Err(too_many(recipients.len(), limit)) } else { Ok(recipients) }
    }

    /// A message for later lives from then on; what the broker says of its delivery counts from now.
    fn expires_at(
        &self,
        ttl_s: Option<u32>,
        send_at: Option<UnixMs>,
        expiry: Option<Duration>,
        now: UnixMs,
    ) -> Option<UnixMs> {
        let ttl = match ttl_s {
            Some(0) => None,
            Some(seconds) => Some(Duration::from_secs(seconds.into())),
            None => self.outbound.ttl,
        };
        let from = send_at.map_or(now, |at| at.max(now));
        let expiry = expiry.filter(|_| self.outbound.message_expiry == MessageExpiry::Honour);
        let ends = [ttl.map(|ttl| from + millis(ttl)), expiry.map(|expiry| now + millis(expiry))];
        ends.into_iter().flatten().min()
    }

    async fn answer_dry_run(
        &self,
        id: Option<String>,
        recipients: Vec<Recipient>,
        judged: Option<(MessageEncoding, u8)>,
        answer_to: AnswerTo,
        now: UnixMs,
    ) -> Result<(), StoreError> {
        let results = recipients.into_iter().map(|Recipient { number, contact, refusal }| {
            let judged = judged.filter(|_| refusal.is_none());
            SendResult {
                id: id.clone(),
                to: Some(number),
                contact,
                state: if refusal.is_some() { MessageState::Rejected } else { MessageState::Accepted },
                is_final: true,
                at: now,
                fields: ResultFields {
                    parts: judged.map(|(_, parts)| parts.into()),
                    dry_run: judged.map(|(encoding, _)| encoding),
                    error: refusal,
                    response_refused: answer_to.is_refused,
                    ..ResultFields::default()
                },
            }
        });
        self.store.publish_results(results.collect(), answer_to.copies).await
    }

    async fn reject(&self, rejection: Rejection, answer_to: AnswerTo, now: UnixMs) -> Result<(), StoreError> {
        let mut result = rejection.into_result(now);
        result.fields.response_refused = answer_to.is_refused;
        self.store.publish_results(vec![result], answer_to.copies).await
    }

    async fn take_ussd(
        &self,
        modem: Name,
        payload: &[u8],
        refusal: Option<Failure>,
        origin: Origin,
    ) -> Result<AfterAck, StoreError> {
        // What is refused unread may be only the beginning of what came.
        if let Some(failure) = refusal {
            self.refuse_ussd(modem, request_id(payload), failure).await?;
            return Ok(AfterAck::Nothing);
        }
        let (id, failure) = match read_ussd(payload) {
            Err(UssdRejection { id, mistake }) => (id, mistake.into()),
            Ok(request) if origin.redelivered => {
                let reason = "it came a second time and may have been carried out: it is not repeated";
                (request.id, Failure::permanent(FailureCode::Unknown, reason))
            }
            Ok(request) if !self.modems.contains_key(&modem) => (request.id, self.unknown_modem(&modem)),
            Ok(request) => return Ok(AfterAck::Ussd(modem, request)),
        };
        self.refuse_ussd(modem, id, failure).await?;
        Ok(AfterAck::Nothing)
    }

    /// Hands a USSD request whose delivery is acknowledged to its modem.
    pub async fn send_ussd(&self, modem: Name, request: UssdRequest) -> Result<(), StoreError> {
        match self.modems.get(&modem).map(|asked| asked.ussd.push(request)) {
            Some(Err(request)) => {
                let reason = "too many USSD requests wait for this modem";
                let failure = Failure::transient(FailureCode::Modem, reason);
                self.refuse_ussd(modem, request.id, failure).await
            }
            _ => Ok(()),
        }
    }

    /// Looks at a request to restart a modem. Nobody is answered: the modem's state shows what becomes of it, and the log
    /// says what is refused.
    fn take_restart(
        &self,
        modem: Name,
        payload: &[u8],
        refusal: Option<Failure>,
        origin: Origin,
    ) -> AfterAck {
        let refusal = match refusal {
            None if !self.modems.contains_key(&modem) => Some(self.unknown_modem(&modem)),
            None if origin.redelivered => {
                let reason = "it came a second time and may have been carried out: it is not repeated";
                Some(Failure::permanent(FailureCode::Unknown, reason))
            }
            None => read_restart(payload).err().map(Failure::from),
            refusal => refusal,
        };
        match refusal {
            None => AfterAck::Restart(modem),
            Some(failure) => {
                let words = failure.logged.unwrap_or_default();
                tracing::warn!(%modem, "a request to restart a modem is refused ({}): {words}", failure.code);
                AfterAck::Nothing
            }
        }
    }

    /// Has a modem restarted whose request is acknowledged.
    pub fn restart(&self, modem: &Name) {
        if let Some(asked) = self.modems.get(modem) {
            tracing::info!(%modem, "a restart of the modem is asked for: it is restarted after the command in hand");
            asked.restart.ask();
        }
    }

    async fn refuse_ussd(&self, modem: Name, id: Option<String>, failure: Failure) -> Result<(), StoreError> {
        let Failure { message, logged, .. } = failure;
        let text = Some(message);
        let reply = UssdReply { modem, id, text, state: UssdState::Failed, logged };
        self.store.publish(Event::UssdReply(reply)).await
    }
}

/// Why the gateway `own` refuses requests for any modem while the gateway `other` takes them too.
pub fn not_shared(own: &Name, other: &str) -> String {
    if other == own.as_str() {
        return format!(
            "another gateway is named {other} too, and both would send: give each a name of its own; requests for one \
             modem go on meanwhile"
        );
    }
    format!("gateway {other} is on this prefix too, and both would send: {NOT_SHARED_REMEDY}")
}

/// Why requests that waited for the gateway `name` are refused: the one of this instance ran meanwhile.
pub fn stale(name: &Name, instance: &str) -> String {
    format!(
        "another gateway named {name} ({instance}) ran while this waited, and may have sent it: look at its results, and \
         send what is missing again with a new id; [mqtt] on_stale = \"send\" sends it"
    )
}

fn too_many(recipients: usize, limit: usize) -> Failure {
    let words = format!(
        "to: {recipients} recipients; [outbound] max_recipients = {limit}: make several requests of it"
    );
    Failure::permanent(FailureCode::TooMany, words)
}

fn check_delivery(size: usize, retained: bool) -> Result<(), Failure> {
    if retained {
        let words = "a retained request would be sent again at every start; publish it without retain";
        return Err(Failure::permanent(FailureCode::Retained, words));
    }
    if size > MAX_PAYLOAD {
        let limit = MAX_PAYLOAD / 1024;
        let words = format!("the payload has {size} octets; {MAX_PAYLOAD} are allowed ({limit} KiB)");
        return Err(Failure::permanent(FailureCode::TooLarge, words));
    }
    Ok(())
}
