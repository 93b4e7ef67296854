//! What ends the wait between two sessions. The delay is an hour: who waits it out fails.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::time::Instant;

use super::*;

/// The longest wait for something that does happen.
const LONG: Duration = Duration::from_secs(30);
const HOUR: Duration = Duration::from_secs(3600);

fn line_at(port: &str) -> Line {
    let text = format!("[[modem]]\nname = \"main\"\nport = \"{port}\"\n");
    Line::new(&config::parse("smsbridge.toml", &text).unwrap().modems[0])
}

fn line_over(path: &Path) -> Line {
    line_at(&path.display().to_string())
}

/// A line whose port is kept, and the modem's end of it.
fn kept(manner: Manner) -> (Line, DuplexStream) {
    let mut line = line_at("/dev/no-such-modem");
    let (modem, port) = duplex(256);
    line.keep(Port::from_stream(port), manner);
    (line, modem)
}

async fn wait(line: &mut Line, step: Option<Step>) {
    line.wait(HOUR, step, &CancellationToken::new()).await;
}

#[tokio::test]
async fn an_unplugged_modem_is_tried_when_its_port_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ttyUSB2");
    let mut line = line_over(&path);
    let waiting = wait(&mut line, None);
    tokio::pin!(waiting);
    assert!(timeout(Duration::from_millis(20), waiting.as_mut()).await.is_err(), "there is none yet");
    std::fs::write(&path, "").unwrap();
    timeout(LONG, waiting).await.expect("heard");
}

#[tokio::test]
async fn a_port_that_came_back_while_it_was_tried_is_tried_again_at_once_and_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ttyUSB2");
    let mut line = line_over(&path);
    line.begin(false);
    std::fs::write(&path, "").unwrap();
    timeout(LONG, wait(&mut line, None)).await.expect("heard");
    line.begin(false);
    assert!(timeout(Duration::from_millis(20), wait(&mut line, None)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_mute_modem_is_tried_at_its_first_octet() {
    let (mut line, mut modem) = kept(Manner::Listen);
    let began = Instant::now();
    let booting = async {
        sleep(Duration::from_secs(20)).await;
        modem.write_all(b"\r\nRDY\r\n").await.unwrap();
    };
    tokio::join!(wait(&mut line, Some(Step::RestartRadio)), booting);
    assert_eq!(began.elapsed(), Duration::from_secs(20));
    assert_eq!(line.needed(Some(Step::RestartRadio)), Some(Step::Reopen), "it has come back by itself");
    assert!(line.take(Some(Step::Resynchronise)).is_some(), "over the same port");
}

#[tokio::test(start_paused = true)]
async fn a_mute_modem_that_says_nothing_by_itself_is_asked() {
    let (mut line, mut modem) = kept(Manner::Ask);
    let began = Instant::now();
    let hanging = async {
        sleep(Duration::from_secs(15)).await;
        let mut typed = [0; 256];
        let _lost = modem.read(&mut typed).await.unwrap();
        let _asked = modem.read(&mut typed).await.unwrap();
        modem.write_all(b"\r\nOK\r\n").await.unwrap();
    };
    tokio::join!(wait(&mut line, Some(Step::Reset)), hanging);
    assert!(began.elapsed() < Duration::from_secs(17), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn one_that_talks_all_the_time_and_never_works_is_not_tried_all_the_time() {
    let (mut line, mut modem) = kept(Manner::Listen);
    let talking = async {
        loop {
            sleep(Duration::from_millis(900)).await;
            modem.write_all(b"^RSSI:20\r\n").await.unwrap();
        }
    };
    let trying = async {
        let mut early = 0;
        for _ in 0..10 {
            let began = Instant::now();
            wait(&mut line, Some(Step::Resynchronise)).await;
            early += u32::from(began.elapsed() < HOUR);
        }
        early
    };
    tokio::select! {
        early = trying => assert!(early <= 5, "{early} of 10 waits"),
        () = talking => {}
    }
    assert_eq!(line.needed(Some(Step::Reset)), Some(Step::Reset), "the last wait was waited out");
}

#[tokio::test(start_paused = true)]
async fn a_port_that_is_closed_meanwhile_is_not_used_again() {
    let (mut line, modem) = kept(Manner::Listen);
    drop(modem);
    wait(&mut line, Some(Step::Resynchronise)).await;
    assert!(line.take(Some(Step::Resynchronise)).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_server_sees_the_end_of_a_connection_before_the_next_one() {
    let mut line = line_at("tcp://127.0.0.1:1");
    let (_modem, port) = duplex(256);
    line.keep(Port::from_stream(port), Manner::Listen);
    wait(&mut line, Some(Step::Reopen)).await;
    assert!(line.port.is_none());
}

#[tokio::test]
async fn two_names_of_one_port_are_not_another_place() {
    let folder = tempfile::tempdir().unwrap();
    let (device, link) = (folder.path().join("ttyUSB2"), folder.path().join("usb-HUAWEI-if02"));
    std::fs::write(&device, "").unwrap();
    std::os::unix::fs::symlink(&device, &link).unwrap();
    let mut line = line_over(&link);
    let port = |path: &Path| PortSpec::Serial(path.display().to_string());
    assert_eq!(line.moved_to(&port(&device)), None);
    let words = line.moved_to(&port(&folder.path().join("ttyUSB5"))).expect("to be told");
    assert!(words.contains("ttyUSB5") && words.contains("usb-HUAWEI-if02"), "{words}");
}

#[tokio::test]
async fn a_stop_ends_the_wait() {
    let (mut line, _modem) = kept(Manner::Ask);
    let stop = CancellationToken::new();
    stop.cancel();
    timeout(LONG, line.wait(HOUR, Some(Step::Reset), &stop)).await.expect("it ends");
}
