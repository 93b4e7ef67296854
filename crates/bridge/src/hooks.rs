//! Hooks: programs run for events, beside everything else. No program delays an SMS or a PUBLISH.
//!
//! A run is a row in the store, written in the transaction of its event; it is deleted once the program has succeeded,
//! and tried again later when it has not. At most four run at once, without a shell. Input: rows from the store.

use std::collections::BTreeMap;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use crate::clock::now_ms;
use crate::config::Hook;
use crate::event::{Event, Received};
use crate::hook_output::HookOutput;
use crate::log::{ProblemLog, ProblemSubject};
use crate::message::millis;
use crate::pdu;
use crate::store::{HookRun, Store};
use crate::wire::Wire;

/// Programs that run at once.
const MAX_RUNNING: usize = 4;

/// Attempts of one run; the last comes some 15 hours after the first.
const MAX_ATTEMPTS: u32 = 8;

/// How often the store is asked for due runs without a wake-up.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// How long what a program wrote last is read after its end.
const LAST_OUTPUT_TIMEOUT: Duration = Duration::from_secs(1);

/// How a run failed.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error("it cannot be started ({0}): check that the file is there and may be executed")]
    Start(std::io::Error),
    #[error("it ended with {0}")]
    Ended(ExitStatus),
    #[error("it took longer than {} s and was killed with all it had started", .0.as_secs())]
    TimedOut(Duration),
}

