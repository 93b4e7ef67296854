//! What the commands run on: the asynchronous runtime and the log.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;

/// The asynchronous runtime.
pub fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    // The same provider everywhere, whichever other ones a dependency may bring.
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("the asynchronous runtime cannot start")
}

/// Logs to standard error, `default` and above unless SMSBRIDGE_LOG says otherwise.
pub fn log_to_stderr(default: &str) {
    // We log the MQTT client's faults in our own words, and at debug it shows topics.
    let filter = EnvFilter::try_from_env("SMSBRIDGE_LOG")
        .unwrap_or_else(|_| EnvFilter::new(format!("{default},rumqttc=error,mqtt5=error")));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
}
