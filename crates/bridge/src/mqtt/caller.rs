//! The command line's own client: connects. What it then asks and follows is in `call.rs`, what is tried in `trial.rs`.
//!
//! It has its own client id, so that it never takes over the gateway's session.

use std::sync::Arc;

use rumqttc::v5::mqttbytes::v5::Packet;
use rumqttc::v5::{AsyncClient, Event, EventLoop};
use tokio::time::{Instant, timeout_at};

use super::connack::Limits;
use super::options::Server;
use super::{options, pump};
use crate::config::{ConfigError, Mqtt};

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum CallerError {
    /// A file named in the configuration cannot be used.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// The broker cannot be reached, or refuses us.
    #[error("{0}")]
    Broker(String),
    /// The request is out, and what became of it is not known.
    #[error("{0}")]
    Unanswered(String),
}

/// A client for the command line.
pub struct Caller {
    servers: Vec<Server>,
}

/// A connection to one address.
pub(super) struct Connected {
    pub(super) client: AsyncClient,
    event_loop: EventLoop,
    pub(super) address: Arc<str>,
    login_place: &'static str,
    pub(super) limits: Limits,
}

impl Caller {
    /// Prepares a client; nothing is sent yet.
    pub fn new(config: &Mqtt) -> Result<Caller, CallerError> {
        Caller::named(config, &client_id())
    }

    fn named(config: &Mqtt, client_id: &str) -> Result<Caller, CallerError> {
        Ok(Caller { servers: clean(options::common(config, client_id)?) })
    }

    /// Prepares a client that ends the session of a gateway that has stopped: it has its client id.
    #[cfg(feature = "demo")]
    pub fn in_place_of(config: &Mqtt, client_id: &str) -> Result<Caller, CallerError> {
        Caller::named(config, client_id)
    }

    /// Connects to the first address that lets us in; `Err`: why the last one does not.
    pub(super) async fn connect(&self) -> Result<Connected, CallerError> {
        let mut failed = CallerError::Broker("there is no address to connect to".to_owned());
        for server in &self.servers {
            match connect(server.clone()).await {
                Ok(connected) => return Ok(connected),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }
}

/// A client id of its own: the gateway's would take over its session.
pub(super) fn client_id() -> String {
    format!("smsbridge-cli-{}", crate::message::new_id()[14..].to_ascii_lowercase())
}

/// So that the broker keeps no session.
pub(super) fn clean(mut servers: Vec<Server>) -> Vec<Server> {
    for Server { options, .. } in &mut servers {
        options.set_clean_start(true);
        options.set_session_expiry_interval(None);
    }
    servers
}

/// Connects; `Err` if the broker does not accept us, or cannot be used.
pub(super) async fn connect(server: Server) -> Result<Connected, CallerError> {
    let Server { address, login_place, options } = server;
    let (client, mut event_loop) = AsyncClient::new(options, 16);
    loop {
        if let Packet::ConnAck(connack) = next(&mut event_loop, &address, login_place).await? {
            let unusable = |words| CallerError::Broker(format!("the broker at {address}: {words}"));
            let limits = Limits::read(&connack).map_err(unusable)?;
            return Ok(Connected { client, event_loop, address, login_place, limits });
        }
    }
}

async fn next(event_loop: &mut EventLoop, address: &str, login_place: &str) -> Result<Packet, CallerError> {
    loop {
        match event_loop.poll().await {
            Ok(Event::Incoming(packet)) => return Ok(packet),
            Ok(Event::Outgoing(_)) => {}
            Err(error) => return Err(CallerError::Broker(pump::describe(&error, address, login_place))),
        }
    }
}

impl Connected {
    pub(super) async fn next(&mut self) -> Result<Packet, CallerError> {
        next(&mut self.event_loop, &self.address, self.login_place).await
    }

    pub(super) async fn disconnect(&mut self, deadline: Instant) {
        let _ = self.client.try_disconnect();
        while timeout_at(deadline, self.event_loop.poll()).await.is_ok_and(|event| event.is_ok()) {}
    }
}
