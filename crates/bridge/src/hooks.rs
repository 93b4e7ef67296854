//! Hooks: programs run for events, beside everything else. No script delays an SMS or a PUBLISH.
//!
//! A run is a row in the store, written in the transaction of its event; it is done once a program has ended well, and
//! tried again later when it has not. At most four run at once, without a shell. Input: rows from the store.

use std::collections::BTreeMap;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use crate::clock::now_ms;
use crate::config::Hook;
use crate::message::UnixMs;
use crate::payload;
use crate::sms::PartInDetail;
use crate::store::{HookRun, Store};

/// Programs at once.
const AT_ONCE: usize = 4;

/// Tries of one run; the last comes some four hours after the first.
const MAX_ATTEMPTS: u32 = 7;

/// A lost wake-up costs at most this.
const POLL_EVERY: Duration = Duration::from_secs(5);

/// How a run failed.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("it cannot be started ({0}): check that the file is there and may be executed")]
    Start(std::io::Error),
    #[error("it ended with {0}")]
    Ended(ExitStatus),
    #[error("it took longer than {0:?} and was killed with all it had started")]
    TimedOut(Duration),
}

/// Runs what the store holds for the configured hooks, until `stop`. What is in hand then is killed, and run again
/// after the next start.
pub async fn run(store: Store, hooks: Vec<Hook>, stop: CancellationToken) {
    let mut in_hand: Vec<i64> = Vec::new();
    let mut running = FuturesUnordered::new();
    while !stop.is_cancelled() {
        let woken = store.wakes().hooks.notified();
        tokio::pin!(woken);
        woken.as_mut().enable();
        match store.due_hook_runs(now_ms(), in_hand.clone(), AT_ONCE - in_hand.len()).await {
            Ok(due) => {
                for row in due {
                    in_hand.push(row.id);
                    running.push(attend(&store, &hooks, row));
                }
            }
            Err(error) => tracing::error!("{error}"),
        }
        tokio::select! {
            Some(done) = running.next(), if !running.is_empty() => in_hand.retain(|id| *id != done),
            () = woken, if in_hand.len() < AT_ONCE => {}
            () = tokio::time::sleep(POLL_EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// One run, with what follows from it; tells its row.
async fn attend(store: &Store, hooks: &[Hook], row: HookRun) -> i64 {
    let id = row.id;
    let outcome = match hooks.iter().find(|hook| hook.key() == row.hook) {
        Some(hook) => execute(hook, &row).await.map_err(|fault| (hook.command[0].clone(), fault)),
        // It left the configuration: its rows go with it.
        None => Ok(()),
    };
    let again = match outcome {
        Ok(()) => None,
        Err((program, fault)) if row.attempts + 1 >= MAX_ATTEMPTS => {
            tracing::error!("hook {program}: {fault}; given up after {MAX_ATTEMPTS} tries");
            None
        }
        Err((program, fault)) => {
            let delay = Duration::from_secs(10 << (2 * row.attempts).min(12));
            tracing::warn!("hook {program}: {fault}; next try in {} s", delay.as_secs());
            Some(now_ms() + UnixMs::try_from(delay.as_millis()).unwrap_or(0))
        }
    };
    let told = match again {
        None => store.hook_done(id).await,
        Some(at) => store.hook_later(id, at).await,
    };
    if let Err(error) = told {
        tracing::error!("{error}: the hook may run once more");
    }
    id
}

async fn execute(hook: &Hook, row: &HookRun) -> Result<(), Fault> {
    let environment: BTreeMap<String, String> = serde_json::from_str(&row.environment).unwrap_or_default();
    let mut command = Command::new(&hook.command[0]);
    command
        .args(&hook.command[1..])
        .envs(environment)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .kill_on_drop(true);
    // Our own settings may hold secrets that are none of a script's business.
    for (key, _) in std::env::vars_os().filter(|(key, _)| key.to_string_lossy().starts_with("SMSBRIDGE_")) {
        command.env_remove(key);
    }
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn().map_err(Fault::Start)?;
    let group = Group(child.id());
    let mut stdin = child.stdin.take();
    let talk = async {
        if let Some(stdin) = &mut stdin {
            // A program that does not want to read need not.
            let _ = stdin.write_all(row.payload.as_bytes()).await;
            let _ = stdin.shutdown().await;
        }
        drop(stdin);
        child.wait().await
    };
    let ended = tokio::time::timeout(hook.timeout, talk).await;
    drop(group);
    match ended {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(Fault::Ended(status)),
        Ok(Err(error)) => Err(Fault::Start(error)),
        Err(_) => Err(Fault::TimedOut(hook.timeout)),
    }
}

/// A program with all it started, killed when dropped: nothing outlives its run.
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

/// The environment gammu-smsd gives its RunOnReceive program, so that scripts written for it go on working.
pub fn gammu_environment(modem: &str, parts: &[PartInDetail], whole: Option<&str>) -> String {
    let mut variables = BTreeMap::from([
        ("PHONE_ID".to_owned(), modem.to_owned()),
        ("SMS_MESSAGES".to_owned(), parts.len().to_string()),
        ("DECODED_PARTS".to_owned(), u8::from(whole.is_some()).to_string()),
    ]);
    if let Some(text) = whole {
        variables.insert("DECODED_1_TEXT".to_owned(), text.to_owned());
    }
    for (n, part) in (1..).zip(parts) {
        let mut set = |name: &str, value: String| variables.insert(format!("SMS_{n}_{name}"), value);
        set("NUMBER", part.from.clone());
        set("TEXT", part.text.clone());
        set("CLASS", part.class.map_or(-1, i16::from).to_string());
        set("REFERENCE", "0".to_owned());
        set("TIMESTAMP", part.sent_at.as_ref().map_or(String::new(), |(seconds, _)| seconds.to_string()));
        set("DATETIME", part.sent_at.as_ref().map_or(String::new(), |(_, words)| words.clone()));
    }
    // The system takes no NUL in its environment.
    variables.values_mut().for_each(|value| value.retain(|c| c != '\0'));
    payload::json(&variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_written_for_gammu_finds_its_variables() {
        let part = |text: &str| PartInDetail {
            from: "+491".into(),
            text: text.into(),
            class: None,
            sent_at: Some((1_795_331_735, "2026-11-22T10:15:35+03:00".into())),
        };
        let environment = gammu_environment("main", &[part("Hel"), part("lo\0")], Some("Hello"));
        let variables: BTreeMap<String, String> = serde_json::from_str(&environment).unwrap();
        for (name, value) in [
            ("SMS_MESSAGES", "2"),
            ("SMS_1_NUMBER", "+491"),
            ("SMS_2_TEXT", "lo"),
            ("SMS_1_CLASS", "-1"),
            ("SMS_1_TIMESTAMP", "1795331735"),
            ("DECODED_PARTS", "1"),
            ("DECODED_1_TEXT", "Hello"),
            ("PHONE_ID", "main"),
        ] {
            assert_eq!(variables[name], value, "{name}");
        }
    }
}
