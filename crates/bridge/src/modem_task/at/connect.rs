//! The only way into a session: find the port, open it, take the recovery step that is due, bring the modem up, unlock
//! the SIM.

use std::time::Duration;

use smsbridge_modem::awakening::Manner;
use smsbridge_modem::bring_up::{self, Identity};
use smsbridge_modem::port::{self, Port, PortError, PortSpec};
use smsbridge_modem::recovery::{self, Step, Taken};
use smsbridge_modem::trace::Traced;
use smsbridge_modem::{Ready, Session, SessionOptions, detect};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::connected::ConnectedModem;
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
        let step = line.needed(recovery.take_step());
        let (session, spec) = open_session(task, recovery, line, view, step).await?;
        Ok::<_, SessionError>((session, spec, step))
    };
    let Some(opened) = stop.run_until_cancelled(opening).await else { return Ok(None) };
    let (mut session, spec, step) = opened?;
    match bring_up(task, recovery, view, &mut session, (&spec, step), stop).await {
        Ok(Some((ready, sim))) => Ok(Some(ConnectedModem { task, view, session, ready, sim })),
        not_up => {
            // Nobody knows whether what it was asked has reached a modem that did not answer at all.
            let is_mute = matches!(not_up, Err(SessionError::AtPort { .. }));
            let port = recovery.session_ended(session.into_parts());
            line.keep(port, if is_mute { Manner::Ask } else { Manner::Listen });
            not_up.map(|_| None)
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
        check_identity(task, &identity, spec)?;
        recovery.identified(identity.imei.clone());
        view.identified(&identity);
        if step == Some(Step::RestartRadio) && recovery::restart_radio(modem.session()).await? == Taken::No {
            tracing::warn!(modem = %task.config.name, "the modem refuses to switch its radio off and on");
        }
        if recovery.restarts_sim() {
            tracing::warn!(modem = %task.config.name, "no SIM was found: its power is switched off and on");
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
    tracing::info!(modem = %task.config.name, port = %spec, model, "the modem is up");
    Ok(Some((ready, sim)))
}

fn check_identity(task: &ModemTask, identity: &Identity, spec: &PortSpec) -> Result<(), SessionError> {
    match (&task.config.imei, &identity.imei) {
        (Some(wanted), Some(found)) if wanted != found => {
            let (found, wanted) = (found.clone(), wanted.clone());
            Err(SessionError::OtherModem { port: spec.to_string(), found, wanted })
        }
        _ => Ok(()),
    }
}

/// A session that is not synchronised yet, after the recovery step that is due.
async fn open_session(
    task: &ModemTask,
    recovery: &mut RecoveryState,
    line: &mut Line,
    view: &mut StatusView,
    step: Option<Step>,
) -> Result<(Session<Port>, PortSpec), SessionError> {
    let (mut port, mut spec) = match line.take(step) {
        Some(port) => (port, task.config.port.clone()),
        None => find_and_open(task, recovery.imei.as_deref()).await?,
    };
    if let Some(step) = step {
        view.recovery_step(step);
    }
    if step == Some(Step::Reset) {
        let (options, imei) = (recovery.options.clone(), recovery.imei.clone());
        reset(task, options, port).await?;
        (port, spec) = reopen_after_reset(task, imei.as_deref()).await?;
    }
    Ok((Session::with_options(port, recovery.options.clone()), spec))
}

async fn reset(task: &ModemTask, options: SessionOptions, port: Port) -> Result<(), SessionError> {
    let mut session = Session::with_options(port, options);
    if recovery::reset(&mut session).await? == Taken::Yes {
        tracing::warn!(modem = %task.config.name, "the modem was told to reset");
    } else {
        tracing::warn!(
            modem = %task.config.name,
            "the modem's family has no safe reset; the port is opened again instead"
        );
    }
    Ok(())
}

async fn reopen_after_reset(task: &ModemTask, imei: Option<&str>) -> Result<(Port, PortSpec), SessionError> {
    let until = Instant::now() + RESET_TIMEOUT;
    loop {
        match find_and_open(task, imei).await {
            Err(_) if Instant::now() < until => tokio::time::sleep(RESET_POLL_INTERVAL).await,
            opened => return Ok(opened?),
        }
    }
}

/// The configured port. If it is not there any more it may have another name: the modem is looked for by its IMEI, and
/// by that alone, so that nobody else's is taken.
async fn find_and_open(task: &ModemTask, remembered: Option<&str>) -> Result<(Port, PortSpec), PortError> {
    let known = task.config.imei.as_deref().or(remembered);
    let find = async |imei: Option<&str>| {
        let path = detect::find(imei, task.config.baud).await?;
        Ok::<_, PortError>(PortSpec::Serial(path.display().to_string()))
    };
    let spec = match &task.config.port {
        PortSpec::Auto => find(known).await?,
        named => named.clone(),
    };
    match open(task, &spec).await {
        Err(missing @ PortError::Missing { .. }) if known.is_some() => {
            let Ok(elsewhere) = find(known).await else { return Err(missing) };
            let name = &task.config.name;
            tracing::info!(modem = %name, was = %spec, now = %elsewhere, "the modem is at another port");
            Ok((open(task, &elsewhere).await?, elsewhere))
        }
        opened => Ok((opened?, spec)),
    }
}

async fn open(task: &ModemTask, spec: &PortSpec) -> Result<Port, PortError> {
    let port = port::open(spec, task.config.baud).await?;
    Ok(match &task.trace {
        Some(trace) => Port::from_stream(Traced::labelled(port, trace.clone(), task.config.name.as_str())),
        None => port,
    })
}
