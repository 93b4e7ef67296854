//! Waits for a modem that fell silent to say something again.
//!
//! Takes no part in the dialogue: a session that begins after it starts from the beginning, and is told what was heard, for
//! a message may have been handed over. Input is a port between two sessions.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, sleep_until, timeout};

use crate::session::Stream;

/// How often a modem is asked that never answers, and may have lost what it was asked before.
const ASK_INTERVAL: Duration = Duration::from_millis(1500);

/// How long writing may take: a port that takes no data may still give some.
const WRITE_TIMEOUT: Duration = Duration::from_millis(500);

/// Whether the modem is asked while it is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Only listen.
    Listen,
    /// Type `AT` now and then: a modem that starts may say nothing by itself.
    Ask,
}

/// Of what is heard no more is kept.
const MAX_HEARD: usize = 4096;

/// Waits for the first octet that comes after a silence of `quiet`. One that talks all the time does not wake anybody.
/// What is heard is added to `heard`.
///
/// # Errors
/// The port is closed or fails.
pub async fn first_octet<P: Stream>(
    port: &mut P,
    manner: Manner,
    quiet: Duration,
    heard: &mut Vec<u8>,
) -> io::Result<()> {
    let mut octets = [0; 256];
    let mut silent_since = Instant::now();
    let mut ask_at = silent_since + ASK_INTERVAL;
    loop {
        tokio::select! {
            read = port.read(&mut octets) => {
                let count = read?;
                if count == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                heard.extend(&octets[..count]);
                heard.drain(..heard.len().saturating_sub(MAX_HEARD));
                if silent_since.elapsed() >= quiet {
                    return Ok(());
                }
                silent_since = Instant::now();
            }
            () = sleep_until(ask_at), if manner == Manner::Ask => {
                if let Ok(written) = timeout(WRITE_TIMEOUT, port.write_all(b"AT\r")).await {
                    written?;
                }
                ask_at = Instant::now() + ASK_INTERVAL;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    const NONE: Duration = Duration::ZERO;

    #[tokio::test(start_paused = true)]
    async fn boot_words_are_heard_when_they_are_said() {
        let (mut modem, mut port) = duplex(64);
        let began = Instant::now();
        let mut octets = Vec::new();
        let booting = async {
            sleep_until(began + Duration::from_secs(30)).await;
            modem.write_all(b"\r\nRDY\r\n").await.unwrap();
        };
        let (heard, ()) = tokio::join!(first_octet(&mut port, Manner::Listen, NONE, &mut octets), booting);
        heard.unwrap();
        assert_eq!(began.elapsed(), Duration::from_secs(30));
        assert_eq!(octets, b"\r\nRDY\r\n");
    }

    #[tokio::test(start_paused = true)]
    async fn a_modem_that_says_nothing_by_itself_is_asked_and_one_that_takes_no_data_is_still_heard() {
        let (mut modem, mut port) = duplex(4);
        let began = Instant::now();
        let mut octets = Vec::new();
        let hanging = async {
            sleep_until(began + Duration::from_secs(15)).await;
            let mut typed = [0; 3];
            modem.read_exact(&mut typed).await.unwrap();
            assert_eq!(&typed, b"AT\r");
            modem.write_all(b"OK").await.unwrap();
        };
        let (heard, ()) = tokio::join!(first_octet(&mut port, Manner::Ask, NONE, &mut octets), hanging);
        heard.unwrap();
        assert!(began.elapsed() < Duration::from_secs(17), "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_never_stops_talking_wakes_nobody() {
        let (mut modem, mut port) = duplex(64);
        let talking = async {
            loop {
                modem.write_all(b"^RSSI:20\r\n").await.unwrap();
                sleep_until(Instant::now() + Duration::from_millis(900)).await;
            }
        };
        let quiet = Duration::from_secs(1);
        let mut octets = Vec::new();
        tokio::select! {
            heard = first_octet(&mut port, Manner::Listen, quiet, &mut octets) => panic!("{heard:?}"),
            () = talking => {}
            () = sleep_until(Instant::now() + Duration::from_secs(60)) => {}
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_port_that_is_closed_is_an_error_and_not_an_octet() {
        let (modem, mut port) = duplex(64);
        drop(modem);
        let mut octets = Vec::new();
        assert!(first_octet(&mut port, Manner::Listen, NONE, &mut octets).await.is_err());
    }
}
