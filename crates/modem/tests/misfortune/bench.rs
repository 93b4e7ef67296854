//! What every test needs: a simulated modem and a session with it.

use std::time::Duration;

use smsbridge_modem::bring_up;
use smsbridge_modem::session::Stream;
use smsbridge_modem::sms::{self, OutgoingPdu, StoredPdu};
use smsbridge_modem::{ModemError, Ready, Session, SessionOptions, SimStatus};
use smsbridge_simulator::{Options, Simulator, VendorProfile};
use tokio::io::DuplexStream;

/// SUBMIT to +4915112345678: "Hi".
pub const HI: &str = "0001000D91945111325476F8000002C834";
/// The same with a status report asked for.
pub const HI_WITH_REPORT: &str = "0021000D91945111325476F8000002C834";
/// Octets of either without the service centre address.
pub const HI_LENGTH: usize = 16;

/// [`HI`], to be submitted.
pub fn hi() -> OutgoingPdu {
    OutgoingPdu { hex: HI.to_string(), tpdu_length: HI_LENGTH }
}

/// [`HI_WITH_REPORT`], to be submitted.
pub fn hi_with_report() -> OutgoingPdu {
    OutgoingPdu { hex: HI_WITH_REPORT.to_string(), tpdu_length: HI_LENGTH }
}

/// A session with a simulated modem.
pub type TestSession = Session<DuplexStream>;

pub fn simulator() -> Simulator {
    Simulator::new(Options::default())
}

/// A simulated modem of that vendor.
pub fn simulator_of(profile: VendorProfile) -> Simulator {
    Simulator::new(Options { profile, ..Options::default() })
}

/// A fresh connection, as after plugging in. Before it, the modem is as the last one left it.
pub fn connect(sim: &Simulator) -> TestSession {
    connect_with(sim, SessionOptions::default())
}

pub fn connect_with(sim: &Simulator, options: SessionOptions) -> TestSession {
    let (near, far) = tokio::io::duplex(4096);
    let sim = sim.clone();
    tokio::spawn(async move { sim.serve(far).await });
    Session::with_options(near, options)
}

/// All stages, for a SIM that wants no PIN.
pub async fn ready(session: &mut TestSession) -> Result<Ready, ModemError> {
    let mut modem = bring_up::synchronise(session).await?;
    assert_eq!(modem.sim().await?, SimStatus::Ready);
    modem.configure(None).await
}

/// A session with a configured modem; panics with the simulator's journal otherwise.
pub async fn connected(sim: &Simulator) -> (TestSession, Ready) {
    let mut session = connect(sim);
    match ready(&mut session).await {
        Ok(ready) => (session, ready),
        Err(error) => panic!("{error}\n{}", sim.journal().join("\n")),
    }
}

/// The messages a sweep finds; panics where it ends in a fault.
pub async fn swept<P: Stream>(session: &mut Session<P>, ready: &Ready) -> Vec<StoredPdu> {
    let swept = sms::sweep(session, ready).await;
    assert_eq!(swept.fault, None, "the sweep ended in a fault");
    swept.pdus
}

/// Three messages come in.
pub fn deliver_three(sim: &Simulator) {
    for n in 0..3 {
        sim.deliver("+491234567", &format!("number {n}")).expect("a text that can be sent");
    }
}

/// Lets a delivery reach the modem.
pub async fn wait_for_delivery() {
    tokio::time::sleep(Duration::from_secs(2)).await;
}

/// The PDUs of a sweep, sorted.
pub fn pdus(messages: &[StoredPdu]) -> Vec<String> {
    let mut out: Vec<String> = messages.iter().map(|message| message.pdu.clone()).collect();
    out.sort();
    out
}

/// The PDUs stored in the simulator, sorted.
pub fn stored(sim: &Simulator) -> Vec<String> {
    let mut out: Vec<String> = sim.stored().iter().map(|stored| stored.pdu.to_ascii_uppercase()).collect();
    out.sort();
    out
}

/// How often a command line that begins with `head` was given.
pub fn count(sim: &Simulator, head: &str) -> usize {
    sim.commands().iter().filter(|line| line.starts_with(head)).count()
}
