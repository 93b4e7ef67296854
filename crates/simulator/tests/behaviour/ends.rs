//! The ends: streams, PTY, TCP, baud rate.

use std::time::Duration;

use smsbridge_simulator::{End, Options, Simulator, tcp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use crate::terminal::{connect, quiet};

#[tokio::test(start_paused = true)]
async fn the_newest_terminal_has_the_line() {
    let sim = Simulator::default();
    let old = quiet(&sim).await;
    let mut new = connect(&sim);
    assert_eq!(new.ask("AT").await, ["OK"]);
    assert_eq!(old.served.await.unwrap().unwrap(), End::Replaced);
}

#[tokio::test(start_paused = true)]
async fn baud_rate_is_kept_both_ways() {
    let sim = Simulator::new(Options { baud: Some(9600), ..Options::default() });
    let mut t = connect(&sim);
    t.ask("ATE0").await;
    let start = Instant::now();
    // 20 bytes in, 6 out, at 960 bytes a second.
    t.write(b"AT                 \r").await;
    t.until("OK\r\n").await;
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(25) && took < Duration::from_millis(40), "{took:?}");
}

#[tokio::test]
async fn tcp_serves_one_after_the_other() {
    let sim = Simulator::default();
    let listener = tcp::listen(&sim, "127.0.0.1:0").await.unwrap();
    let address = listener.address().unwrap();
    let running = tokio::spawn(listener.run());
    for _ in 0..3 {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(b"AT\r").await.unwrap();
        let mut answer = [0; 9];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"AT\r\r\nOK\r\n");
    }
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(b"AT\r").await.unwrap();
    stream.read_exact(&mut [0; 9]).await.unwrap();
    sim.unplug();
    assert_eq!(stream.read(&mut [0; 9]).await.unwrap(), 0);
    running.abort();
}

#[cfg(unix)]
mod pty {
    use std::fs::{File, OpenOptions};
    use std::io::{Read, Write};
    use std::os::unix::fs::FileTypeExt;
    use std::path::Path;
    use std::time::{Duration, Instant};

    use smsbridge_simulator::{Options, Simulator, VendorProfile, pty};

    fn open(path: &Path) -> File {
        OpenOptions::new().read(true).write(true).open(path).unwrap()
    }

    /// Reads until `end` has come; blocking, as many clients are.
    fn read_until(port: &mut File, end: &str) -> String {
        let mut seen = Vec::new();
        let mut byte = [0];
        while !seen.ends_with(end.as_bytes()) {
            port.read_exact(&mut byte).unwrap();
            seen.push(byte[0]);
        }
        String::from_utf8(seen).unwrap()
    }

    fn ask(port: &mut File, line: &str) -> String {
        port.write_all(format!("{line}\r").as_bytes()).unwrap();
        read_until(port, "OK\r\n")
    }

    fn soon(condition: impl Fn() -> bool) {
        let start = Instant::now();
        while !condition() {
            assert!(start.elapsed() < Duration::from_secs(10), "it never came true");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn pty_is_a_raw_terminal_at_the_given_path() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("modem0");
        let port = pty::spawn(&Simulator::default(), &path).unwrap();
        assert_eq!(port.path(), path);
        assert!(std::fs::metadata(&path).unwrap().file_type().is_char_device());
        let mut client = open(&path);
        // Neither end's terminal settings may touch a byte: \r stays \r, nothing is echoed twice.
        assert_eq!(ask(&mut client, "ATE0"), "ATE0\r\r\nOK\r\n");
        assert_eq!(ask(&mut client, "\u{1}\u{3}\u{4}\u{11}\u{13}\u{7f}ÿAT"), "\r\nOK\r\n");
        drop(port);
        assert!(!path.is_symlink());
    }

    #[test]
    fn pty_survives_a_client_that_reopens() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("modem0");
        let sim = Simulator::default();
        let _port = pty::spawn(&sim, &path).unwrap();
        for round in 0..5 {
            let mut client = open(&path);
            let answer = ask(&mut client, if round == 0 { "ATE0" } else { "AT" });
            assert!(answer.ends_with("\r\nOK\r\n"), "{answer:?}");
            // Closed in the middle of an answer.
            client.write_all(b"AT+CMGL=4\r").unwrap();
            drop(client);
            sim.deliver("+4915112345678", "to nobody").unwrap();
            std::thread::sleep(Duration::from_millis(10 * round));
        }
        assert_eq!(sim.stored().len(), 5);
    }

    #[test]
    fn what_a_short_visitor_typed_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("modem0");
        let sim = Simulator::default();
        let _port = pty::spawn(&sim, &path).unwrap();
        open(&path).write_all(b"AT+CREG=1\r").unwrap();
        soon(|| sim.commands() == ["AT+CREG=1"]);
    }

    #[test]
    fn unplugging_ends_the_client_and_takes_the_link_away() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("modem0");
        let sim = Simulator::default();
        let port = pty::spawn(&sim, &path).unwrap();
        let mut client = open(&path);
        ask(&mut client, "ATE0");
        sim.unplug();
        // End of file or EIO, but not silence.
        assert!(!client.read(&mut [0; 16]).is_ok_and(|count| count > 0));
        soon(|| !path.is_symlink() && !port.is_there());
        sim.deliver("+4915112345678", "waits").unwrap();
        assert_eq!(sim.waiting(), 1);
        sim.plug();
        soon(|| port.is_there());
        let mut client = open(&path);
        // Settings are lost, the message has found its slot.
        assert!(ask(&mut client, "AT+CMGL=4").starts_with("AT+CMGL=4\r\r\n+CMGL: 1,0,,"));
    }

    #[test]
    fn a_stick_that_resets_comes_back_at_the_same_path() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("modem0");
        let options = Options { profile: VendorProfile::ec25(), ..Options::default() };
        let _port = pty::spawn(&Simulator::new(options), &path).unwrap();
        let mut client = open(&path);
        client.write_all(b"AT+CFUN=1,1\r").unwrap();
        while client.read(&mut [0; 64]).is_ok_and(|count| count > 0) {}
        soon(|| path.exists());
        assert_eq!(ask(&mut open(&path), "AT"), "AT\r\r\nOK\r\n");
    }
}
