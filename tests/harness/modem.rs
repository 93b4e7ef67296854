//! Owns the simulated modem and its network. It lives in the test's process, so it outlives a killed gateway.

use std::path::Path;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use super::wait::wait_until;
/// Of the simulator; what a modem sends to itself does not come back, whatever they say.
pub use smsbridge_simulator::Options as ModemOptions;
pub use smsbridge_simulator::Reports;
use smsbridge_simulator::{Fault, FaultKind, Message, Simulator, Status, Storage, pty};

/// A short message as the network accepted it.
#[derive(Clone, Debug)]
pub struct Submit {
    pub to: String,
    pub text: String,
    pub report_requested: bool,
    /// Reference, total, sequence.
    pub concatenation: Option<(u16, u8, u8)>,
}

pub struct Modem {
    simulator: Simulator,
    options: ModemOptions,
    path: String,
    /// Held for its end: it closes the terminal and removes the link.
    _port: pty::Port,
    next_reference: AtomicU16,
}

impl Modem {
    /// Plugged in when this returns, at `path`.
    pub fn start(path: &Path, chosen: &ModemOptions) -> Self {
        let options = ModemOptions { loopback: false, ..chosen.clone() };
        let simulator = Simulator::new(options.clone());
        let port = pty::spawn(&simulator, path).expect("a pseudo-terminal");
        let path = path.to_str().expect("a path in UTF-8").to_owned();
        Self { simulator, options, path, _port: port, next_reference: AtomicU16::new(1) }
    }

    /// The path the gateway opens.
    pub fn port(&self) -> &str {
        &self.path
    }

    pub fn imei(&self) -> &str {
        &self.options.imei
    }

    pub fn iccid(&self) -> &str {
        &self.options.iccid
    }

    /// The simulator itself, for what a single test needs.
    pub fn simulator(&self) -> &Simulator {
        &self.simulator
    }

    /// Hands a text to the network, which keeps it until the SIM has room for it.
    pub fn deliver(&self, from: &str, text: &str) {
        let reference = self.next_reference.fetch_add(1, Ordering::Relaxed);
        for part in self.parts(from, text, reference) {
            self.deliver_pdu(&part);
        }
    }

    pub fn parts(&self, from: &str, text: &str, reference: u16) -> Vec<String> {
        let message = Message { reference: reference % 256, ..Message::default() };
        self.simulator.parts(from, text, &message).expect("a text that can be sent")
    }

    pub fn deliver_pdu(&self, hex: &str) {
        self.simulator.deliver_pdu(hex);
    }

    /// Puts a received PDU straight into a free slot; false when there is none. The modem sends no URC.
    pub fn put_on_sim(&self, hex: &str) -> bool {
        self.simulator.put(Storage::Sm, Status::Unread, hex).is_some()
    }

    /// A message somebody wrote with another program and never sent: to +4915100000002, "hi".
    pub fn store_foreign_outgoing(&self) {
        let slot = self.simulator.put(Storage::Sm, Status::Unsent, "0001000D91945101000000F2000002E834");
        assert!(slot.is_some(), "the SIM is full");
    }

    /// Messages in any slot.
    pub fn stored(&self) -> usize {
        self.simulator.stored().len()
    }

    /// Messages and reports that wait in the network.
    pub fn queued(&self) -> usize {
        self.simulator.waiting()
    }

    /// All the network accepted, in order, whether or not the gateway received the answer.
    pub fn submits(&self) -> Vec<Submit> {
        let sent = self.simulator.sent().into_iter();
        sent.map(|sent| Submit {
            to: sent.to,
            text: sent.text.unwrap_or_default(),
            report_requested: sent.report,
            concatenation: sent.concatenation,
        })
        .collect()
    }

    /// Every line the gateway typed, over all connections.
    pub fn commands(&self) -> Vec<String> {
        self.simulator.commands()
    }

    /// Everything that happened at the modem, a line an event.
    pub fn journal(&self) -> Vec<String> {
        self.simulator.journal()
    }

    /// The PDUs in its slots.
    pub fn stored_pdus(&self) -> Vec<String> {
        self.simulator.stored().into_iter().map(|stored| stored.pdu).collect()
    }

    /// How many typed lines begin so.
    pub fn typed(&self, beginning: &str) -> usize {
        self.commands().iter().filter(|line| line.starts_with(beginning)).count()
    }

    /// Unplugged, and its path removed, when this returns.
    pub fn unplug(&self) {
        self.simulator.unplug();
        wait_until("the modem's path to go", || !self.port_exists());
    }

    fn port_exists(&self) -> bool {
        Path::new(&self.path).symlink_metadata().is_ok()
    }

    pub fn plug(&self) {
        self.simulator.plug();
        wait_until("the modem's path to be there", || self.port_exists());
    }

    /// Answers nothing from now on.
    pub fn mute(&self) {
        self.simulator.hang();
    }

    /// The network accepts the next message, and the modem never answers again.
    pub fn hang_after_next_submit(&self) {
        self.simulator.fault(Fault::on_payload(FaultKind::Hang).acted());
    }

    /// Every message is refused with this `+CMS ERROR`.
    pub fn refuse_submits(&self, cms: u16) {
        self.simulator.fault(Fault::on_payload(FaultKind::Cms(cms)).every());
    }

    /// Ends all faults.
    pub fn recover(&self) {
        self.simulator.clear_faults();
    }

    /// Time from Ctrl-Z to the network's answer.
    pub fn delay_submits(&self, delay: Duration) {
        self.simulator.set_submit_delay(delay);
    }
}

impl Drop for Modem {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let journal = self.simulator.journal();
            let last = &journal[journal.len().saturating_sub(60)..];
            println!("---- last events of the modem ({}):\n{}", self.path, last.join("\n"));
        }
    }
}
