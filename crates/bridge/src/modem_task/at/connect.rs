//! The only way into a session: open the port that `find` finds, take the recovery step that is due, bring the modem
//! up, unlock the SIM.

use std::time::Duration;

use smsbridge_modem::bring_up::{self, Identity};
use smsbridge_modem::port::{Port, PortSpec};
use smsbridge_modem::recovery::{self, Step, Taken};
use smsbridge_modem::{Ready, Session, SessionOptions};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::connected::ConnectedModem;
use super::find::{self, Here};
use super::line::Line;
use super::pin;
use super::recovery_state::RecoveryState;
use crate::clock::now_ms;
use crate::message::Sim;
use crate::modem_task::error::SessionError;
use crate::modem_task::status_view::StatusView;
use crate::modem_task::task::ModemTask;

/// How long a modem that was reset may be away.
const RESET_TIMEOUT: Duration = Duration::from_secs(30);

/// How often its port is looked for meanwhile.
const RESET_POLL_INTERVAL: Duration = Duration::from_secs(1);

/// A port that gave no octet for so long is mute; one that only does not answer is something else's.
const MUTE_AFTER: Duration = Duration::from_secs(2);

/// Connects to the modem; none at a stop. A PIN that is being entered is entered to its end first.
pub(in crate::modem_task) async fn connect<'a>(
    task: &'a ModemTask,
    recovery: &mut RecoveryState,
    line: &mut Line,
    view: &'a mut StatusView,
    stop: &CancellationToken,
) -> Result<Option<ConnectedModem<'a>>, SessionError> {
    let opening = async {
        // First of all: what the last session claimed, another modem may send while this one is away.
        task.store.release(Some(task.config.name.clone()), now_ms()).await?;
        let step = recovery.take_step();
        let step = if recovery.is_asked() { step } else { line.needed(step) };
        let opened = open_session(task, recovery, line, view, step).await?;
        Ok::<_, SessionError>((opened, step))
    };
    let Some(opened) = stop.run_until_cancelled(opening).await else { return Ok(None) };
    let (Opened { mut session, mut spec, is_fresh }, step) = opened?;
    let mut up = bring_up(task, recovery, view, &mut session, (&spec, step), stop).await;
    if let Err(error) = &up
        && is_fresh
        && find::may_be_elsewhere(error)
    {
        let is_mute = matches!(error, SessionError::AtPort { .. }) && session.silent_for() >= MUTE_AFTER;
        let is_other = matches!(error, SessionError::OtherModem { .. });
        let here = Here { spec: &spec, port: recovery.session_ended(session.into_parts()), is_mute };
        let searching = find::elsewhere(task, recovery.imei.as_deref(), line, here);
        let Some((found, here)) = stop.run_until_cancelled(searching).await else { return Ok(None) };
        let port = match (found, here) {
            (Some((port, elsewhere)), _) => {
                spec = elsewhere;
                port
            }
            // Nobody said that it must be the one that was here before: it has been replaced.
            (None, Some(port)) if is_other && task.config.imei.is_none() => {
                recovery.forget_modem();
                port
            }
            (None, here) => {
                line.keep_after(here, &up);
                return up.map(|_| None);
            }
        };
        session = Session::with_options(port, recovery.options.clone());
        session.hear(&line.take_heard());
        up = bring_up(task, recovery, view, &mut session, (&spec, None), stop).await;
    }
    match up {
        Ok(Some((ready, sim))) => {
            view.found_elsewhere(line.moved_to(&spec));
            Ok(Some(ConnectedModem { task, view, session, ready, sim }))
        }
        Ok(None) => {
            recovery.session_ended(session.into_parts());
            Ok(None)
        }
        Err(error) => {
            if find::may_be_elsewhere(&error) {
                line.forget_place();
            }
            let up = Err(error);
            line.keep_after(Some(recovery.session_ended(session.into_parts())), &up);
            up
        }
    }
}

