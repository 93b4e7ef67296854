//! The link's hold on the MQTT client while one connection stands.
//!
//! Only uses `try_` calls: a full client and a waiting pump would wait for each other. What was meant for one connection
//! never reaches the next: the gate sees to that.

use std::sync::Arc;

use rumqttc::v5::AsyncClient;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Publish as ReceivedPublish, PublishProperties};
use tokio::sync::mpsc;

use super::gate::{Gate, client_error};
use super::pump::PumpEvent;
use super::status::LinkStatus;
use crate::wire::Publish;

/// The half of a connection that is not the pump's.
pub struct Client {
    /// The client, behind its gate.
    pub(super) gate: Arc<Gate>,
    /// What the pump reports.
    pub(super) events: mpsc::Receiver<PumpEvent>,
}

/// The client on the connection that stands, if any.
pub(super) struct Session {
    gate: Arc<Gate>,
    status: Arc<LinkStatus>,
    connection: Option<u64>,
}

impl Session {
    pub(super) fn new(gate: Arc<Gate>, status: Arc<LinkStatus>) -> Self {
        Session { gate, status, connection: None }
    }

    pub(super) fn begin(&mut self, connection: u64) {
        self.connection = Some(connection);
    }

    /// The connection is lost; whether it was still ours.
    pub(super) fn end(&mut self) -> bool {
        self.connection.take().is_some()
    }

    pub(super) fn stands(&self) -> bool {
        self.connection.is_some()
    }

    /// Does something with the client on this connection. False if the connection is gone or the client is full.
    pub(super) fn call(&self, act: impl FnOnce(&AsyncClient) -> Result<(), String>) -> bool {
        let Some(connection) = self.connection else { return false };
        match self.gate.with_connection(connection, act) {
            Some(Ok(())) => true,
            Some(Err(error)) => {
                tracing::debug!("the MQTT client refused: {error}");
                false
            }
            None => false,
        }
    }

    /// Hands a PUBLISH to the client; false as for [`Session::call`].
    pub(super) fn publish(&self, publish: Publish) -> bool {
        let Publish { topic, payload, retain, correlation } = publish;
        let properties = PublishProperties {
            payload_format_indicator: Some(1),
            correlation_data: correlation.map(Into::into),
            ..PublishProperties::default()
        };
        self.call(|client| {
            let handed =
                client.try_publish_with_properties(topic, QoS::AtLeastOnce, retain, payload, properties);
            client_error(handed)
        })
    }

    /// Acknowledges a PUBLISH of the broker's.
    pub(super) fn acknowledge(&mut self, publish: &ReceivedPublish) {
        if publish.qos == QoS::AtMostOnce {
            return;
        }
        // Unacknowledged, the broker delivers it again; the store recognises it then.
        if !self.call(|client| client_error(client.try_ack(publish))) {
            self.hang_up("an acknowledgement could not be sent");
        }
    }

    /// Ends the connection from our side; the pump makes the next one.
    pub(super) fn hang_up(&mut self, reason: &str) {
        let Some(connection) = self.connection.take() else { return };
        // The pump may know already that it is gone.
        if self.gate.hang_up(connection) {
            tracing::warn!("dropping the connection to the broker: {reason}");
            self.status.set(Some(reason.to_owned()));
        }
    }
}
