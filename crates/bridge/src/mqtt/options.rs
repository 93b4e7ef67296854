//! Connection options: MQTT 5, a session that outlives the process, TLS, the last will.

use std::sync::Arc;
use std::time::Duration;

use rumqttc::v5::MqttOptions;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::LastWill;
use rumqttc::{NetworkOptions, TlsConfiguration, Transport};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::ExposeSecret as _;

use super::window;
use crate::config::{ConfigError, Mqtt, Tls};
use crate::wire::Publish;

/// PUBLISHes the broker may send us before it has our PUBACKs.
pub(super) const RECEIVE_MAXIMUM: u16 = 100;

/// The largest packet we accept. Above the payload limit, so that a request that is too large is rejected by us and not
/// silently dropped by the broker.
const MAX_PACKET: u32 = 2 * 1024 * 1024;

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
    let tls = config.tls.as_ref().map(tls_client).transpose()?.map(Arc::new);
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
        Server { address: Arc::from(server.to_string()), options }
    });
    Ok(servers.collect())
}

fn tls_client(tls: &Tls) -> Result<rustls::ClientConfig, ConfigError> {
    let mut roots = rustls::RootCertStore::empty();
    match &tls.ca_file {
        Some(path) => {
            for certificate in certificates("mqtt.ca_file", path)? {
                roots
                    .add(certificate)
                    .map_err(|e| ConfigError::new("mqtt.ca_file", format!("{}: {e}", path.display())))?;
            }
        }
        None => {
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
            if roots.is_empty() {
                let remedy =
                    "no certificate authorities on this system: install ca-certificates or set mqtt.ca_file";
                return Err(ConfigError::new("mqtt.url", remedy.to_owned()));
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| ConfigError::new("mqtt.url", e.to_string()))?
        .with_root_certificates(roots);
    let Some((cert, key)) = &tls.client else { return Ok(builder.with_no_client_auth()) };
    let chain = certificates("mqtt.client_cert", cert)?;
    let key_error = |e: String| ConfigError::new("mqtt.client_key", format!("{}: {e}", key.display()));
    let key = PrivateKeyDer::from_pem_file(key).map_err(|e| key_error(e.to_string()))?;
    builder.with_client_auth_cert(chain, key).map_err(|e| key_error(e.to_string()))
}

fn certificates(key: &str, path: &std::path::Path) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let unreadable = |e: String| ConfigError::new(key, format!("{}: {e}", path.display()));
    let read: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(path).map_err(|e| unreadable(e.to_string()))?.collect();
    match read {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(unreadable("no PEM certificate in it".to_owned())),
        Err(e) => Err(unreadable(e.to_string())),
    }
}