/// Brings the modem up and unlocks its SIM; none at a stop.
async fn bring_up(
    task: &ModemTask,
    recovery: &mut RecoveryState,
    view: &mut StatusView,
    session: &mut Session<Port>,
    (spec, step): (&PortSpec, Option<Step>),
    stop: &CancellationToken,
) -> Result<Option<(Ready, Sim)>, SessionError> {
    let identifying = async {
        let mut modem = bring_up::synchronise(session)
            .await
            .map_err(|error| SessionError::AtPort { port: spec.to_string(), error })?;
        let identity = modem.identity().clone();
        check_identity(task, recovery.imei.as_deref(), &identity, spec)?;
        remember(task, recovery, &identity).await;
        view.identified(&identity);
        if step == Some(Step::RestartRadio) && recovery::restart_radio(modem.session()).await? == Taken::No {
            tracing::debug!(modem = %task.config.name, "the modem refuses to switch its radio off and on");
        }
        if recovery.restarts_sim() {
            tracing::debug!(modem = %task.config.name, "no SIM was found: its power is switched off and on");
            recovery::restart_sim(modem.session()).await?;
        }
        let entry = pin::ask(task, &mut modem).await?;
        Ok::<_, SessionError>((modem, identity, entry))
    };
    let Some(identified) = stop.run_until_cancelled(identifying).await else { return Ok(None) };
    let (mut modem, identity, entry) = identified?;
    if stop.is_cancelled() {
        return Ok(None);
    }
    if let Some(entry) = entry {
        pin::enter(task, &mut modem, entry).await?;
    }
    let configuring = async {
        let ready = modem.configure(task.config.service_center.as_deref()).await?;
        let sim = task.identify_sim(ready.iccid.clone(), ready.imsi.clone()).await?;
        pin::opened(task, &sim).await?;
        Ok::<_, SessionError>((ready, sim))
    };
    let Some(configured) = stop.run_until_cancelled(configuring).await else { return Ok(None) };
    let (ready, sim) = configured?;
    view.configured(&ready);
    let model = identity.model.as_deref().unwrap_or("unknown");
    view.is_up(&spec.to_string(), model);
    Ok(Some((ready, sim)))
}

/// Remembers who is here, over restarts too.
async fn remember(task: &ModemTask, recovery: &mut RecoveryState, identity: &Identity) {
    let Some(imei) = identity.imei.clone().filter(|imei| recovery.imei.as_ref() != Some(imei)) else {
        return;
    };
    if let Err(error) = task.store.set_imei(&task.config.name, imei.clone()).await {
        tracing::warn!(modem = %task.config.name, "its IMEI is not remembered: {error}");
    }
    recovery.imei = Some(imei);
}

fn check_identity(
    task: &ModemTask,
    remembered: Option<&str>,
    identity: &Identity,
    spec: &PortSpec,
) -> Result<(), SessionError> {
    match (task.config.imei.as_deref().or(remembered), &identity.imei) {
        (Some(wanted), Some(found)) if wanted != found => {
            let (found, wanted) = (found.clone(), wanted.to_owned());
            Err(SessionError::OtherModem { port: spec.to_string(), found, wanted })
        }
        _ => Ok(()),
    }
}

/// A session over an open port.
struct Opened {
    session: Session<Port>,
    spec: PortSpec,
    /// The port was opened just now.
    is_fresh: bool,
}

/// A session that is not synchronised yet, after the recovery step that is due.
async fn open_session(
    task: &ModemTask,
    recovery: &mut RecoveryState,
    line: &mut Line,
    view: &mut StatusView,
    step: Option<Step>,
) -> Result<Opened, SessionError> {
    let kept = line.take(step);
    let mut is_fresh = kept.is_none();
    let (mut port, mut spec) = match kept {
        Some(port) => (port, line.place().clone()),
        None => find::find_and_open(task, line, recovery.imei.as_deref()).await?,
    };
    if let Some(step) = step {
        view.recovery_step(step);
    }
    if step == Some(Step::Reset) {
        let (options, imei) = (recovery.options.clone(), recovery.imei.clone());
        reset(task, options, port).await?;
        (port, spec) = reopen_after_reset(task, line, imei.as_deref()).await?;
        is_fresh = true;
    }
    let mut session = Session::with_options(port, recovery.options.clone());
    session.hear(&line.take_heard());
    Ok(Opened { session, spec, is_fresh })
}

async fn reset(task: &ModemTask, options: SessionOptions, port: Port) -> Result<(), SessionError> {
    let mut session = Session::with_options(port, options);
    if recovery::reset(&mut session).await? == Taken::Yes {
        tracing::debug!(modem = %task.config.name, "the modem was told to reset");
    } else {
        tracing::debug!(
            modem = %task.config.name,
            "the modem's family has no safe reset; the port is opened again instead"
        );
    }
    Ok(())
}

async fn reopen_after_reset(
    task: &ModemTask,
    line: &mut Line,
    imei: Option<&str>,
) -> Result<(Port, PortSpec), SessionError> {
    let until = Instant::now() + RESET_TIMEOUT;
    loop {
        match find::find_and_open(task, line, imei).await {
            Err(_) if Instant::now() < until => tokio::time::sleep(RESET_POLL_INTERVAL).await,
            opened => return Ok(opened?),
        }
    }
}
