//! The life of a modem, against a simulated one: stops, faults and returns.

use std::sync::Arc;
use std::time::Duration;

use smsbridge_simulator::{Fault, FaultKind, Options, Simulator, tcp};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::lifecycle;
use super::task::ModemTask;
use crate::config;
use crate::retained_state::RetainedState;
use crate::store::{Store, StoreConfig};
use crate::ussd_queue::UssdQueue;

/// The longest wait for something that does happen.
const LONG: Duration = Duration::from_secs(60);

/// A modem's task, whose modem has `keys` in its table.
fn task_with(keys: &str) -> (ModemTask, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("[[modem]]\nname = \"main\"\n{keys}\n");
    let config = config::parse("smsbridge.toml", &text).unwrap();
    let (store, _thread) = Store::open(folder.path(), StoreConfig::from(&config)).unwrap();
    let task = ModemTask {
        config: config.modems[0].clone(),
        store,
        retained: Arc::new(RetainedState::default()),
        ussd: Arc::new(UssdQueue::default()),
        trace: None,
    };
    (task, folder)
}

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

#[tokio::test]
async fn a_stop_while_the_pin_is_entered_waits_for_the_sims_answer() {
    let simulator = Simulator::new(Options { pin: Some("1234".into()), ..Options::default() });
    // A modem that does not tell the tries left: of a PIN whose answer was not heard it would never be known again.
    simulator.fault(Fault::on("AT+CPINR", FaultKind::Cme(4)).every());
    simulator.fault(Fault::on("AT+CPIN=", FaultKind::Late(Duration::from_millis(300))));
    let line = tcp::listen(&simulator, "127.0.0.1:0").await.unwrap();
    let port = line.address().unwrap();
    tokio::spawn(line.run());
    let (task, _folder) = task_with(&format!("port = \"tcp://{port}\"\npin = \"1234\""));

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
    let simulator = Simulator::new(Options { pin: Some("1234".into()), ..Options::default() });
    simulator.fault(Fault::on("AT+CPINR", FaultKind::Cme(4)).every());
    // Accepted, and killed before that is heard.
    simulator.fault(Fault::on("AT+CPIN=", FaultKind::Swallow).acted());
    let line = tcp::listen(&simulator, "127.0.0.1:0").await.unwrap();
    let port = line.address().unwrap();
    tokio::spawn(line.run());
    let (task, _folder) = task_with(&format!("port = \"tcp://{port}\"\npin = \"1234\""));

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
