//! What the command line asks and follows: one request and its results; or whatever is published on some topics.
//!
//! A result comes on the response topic, with the request's correlation data, and on the topic of all results: a caller
//! may be let read only one of them, and some brokers do not tell which.

use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    Filter, Packet, PubAck, PubAckReason, Publish, PublishProperties, SubAck, SubscribeReasonCode,
};
use tokio::time::{Instant, timeout_at};

use super::caller::{Caller, CallerError, Connected};
use super::reason::in_words;

/// How long a broker may take to answer a SUBSCRIBE.
const SUBSCRIBE_TIMEOUT: Duration = Duration::from_secs(20);

/// How long it may take to empty all retained topics.
#[cfg(feature = "demo")]
const EMPTY_TIMEOUT: Duration = Duration::from_secs(20);

/// A request, and where its results come.
#[derive(Debug, Clone)]
pub struct Call {
    /// Its topic.
    pub topic: String,
    /// Its payload.
    pub payload: String,
    /// The response topic; none where no results can come on one.
    pub response_topic: Option<String>,
    /// What the results on the response topic carry.
    pub correlation: String,
    /// The topic of all results.
    pub results: String,
}

/// What is heard during a call.
#[derive(Debug)]
pub enum Heard<'a> {
    /// The broker does not let us read the response topic, but all results.
    NoResponseTopic,
    /// The request is being published: from now on it may be carried out.
    Published,
    /// A payload on the response topic or the topic of all results, perhaps on both.
    Result(&'a [u8]),
}

