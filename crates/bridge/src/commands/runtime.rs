//! What the commands run on: the asynchronous runtime and the log.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;

/// Runs a command to its end. What then still blocks a thread (a driver that hangs in `open` or `close`, a name server
/// that does not answer) is not waited for: nothing that matters runs there, and the process is to end.
pub fn block_on<F: Future>(command: F) -> anyhow::Result<F::Output> {
    // The same provider everywhere, whichever other ones a dependency may bring.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("the asynchronous runtime cannot start")?;
    let output = runtime.block_on(command);
    runtime.shutdown_background();
    Ok(output)
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
        // It would complain to the same standard error, and panic where that is a file on a full disk.
        .log_internal_errors(false)
        .init();
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::block_on;

    #[test]
    fn a_driver_that_hangs_does_not_keep_the_program_from_ending() {
        let (release, released) = channel::<()>();
        let (ended, end) = channel();
        block_on(async {
            drop(tokio::task::spawn_blocking(move || {
                // At last by itself, so that a program that waits for it fails this test and does not hang.
                let hung = released.recv_timeout(Duration::from_secs(30));
                let _ = ended.send(hung);
            }));
        })
        .unwrap();
        assert!(end.try_recv().is_err(), "it was waited for");
        drop(release);
    }
}
