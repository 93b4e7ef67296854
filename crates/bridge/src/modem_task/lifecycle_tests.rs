//! The life of a modem, against a simulated one: stops, faults and returns.

use std::sync::Arc;
use std::time::Duration;

use smsbridge_modem::serial_ports::Candidate;
use smsbridge_simulator::{Fault, FaultKind, Options, Simulator, pty, tcp};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::fixtures::task_with;
use super::lifecycle;
use super::task::ModemTask;
use crate::event::State;

/// The longest wait for something that does happen.
const LONG: Duration = Duration::from_secs(60);

/// A task that lives, and how to stop it.
struct Life {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Life {
    fn begin(task: &ModemTask) -> Self {
        let stop = CancellationToken::new();
        Life { task: tokio::spawn(lifecycle::run(task.clone(), stop.clone())), stop }
    }

    async fn end(self) {
        self.stop.cancel();
        tokio::time::timeout(LONG, self.task).await.expect("it stops").unwrap();
    }
}

/// Waits until the modem has been asked or told something that begins so `times` times.
async fn typed(simulator: &Simulator, beginning: &str, times: usize) {
    let count = |sim: &Simulator| sim.commands().iter().filter(|line| line.starts_with(beginning)).count();
    let seen = simulator.wait_for(LONG, |sim| count(sim) >= times).await;
    assert!(seen, "{beginning} {times} times: {:?}", simulator.commands());
}

/// A modem with a locked SIM, and its task. It does not tell the tries left: of a PIN whose answer was not heard it
/// would never be known again.
async fn locked_sim() -> (Simulator, ModemTask, TempDir) {
    let simulator = Simulator::new(Options { pin: Some("1234".into()), ..Options::default() });
    simulator.fault(Fault::on("AT+CPINR", FaultKind::Cme(4)).every());
    let line = tcp::listen(&simulator, "127.0.0.1:0").await.unwrap();
    let port = line.address().unwrap();
    tokio::spawn(line.run());
    let (task, folder) = task_with(&format!("port = \"tcp://{port}\"\npin = \"1234\""));
    (simulator, task, folder)
}

#[tokio::test]
async fn a_stop_while_the_pin_is_entered_waits_for_the_sims_answer() {
    let (simulator, task, _folder) = locked_sim().await;
    simulator.fault(Fault::on("AT+CPIN=", FaultKind::Late(Duration::from_millis(300))));

    let life = Life::begin(&task);
    typed(&simulator, "AT+CPIN=", 1).await;
    life.end().await;

    simulator.reset();
    let life = Life::begin(&task);
    typed(&simulator, "AT+CPIN=", 2).await;
    typed(&simulator, "AT+CMGL", 1).await;
    life.end().await;
}

#[tokio::test]
async fn a_pin_that_was_never_answered_may_be_entered_again_once_the_sim_was_open() {
    let (simulator, task, _folder) = locked_sim().await;
    // Accepted, and killed before that is heard.
    simulator.fault(Fault::on("AT+CPIN=", FaultKind::Swallow).acted());

    let killed = Life::begin(&task);
    typed(&simulator, "AT+CPIN=", 1).await;
    killed.task.abort();
    let life = Life::begin(&task);
    typed(&simulator, "AT+CMGL", 1).await;
    life.end().await;
    simulator.reset();
    let life = Life::begin(&task);
    typed(&simulator, "AT+CPIN=", 2).await;
    life.end().await;
}

/// Two modems at terminals, the first of them at the configured port, and the task of one of them.
struct TwoPorts {
    here: pty::Port,
    there: pty::Port,
    task: ModemTask,
    folder: TempDir,
    _store: TempDir,
}

impl TwoPorts {
    fn plug(here: &Simulator, there: &Simulator, keys: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (port, other) = (folder.path().join("ttyUSB2"), folder.path().join("ttyUSB5"));
        let (mut task, store) = task_with(&format!("port = \"{}\"\n{keys}", port.display()));
        let candidates = [Candidate::from_path(&port), Candidate::from_path(&other)];
        task.candidates = Arc::new(move || candidates.to_vec());
        TwoPorts {
            here: pty::spawn(here, port).unwrap(),
            there: pty::spawn(there, other).unwrap(),
            task,
            folder,
            _store: store,
        }
    }

