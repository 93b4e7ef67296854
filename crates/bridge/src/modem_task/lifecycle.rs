//! The loop around a modem's sessions: connect, run, wait, again.
//!
//! Never decides what is wrong with a modem or what to try: `at/recovery_state` does.

use std::sync::Arc;
use std::time::{Duration, Instant};

use smsbridge_modem::awakening::Manner;
use smsbridge_modem::recovery::Step;
use tokio_util::sync::CancellationToken;

use super::at::{Line, OnlineModem, RecoveryState, connect};
use super::error::SessionError;
use super::status_view::StatusView;
use super::task::ModemTask;
use crate::backoff::Reconnect;

/// The longest wait before a modem is tried again.
const MAX_DELAY: Duration = Duration::from_secs(40);

/// Runs until `stop`. A command that is running is finished first; while connecting only a PIN is.
pub async fn run(task: ModemTask, stop: CancellationToken) {
    let name = task.config.name.clone();
    let mut reconnect = Reconnect::new(MAX_DELAY);
    let mut view = StatusView::new(name.clone(), Arc::clone(&task.retained));
    let mut recovery = RecoveryState::new(&task.config);
    let mut line = Line::new(&task.config);
    // Without it a modem is as unknown as on the first day.
    recovery.imei = task.store.imei(&name).await.unwrap_or_default();
    while !stop.is_cancelled() {
        let ended = session(&task, &mut recovery, &mut line, &mut view, &mut reconnect, &stop).await;
        super::at::store_deliveries(&task, &mut recovery.unsolicited, &stop).await;
        let Some(error) = ended else { break };
        let step = recovery.on_error(&error);
        let delay = recovery.delay(&error).unwrap_or_else(|| reconnect.failed(Instant::now()));
        view.offline(said(&error, step));
        let (failures, seconds) = (recovery.failures(), delay.as_secs_f32());
        tracing::debug!(modem = %name, failures, "{error}; next try in {seconds:.1} s");
        super::at::refuse_ussd(&task, &error.to_string()).await;
        if !recovery.keeps_port(&error) {
            line.close();
        }
        tokio::select! {
            () = line.wait(delay, step, &stop) => {}
            () = task.requests.restart.asked() => {}
        }
        if task.requests.restart.take() {
            let step = recovery.on_error(&SessionError::RestartAsked);
            view.offline(said(&SessionError::RestartAsked, step));
        }
    }
    view.stopped();
}

/// Why a session ended, and what is tried next.
fn said(error: &SessionError, step: Option<Step>) -> String {
    match step {
        Some(step) => format!("{error}; next: {step}"),
        None => error.to_string(),
    }
}

/// One session; why it ended, or none at a stop.
async fn session(
    task: &ModemTask,
    recovery: &mut RecoveryState,
    line: &mut Line,
    view: &mut StatusView,
    reconnect: &mut Reconnect,
    stop: &CancellationToken,
) -> Option<SessionError> {
    line.begin(recovery.imei.is_some() || task.config.imei.is_some());
    let mut modem = match connect(task, recovery, line, view, stop).await {
        Ok(Some(connected)) => OnlineModem::new(connected, recovery.has_swept()),
        Ok(None) => return None,
        Err(error) => return Some(error),
    };
    if recovery.ends_restart() {
        // Who asked once more meanwhile has got it.
        task.requests.restart.take();
    }
    reconnect.connected(Instant::now());
    line.online(recovery.imei.is_some() || task.config.imei.is_some());
    let ended = modem.run(std::mem::take(&mut recovery.unsolicited), stop).await;
    recovery.was_online(modem.online_since(), modem.has_worked(), modem.has_swept());
    line.keep(recovery.session_ended(modem.into_remains()), Manner::Listen);
    ended.err()
}
