//! What the commands run on: the asynchronous runtime.

use anyhow::Context as _;

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