    /// The same ports with other modems at them.
    fn swap(mut self, here: &Simulator, there: &Simulator) -> Self {
        drop((self.here, self.there));
        self.here = pty::spawn(here, self.folder.path().join("ttyUSB2")).unwrap();
        self.there = pty::spawn(there, self.folder.path().join("ttyUSB5")).unwrap();
        self
    }

    /// Waits for a problem with these words.
    async fn problem(&self, words: &str) {
        let told = async {
            loop {
                let states = self.task.retained.take_unpublished(9);
                let problems = states.iter().filter_map(|state| match state {
                    State::Modem(state) => state.problem.as_deref(),
                    _ => None,
                });
                if problems.into_iter().any(|problem| problem.contains(words)) {
                    return;
                }
                self.task.retained.changed().await;
            }
        };
        tokio::time::timeout(LONG, told).await.expect("a problem in words");
    }
}

fn used(simulator: &Simulator) -> bool {
    simulator.commands().iter().any(|line| line.starts_with("AT+CMGL"))
}

#[tokio::test]
async fn a_stick_whose_port_has_become_another_interface_is_found_by_its_imei() {
    let (interface, modem) = (Simulator::new(Options::numbered(1)), Simulator::new(Options::numbered(2)));
    interface.fault(Fault::on("AT", FaultKind::Cms(500)).every());
    let imei = Options::numbered(2).imei;
    let ports = TwoPorts::plug(&interface, &modem, &format!("imei = \"{imei}\""));
    let life = Life::begin(&ports.task);
    typed(&modem, "AT+CMGL", 1).await;
    ports.problem(&ports.there.path().display().to_string()).await;
    life.end().await;
}

#[tokio::test]
async fn sticks_that_changed_places_over_a_restart_are_told_apart_without_an_imei_in_the_configuration() {
    let (ours, other) = (Simulator::new(Options::numbered(1)), Simulator::new(Options::numbered(2)));
    let ports = TwoPorts::plug(&ours, &other, "");
    let life = Life::begin(&ports.task);
    typed(&ours, "AT+CMGL", 1).await;
    life.end().await;

    let before = ours.commands().iter().filter(|line| line.starts_with("AT+CMGL")).count();
    let ports = ports.swap(&other, &ours);
    let life = Life::begin(&ports.task);
    typed(&ours, "AT+CMGL", before + 1).await;
    life.end().await;
    assert!(!used(&other));
}

#[tokio::test]
async fn a_stick_that_was_replaced_is_used() {
    let (old, new) = (Simulator::new(Options::numbered(1)), Simulator::new(Options::numbered(2)));
    let stranger = Simulator::new(Options::numbered(3));
    let ports = TwoPorts::plug(&old, &stranger, "");
    let life = Life::begin(&ports.task);
    typed(&old, "AT+CMGL", 1).await;
    life.end().await;

    let ports = ports.swap(&new, &stranger);
    let life = Life::begin(&ports.task);
    typed(&new, "AT+CMGL", 1).await;
    life.end().await;
    assert!(!used(&stranger));
}

#[tokio::test]
async fn a_modem_of_ours_that_is_at_work_is_not_probed_for_another() {
    let (ours, missing) = (Simulator::new(Options::numbered(1)), Options::numbered(2).imei);
    let other = Simulator::new(Options::numbered(3));
    let ports = TwoPorts::plug(&other, &ours, &format!("imei = \"{missing}\""));
    let (mut ours_task, _folder) = task_with(&format!("port = \"{}\"", ports.there.path().display()));
    ours_task.candidates = Arc::clone(&ports.task.candidates);
    let at_work = Life::begin(&ours_task);
    typed(&ours, "AT+CMGL", 1).await;

    let life = Life::begin(&ports.task);
    ports.problem("not the one with").await;
    life.end().await;
    at_work.end().await;
    assert_eq!(ours.commands().iter().filter(|line| *line == "AT+CGMI").count(), 1);
    assert!(!used(&other), "it has another IMEI");
}
