//! Over a real terminal device, by the real clock: opening, being unplugged, a busy port, a probe.

use std::path::{Path, PathBuf};
use std::time::Duration;

use smsbridge_modem::SimStatus;
use smsbridge_modem::detect;
use smsbridge_modem::port::{self, PortError, PortSpec};
use smsbridge_modem::serial_ports::Candidate;
use smsbridge_modem::trace::Traced;
use smsbridge_modem::{LinkFault, ModemError, Session, bring_up, sms};
use smsbridge_simulator::{Fault, FaultKind, Options, Simulator, VendorProfile, pty};

use crate::bench::*;

fn link(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("smsbridge-{}-{name}", std::process::id()))
}

fn spec(path: &Path) -> PortSpec {
    PortSpec::Serial(path.display().to_string())
}

#[tokio::test]
async fn a_day_on_a_device_and_its_end() {
    let sim = simulator();
    let device = pty::spawn(&sim, link("day")).unwrap();
    let port = port::open(&spec(device.path()), 115_200).await.unwrap();
    let mut session = Session::new(Traced::new(port, std::io::sink()));
    let modem = bring_up::synchronise(&mut session).await.unwrap();
    let ready = modem.configure(None).await.unwrap();
    sim.deliver("+491234567", "Привет").unwrap();
    session.next_event().await.unwrap();
    assert_eq!(pdus(&swept(&mut session, &ready).await), stored(&sim));
    sms::send(&mut session, &hi()).await.unwrap();

    sim.unplug();
    let end = loop {
        match tokio::time::timeout(Duration::from_secs(5), session.next_event()).await.unwrap() {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(matches!(end, ModemError::Link(LinkFault::Gone | LinkFault::Io(_))), "{end}");
    let error = port::open(&spec(device.path()), 115_200).await.unwrap_err();
    assert!(matches!(error, PortError::Missing { .. }), "{error}");
    sim.plug();
    assert!(sim.wait_for(Duration::from_secs(5), |_| device.is_there()).await);
    let port = port::open(&spec(device.path()), 115_200).await.unwrap();
    bring_up::synchronise(&mut Session::new(port)).await.unwrap();
}

#[tokio::test]
async fn a_port_in_use_is_busy() {
    let sim = simulator();
    let device = pty::spawn(&sim, link("busy")).unwrap();
    let _first = port::open(&spec(device.path()), 115_200).await.unwrap();
    let error = port::open(&spec(device.path()), 115_200).await.unwrap_err();
    assert!(matches!(error, PortError::Busy { .. }), "{error}");
}

#[tokio::test]
async fn a_probe_reports_the_modem_and_what_is_wrong() {
    let sim = Simulator::new(Options {
        profile: VendorProfile::huawei(),
        pin: Some("1234".into()),
        ..Options::default()
    });
    let silent = simulator();
    silent.hang();
    let locked = pty::spawn(&sim, link("locked")).unwrap();
    let mute = pty::spawn(&silent, link("mute")).unwrap();
    let candidates = [Candidate::from_path(locked.path()), Candidate::from_path(mute.path())];
    let began = std::time::Instant::now();
    let reports = detect::probe_all(&candidates, 115_200).await;
    assert!(began.elapsed() < Duration::from_secs(6));

    let [locked, mute] = &reports[..] else { panic!("{reports:?}") };
    assert!(locked.answered);
    assert_eq!(locked.identity.as_ref().unwrap().profile, "huawei");
    assert!(matches!(locked.sim, Some(SimStatus::PinRequired { .. })), "{locked:?}");
    assert!(locked.problem.as_ref().unwrap().to_string().contains("PIN"));
    assert_eq!(count(&sim, "AT+CPIN="), 0);
    assert!(!mute.answered);
    assert_eq!((mute.what_was_sent.as_str(), mute.what_came_back.as_str()), ("AT", ""));
    assert!(mute.problem.is_some());
}

#[tokio::test]
async fn the_port_with_unsolicited_lines_is_chosen() {
    let chatty = simulator();
    let quiet = simulator();
    let a = pty::spawn(&quiet, link("quiet")).unwrap();
    let b = pty::spawn(&chatty, link("chatty")).unwrap();
    let talker = chatty.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(200)).await;
            talker.send_urc("^RSSI:20");
        }
    });
    let candidates = [Candidate::from_path(a.path()), Candidate::from_path(b.path())];
    let reports = detect::probe_all(&candidates, 115_200).await;
    assert_eq!(
        reports.iter().map(|r| (r.answered, r.gives_urcs)).collect::<Vec<_>>(),
        [(true, false), (true, true)]
    );
    // Both have the IMEI of the same modem.
    assert_eq!(detect::best_ports(&reports), [b.path()]);
}

#[tokio::test]
async fn a_modem_that_takes_its_time_for_each_answer_is_found_by_its_imei() {
    let slow = Simulator::new(Options::numbered(3));
    slow.fault(Fault::on("AT", FaultKind::Late(Duration::from_millis(700))).every());
    let other = Simulator::new(Options::numbered(4));
    let a = pty::spawn(&slow, link("slow")).unwrap();
    let b = pty::spawn(&other, link("quick")).unwrap();
    let candidates = [Candidate::from_path(b.path()), Candidate::from_path(a.path())];
    let imei = Options::numbered(3).imei;
    assert_eq!(detect::find_among(&candidates, Some(&imei), 115_200).await, Ok(a.path().to_path_buf()));
    let reports = detect::probe_all(&candidates[1..], 115_200).await;
    assert_eq!(reports[0].sim, Some(SimStatus::Ready), "{reports:?}");
}

#[tokio::test]
async fn a_port_that_another_program_has_open_is_not_typed_into() {
    let sim = simulator();
    let device = pty::spawn(&sim, link("held")).unwrap();
    let mut program = std::process::Command::new("sh")
        .args(["-c", "exec 3<>\"$0\"; echo open; read _", &device.path().display().to_string()])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = [0; 5];
    std::io::Read::read_exact(program.stdout.as_mut().unwrap(), &mut said).unwrap();

    let candidates = [Candidate::from_path(device.path())];
    let reports = detect::probe_all(&candidates, 115_200).await;
    assert_eq!(reports[0].holder.as_ref().map(|holder| holder.pid), Some(program.id()), "{reports:?}");
    assert_eq!(count(&sim, "AT"), 0);
    drop(program.stdin.take());
    program.wait().unwrap();
}
