//! How the link uses the MQTT client: on the current connection only.
//!
//! Never waits for the client (`try_` calls only): a full client and a waiting pump would wait for each other. The gate
//! ensures that nothing meant for one connection reaches the next.

use std::sync::Arc;

use rumqttc::v5::AsyncClient;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Publish as ReceivedPublish, PublishProperties};
use tokio::sync::mpsc;

use super::gate::{Gate, client_error};
use super::link_state::{About, LinkState};
use super::pump::PumpEvent;
use crate::wire::Publish;

/// The half of a connection that the link gets; the other half is the pump.
pub struct Client {
    /// The client, behind its gate.
    pub(super) gate: Arc<Gate>,
    /// Our client id, which names the store as well.
    pub(super) id: String,
    /// The pump's reports.
    pub(super) events: mpsc::Receiver<PumpEvent>,
}

/// The current connection to the broker, if there is one.
pub(super) struct Connection {
    gate: Arc<Gate>,
    link_state: Arc<LinkState>,
    /// Its number; none while there is no connection.
    number: Option<u64>,
    /// We asked the pump to close it.
    is_closing: bool,
    /// The broker keeps retained messages.
    may_retain: bool,
}

impl Connection {
    pub(super) fn new(gate: Arc<Gate>, link_state: Arc<LinkState>) -> Self {
        Connection { gate, link_state, number: None, is_closing: false, may_retain: true }
    }

    /// The connection with this number is established, to a broker that keeps retained messages or does not.
    pub(super) fn begin(&mut self, number: u64, may_retain: bool) {
        self.number = Some(number);
        self.is_closing = false;
        self.may_retain = may_retain;
    }

    /// The connection is lost. False if we closed it ourselves before.
    pub(super) fn end(&mut self) -> bool {
        self.number = None;
        !std::mem::take(&mut self.is_closing)
    }

    pub(super) fn is_up(&self) -> bool {
        self.number.is_some()
    }

    /// Calls the client for this connection. False if the connection is lost or the client is full.
    pub(super) fn call(&self, act: impl FnOnce(&AsyncClient) -> Result<(), String>) -> bool {
        let Some(number) = self.number else { return false };
        match self.gate.with_connection(number, act) {
            Some(Ok(())) => true,
            Some(Err(error)) => {
                tracing::debug!("the MQTT client did not take a packet: {error}");
                false
            }
            None => false,
        }
    }

    /// Hands a PUBLISH to the client; false as for [`Connection::call`].
    pub(super) fn publish(&self, publish: Publish) -> bool {
        let Publish { topic, payload, retain, correlation } = publish;
        let retain = retain && self.may_retain;
        let properties = PublishProperties {
            payload_format_indicator: Some(1),
            correlation_data: correlation.map(Into::into),
            ..PublishProperties::default()
        };
        self.call(|client| {
            let result =
                client.try_publish_with_properties(topic, QoS::AtLeastOnce, retain, payload, properties);
            client_error(result)
        })
    }

    /// Acknowledges a PUBLISH from the broker.
    pub(super) fn acknowledge(&mut self, publish: &ReceivedPublish) {
        if publish.qos == QoS::AtMostOnce {
            return;
        }
        // Without an acknowledgement the broker delivers it again, and the store recognises it.
        if !self.call(|client| client_error(client.try_ack(publish))) {
            self.close("an acknowledgement could not be sent");
        }
    }

    /// Closes the connection from our side; the pump makes the next one.
    pub(super) fn close(&mut self, reason: &str) {
        let Some(number) = self.number.take() else { return };
        // The pump may already have lost it.
        if self.gate.request_close(number) {
            self.is_closing = true;
            self.link_state.set(About::Connection, Some(reason.to_owned()));
        }
    }
}