impl Caller {
    /// Subscribes to the results, publishes the request, and hands over what is heard until that returns true.
    ///
    /// # Errors
    /// [`CallerError::Unanswered`]: the request is out, and after `limit`, or when the connection was lost, there was
    /// no last result. After every other error nothing is carried out.
    pub async fn call(
        self,
        call: &Call,
        limit: Duration,
        mut on_heard: impl FnMut(Heard<'_>) -> bool,
    ) -> Result<(), CallerError> {
        let deadline = Instant::now() + limit;
        let (mut connected, reads_response) = self.connect_for(call).await?;
        if call.response_topic.is_some() && !reads_response {
            on_heard(Heard::NoResponseTopic);
        }
        let properties = call.response_topic.as_ref().map(|topic| PublishProperties {
            response_topic: Some(topic.clone()),
            correlation_data: Some(call.correlation.clone().into()),
            ..PublishProperties::default()
        });
        let (client, payload) = (&connected.client, call.payload.clone());
        client
            .try_publish_with_properties(
                &call.topic,
                QoS::AtLeastOnce,
                false,
                payload,
                properties.unwrap_or_default(),
            )
            .map_err(|error| CallerError::Broker(error.to_string()))?;
        tracing::info!("the request is published to {}", call.topic);
        on_heard(Heard::Published);
        loop {
            let packet = match timeout_at(deadline, connected.next()).await {
                Err(_) => {
                    return Err(CallerError::Unanswered(format!(
                        "no last result within {} s",
                        limit.as_secs()
                    )));
                }
                Ok(Err(lost)) => return Err(CallerError::Unanswered(lost.to_string())),
                Ok(Ok(packet)) => packet,
            };
            match packet {
                Packet::PubAck(ack) => is_taken(&ack, &connected.address, &call.topic)?,
                Packet::Publish(publish)
                    if call.is_result(&publish) && on_heard(Heard::Result(&publish.payload)) =>
                {
                    break;
                }
                _ => {}
            }
        }
        connected.disconnect(deadline).await;
        Ok(())
    }

    /// Connects and subscribes to where results come; and whether the response topic may be read.
    async fn connect_for(&self, call: &Call) -> Result<(Connected, bool), CallerError> {
        let filters: Vec<String> = call.response_topic.iter().chain([&call.results]).cloned().collect();
        let mut connected = self.connect().await?;
        let granted = match (connected.subscribe(&filters).await, &call.response_topic) {
            (Ok(granted), _) => granted,
            // Some brokers close the connection on a topic that may not be read, as that of all results.
            (Err(_), Some(response_topic)) => {
                connected = self.connect().await?;
                connected.subscribe(std::slice::from_ref(response_topic)).await?
            }
            (Err(error), None) => return Err(error),
        };
        if !granted.contains(&true) {
            return Err(connected.not_readable(&filters.join(" and ")));
        }
        let reads_response = call.response_topic.is_some() && granted.first() == Some(&true);
        tracing::info!(
            "connected to the broker at {}; results are read from {}",
            connected.address,
            filters.join(" and ")
        );
        Ok((connected, reads_response))
    }

    /// Takes what is retained on these topics off the broker.
    #[cfg(feature = "demo")]
    pub async fn empty(self, topics: &[String]) -> Result<(), CallerError> {
        let deadline = Instant::now() + EMPTY_TIMEOUT;
        let mut connected = self.connect().await?;
        for topic in topics {
            let published = connected.client.try_publish(topic, QoS::AtLeastOnce, true, "");
            published.map_err(|error| CallerError::Broker(error.to_string()))?;
            let address = std::sync::Arc::clone(&connected.address);
            let failed = |words: &str| {
                CallerError::Broker(format!("the broker at {address} does not let us empty {topic}: {words}"))
            };
            let acknowledged = timeout_at(deadline, async {
                loop {
                    if let Packet::PubAck(ack) = connected.next().await? {
                        return Ok(ack.reason);
                    }
                }
            });
            match acknowledged.await.unwrap_or_else(|_| Err(failed("it does not answer")))? {
                PubAckReason::Success | PubAckReason::NoMatchingSubscribers => {}
                reason => return Err(failed(&in_words(reason))),
            }
        }
        connected.disconnect(deadline).await;
        Ok(())
    }

    /// Subscribes to `filters` and hands over every topic and payload, for as long as the connection lasts.
    #[cfg(feature = "demo")]
    pub async fn follow(
        self,
        filters: &[String],
        mut on_message: impl FnMut(&str, &[u8]),
    ) -> Result<(), CallerError> {
        let mut connected = self.connect().await?;
        let granted = connected.subscribe(filters).await?;
        if let Some((refused, _)) = filters.iter().zip(granted).find(|(_, is_granted)| !is_granted) {
            return Err(connected.not_readable(refused));
        }
        loop {
            if let Packet::Publish(publish) = connected.next().await? {
                on_message(&String::from_utf8_lossy(&publish.topic), &publish.payload);
            }
        }
    }
}

impl Call {
    fn is_result(&self, publish: &Publish) -> bool {
        let correlation = publish.properties.as_ref().and_then(|p| p.correlation_data.as_ref());
        publish.topic == self.results
            || self.response_topic.as_ref().is_some_and(|topic| publish.topic == *topic)
                && correlation.is_some_and(|data| *data == self.correlation)
    }
}

impl Connected {
    /// Which of the filters the broker grants, in their order.
    async fn subscribe(&mut self, filters: &[String]) -> Result<Vec<bool>, CallerError> {
        let wanted = filters.iter().map(|filter| Filter::new(filter.clone(), QoS::AtLeastOnce));
        self.client
            .try_subscribe_many(wanted)
            .map_err(|error| CallerError::Broker(format!("{}: {error}", filters.join(", "))))?;
        let silent =
            CallerError::Broker(format!("the broker at {} does not answer a SUBSCRIBE", self.address));
        let answered = tokio::time::timeout(SUBSCRIBE_TIMEOUT, async {
            loop {
                if let Packet::SubAck(SubAck { return_codes, .. }) = self.next().await? {
                    let is_granted = |code| matches!(code, SubscribeReasonCode::Success(_));
                    return Ok(return_codes.into_iter().map(is_granted).collect());
                }
            }
        });
        answered.await.unwrap_or(Err(silent))
    }

    fn not_readable(&self, topics: &str) -> CallerError {
        CallerError::Broker(format!("the broker at {} does not let us read {topics}", self.address))
    }
}

/// `Err`: the broker does not take the request, or nobody hears it.
fn is_taken(ack: &PubAck, address: &str, topic: &str) -> Result<(), CallerError> {
    match ack.reason {
        PubAckReason::Success => Ok(()),
        PubAckReason::NoMatchingSubscribers => Err(CallerError::Broker(format!(
            "nobody takes requests on {topic}: is a gateway running on the broker at {address}, with this prefix?"
        ))),
        PubAckReason::NotAuthorized => Err(CallerError::Broker(format!(
            "the broker at {address} does not let this user publish to {topic}: check its access list"
        ))),
        reason => Err(CallerError::Broker(format!(
            "the broker at {address} does not take the request: {}",
            in_words(reason)
        ))),
    }
}
