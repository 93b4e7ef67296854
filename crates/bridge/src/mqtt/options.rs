//! Connection options: MQTT 5, a session that outlives the process, TLS, the last will.

use std::sync::Arc;
use std::time::Duration;

use rumqttc::v5::MqttOptions;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::LastWill;
use rumqttc::{NetworkOptions, TlsConfiguration, Transport};
use secrecy::ExposeSecret as _;

use super::{tls, window};
use crate::config::{ConfigError, Mqtt};
use crate::wire::Publish;

/// PUBLISHes the broker may send us before it has our PUBACKs.
pub(super) const RECEIVE_MAXIMUM: u16 = 100;

/// The largest packet we accept. Above the payload limit, so that a request that is too large is rejected by us and not
/// silently dropped by the broker.
pub(super) const MAX_PACKET: u32 = 2 * 1024 * 1024;

/// How often an idle connection is probed. After three intervals without any event it is dropped.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// Packet ids the client uses for PUBLISHes, where the broker's Receive Maximum is not less: several windows, so that
/// it does not come to one that still waits for its acknowledgement.
pub(super) const IN_FLIGHT: u16 = window::MAX * 6;

/// How long the broker keeps our session, and requests with it, while we are away.
const SESSION_EXPIRY_S: u32 = 7 * 24 * 3600;

/// One of a cluster's addresses, and how to connect to it.
#[derive(Clone)]
pub(super) struct Server {
    /// `host:port`, for messages.
    pub(super) address: Arc<str>,
    /// Where user name and password are given, for messages.
    pub(super) login_place: &'static str,
    /// How to connect.
    pub(super) options: MqttOptions,
}

/// The gateway's own connection, at each address. Whoever connects with another client id does so to try it.
pub(super) fn gateway(
    config: &Mqtt,
    client_id: &str,
    last_will: &Publish,
) -> Result<Vec<Server>, ConfigError> {
    let mut servers = common(config, client_id)?;
    for Server { options, .. } in &mut servers {
        options.set_clean_start(false);
        options.set_session_expiry_interval(Some(SESSION_EXPIRY_S));
        options.set_receive_maximum(Some(RECEIVE_MAXIMUM));
        options.set_manual_acks(true);
        options.set_outgoing_inflight_upper_limit(IN_FLIGHT);
        let Publish { topic, payload, retain, .. } = last_will.clone();
        options.set_last_will(LastWill::new(topic, payload, QoS::AtLeastOnce, retain, None));
    }
    Ok(servers)
}

/// What every connection has, at each address: login, TLS, limits.
pub(super) fn common(config: &Mqtt, client_id: &str) -> Result<Vec<Server>, ConfigError> {
    let tls = config.tls.as_ref().map(tls::client).transpose()?.map(Arc::new);
    // Otherwise a result waits some 40 ms for the acknowledgement of the PUBACK before it.
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    let servers = config.servers.iter().map(|server| {
        let mut options = MqttOptions::new(client_id, &server.host, server.port);
        options.set_keep_alive(KEEP_ALIVE);
        options.set_connection_timeout(10);
        options.set_max_packet_size(Some(MAX_PACKET));
        options.set_network_options(network.clone());
        if let Some((user, password)) = &config.login {
            options.set_credentials(user, password.expose_secret());
        }
        if let Some(tls) = &tls {
            options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(Arc::clone(tls))));
        }
        Server { address: Arc::from(server.to_string()), login_place: config.login_place, options }
    });
    Ok(servers.collect())
}