/// Runs what the store holds for the configured hooks, until `stop`. What runs then is killed, and run again after the
/// next start.
pub async fn run(store: Store, hooks: Vec<Hook>, wire: Wire, stop: CancellationToken) {
    let problems = ProblemLog::default();
    let mut running: Vec<i64> = Vec::new();
    let mut runs = FuturesUnordered::new();
    while !stop.is_cancelled() {
        let woken = store.wakes().hooks.notified();
        tokio::pin!(woken);
        woken.as_mut().enable();
        match store.due_hook_runs(now_ms(), running.clone(), MAX_RUNNING - running.len()).await {
            Ok(due) => {
                for run in due {
                    running.push(run.id);
                    runs.push(attempt(&store, &hooks, &wire, &problems, run));
                }
            }
            Err(error) => error.log(),
        }
        problems.tick();
        tokio::select! {
            Some(done) = runs.next(), if !runs.is_empty() => running.retain(|id| *id != done),
            () = woken, if running.len() < MAX_RUNNING => {}
            () = tokio::time::sleep(POLL_INTERVAL) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// One attempt of a run, and what follows from it; returns the run's row.
async fn attempt(store: &Store, hooks: &[Hook], wire: &Wire, problems: &ProblemLog, run: HookRun) -> i64 {
    let hook = hooks.iter().find(|hook| hook.key() == run.hook);
    let stored = match (hook, &run.event) {
        // It left the configuration: its rows go with it.
        (None, _) => store.delete_hook_run(run.id).await,
        (Some(hook), Err(reason)) => {
            tracing::error!("hook {}: {reason}; given up", hook.command[0]);
            store.delete_hook_run(run.id).await
        }
        (Some(hook), Ok(event)) => match execute(hook, event, wire).await {
            Ok(()) => {
                problems.set(&ProblemSubject::of(&run.hook), None);
                store.delete_hook_run(run.id).await
            }
            Err(error) if run.attempts + 1 >= MAX_ATTEMPTS => {
                tracing::error!("hook {}: {error}; given up after {MAX_ATTEMPTS} tries", hook.command[0]);
                store.delete_hook_run(run.id).await
            }
            Err(error) => {
                let delay = Duration::from_secs(10 << (2 * run.attempts).min(12));
                let seconds = delay.as_secs();
                let words = format!("hook {}: {error}; next try in {seconds} s", hook.command[0]);
                problems.set(&ProblemSubject::of(&run.hook), Some(&words));
                store.retry_hook_run(run.id, now_ms() + millis(delay)).await
            }
        },
    };
    if let Err(error) = stored {
        error.log();
    }
    run.id
}

async fn execute(hook: &Hook, event: &Event, wire: &Wire) -> Result<(), RunError> {
    let payload = wire.event(event);
    let mut command = Command::new(&hook.command[0]);
    command
        .args(&hook.command[1..])
        .envs(environment(event))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    // Our own settings may hold secrets that are none of a script's business.
    for (key, _) in std::env::vars_os().filter(|(key, _)| key.to_string_lossy().starts_with("SMSBRIDGE_")) {
        command.env_remove(key);
    }
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn().map_err(RunError::Start)?;
    let group = Group(child.id());
    let (mut stdin, errors) = (child.stdin.take(), child.stderr.take());
    let run = async {
        if let Some(stdin) = &mut stdin {
            // A program that does not want to read need not.
            let _ = stdin.write_all(payload.as_bytes()).await;
            let _ = stdin.shutdown().await;
        }
        drop(stdin);
        child.wait().await
    };
    let ended = match errors {
        None => tokio::time::timeout(hook.timeout, run).await,
        Some(errors) => {
            let mut output = HookOutput::new(errors, &hook.command[0]);
            let ended = tokio::time::timeout(hook.timeout, beside(run, output.read_to_end())).await;
            drop(group);
            // What it said last is still in the pipe, which a process that left its group may hold open.
            let _ = tokio::time::timeout(LAST_OUTPUT_TIMEOUT, output.read_to_end()).await;
            output.finish();
            ended
        }
    };
    match ended {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(RunError::Ended(status)),
        Ok(Err(error)) => Err(RunError::Start(error)),
        Err(_) => Err(RunError::TimedOut(hook.timeout)),
    }
}

/// Runs both until the first is done.
async fn beside<T>(first: impl Future<Output = T>, other: impl Future<Output = ()>) -> T {
    tokio::pin!(first);
    tokio::select! {
        done = &mut first => done,
        () = other => first.await,
    }
}

/// A program with all it started, killed when dropped: nothing outlives its run. On Windows only the program itself is
/// killed.
#[cfg_attr(not(unix), expect(dead_code, reason = "it has no groups of processes"))]
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(pid) = self.0.and_then(|id| rustix::process::Pid::from_raw(id.cast_signed())) {
            // None left is as good.
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
    }
}

/// The environment of a run. For a received message it is the one gammu-smsd gives its RunOnReceive program, so that
/// scripts written for it go on working.
fn environment(event: &Event) -> BTreeMap<String, String> {
    match event {
        Event::Received(received) => gammu_environment(received),
        _ => BTreeMap::new(),
    }
}

fn gammu_environment(received: &Received) -> BTreeMap<String, String> {
    let (parts, text) = (pdu::part_texts(&received.pdus), received.complete_text());
    let mut variables = BTreeMap::from([
        ("PHONE_ID".to_owned(), received.modem.to_string()),
        ("SMS_MESSAGES".to_owned(), parts.len().to_string()),
        ("DECODED_PARTS".to_owned(), u8::from(text.is_some()).to_string()),
    ]);
    if let Some(text) = text {
        variables.insert("DECODED_1_TEXT".to_owned(), text.to_owned());
    }
    for (n, part) in (1..).zip(parts) {
        let mut set = |name: &str, value: String| variables.insert(format!("SMS_{n}_{name}"), value);
        set("NUMBER", part.from);
        set("TEXT", part.text);
        set("CLASS", part.class.map_or(-1, i16::from).to_string());
        set("REFERENCE", "0".to_owned());
        let (seconds, words) =
            part.sent_at.map_or_else(Default::default, |(seconds, words)| (seconds.to_string(), words));
        set("TIMESTAMP", seconds);
        set("DATETIME", words);
    }
    // The system takes no NUL in its environment.
    variables.values_mut().for_each(|value| value.retain(|c| c != '\0'));
    variables
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::ReceivedContent;
    use crate::pdu_fixtures::delivers;

    const SENT_AT: i64 = 1_795_331_735_000;

    fn received(pdus: Vec<String>) -> Received {
        let content = match pdu::join(&pdus) {
            Ok(message) => ReceivedContent::Message(Box::new(message)),
            Err(reason) => ReceivedContent::Undecodable(reason),
        };
        let (id, modem) = ("id".to_owned(), "main".parse().unwrap());
        Received {
            id,
            modem,
            received_at: SENT_AT,
            was_stored: false,
            content,
            pdus,
            contact: None,
            rule: None,
        }
    }

    fn assert_variables(received: Received, expected: &[(&str, &str)]) {
        let variables = environment(&Event::Received(received));
        for (name, value) in expected {
            assert_eq!(variables.get(*name).map(String::as_str), Some(*value), "{name} in {variables:?}");
        }
    }

    #[test]
    fn a_script_written_for_gammu_finds_its_variables() {
        // The NUL makes the text UCS-2, of which a part holds 67.
        let text = format!("{}tail\0", "a".repeat(67));
        assert_variables(
            received(delivers("+491", &text, 7, SENT_AT)),
            &[
                ("PHONE_ID", "main"),
                ("SMS_MESSAGES", "2"),
                ("SMS_1_NUMBER", "+491"),
                ("SMS_1_CLASS", "-1"),
                ("SMS_1_TIMESTAMP", "1795331735"),
                ("SMS_1_DATETIME", "2026-11-22T08:15:35+01:00"),
                ("SMS_1_TEXT", &"a".repeat(67)),
                ("SMS_2_TEXT", "tail"),
                ("DECODED_PARTS", "1"),
                ("DECODED_1_TEXT", text.trim_end_matches('\0')),
            ],
        );
    }

    #[test]
    fn of_an_incomplete_message_a_script_gets_the_parts_and_no_decoded_text() {
        let first = delivers("+491", &"a".repeat(200), 7, SENT_AT).swap_remove(0);
        let incomplete = received(vec![first]);
        assert!(!environment(&Event::Received(incomplete.clone())).contains_key("DECODED_1_TEXT"));
        assert_variables(incomplete, &[("SMS_MESSAGES", "1"), ("DECODED_PARTS", "0")]);
    }

    #[test]
    fn a_message_that_cannot_be_decoded_has_no_parts() {
        assert_variables(received(vec!["07".to_owned()]), &[("SMS_MESSAGES", "0"), ("DECODED_PARTS", "0")]);
    }
}
