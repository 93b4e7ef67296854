//! Which port a modem is at, and opening it: the one where it was last, the configured one, or that where its IMEI is.
//!
//! Never takes a port for the modem's that answers with another IMEI, and types nothing into a port that is in use.

use std::path::Path;
use std::sync::Arc;

use smsbridge_modem::awakening::Manner;
use smsbridge_modem::detect;
use smsbridge_modem::port::{self, Port, PortError, PortSpec};
use smsbridge_modem::serial_ports::Candidate;
use smsbridge_modem::trace::Traced;

use super::line::Line;
use crate::at_trace::Watched;
use crate::modem_task::error::SessionError;
use crate::modem_task::task::ModemTask;
use crate::remedy;

/// The port where the modem was last, or the configured one. If that is not there any more it may have another name:
/// the modem is looked for by its IMEI, and by that alone, so that nobody else's is taken.
pub(super) async fn find_and_open(
    task: &ModemTask,
    line: &mut Line,
    remembered: Option<&str>,
) -> Result<(Port, PortSpec), PortError> {
    let known = task.config.imei.as_deref().or(remembered);
    let find = async |imei: Option<&str>| {
        let path = detect::find_among(&(task.candidates)(), imei, task.config.baud).await?;
        Ok::<_, PortError>(PortSpec::Serial(path.display().to_string()))
    };
    if let Some(place) = line.elsewhere().cloned() {
        // Something that is no modem may have its name by now.
        if (task.candidates)().iter().any(|port| is_at(port, &place))
            && let Ok(port) = open(task, &place).await
        {
            return Ok((port, place));
        }
        line.forget_place();
    }
    let spec = match &task.config.port {
        PortSpec::Auto => find(known).await?,
        named => named.clone(),
    };
    match open(task, &spec).await {
        Err(missing @ PortError::Missing { .. }) if known.is_some() => {
            let Ok(elsewhere) = find(known).await else { return Err(missing) };
            let name = &task.config.name;
            tracing::debug!(modem = %name, was = %spec, now = %elsewhere, "the modem is at another port");
            Ok((open(task, &elsewhere).await?, elsewhere))
        }
        opened => Ok((opened?, spec)),
    }
}

async fn open(task: &ModemTask, spec: &PortSpec) -> Result<Port, PortError> {
    let port = port::open(spec, task.config.baud).await?;
    let port = match &task.trace {
        Some(trace) => Port::from_stream(Traced::labelled(port, trace.clone(), task.config.name.as_str())),
        None => port,
    };
    Ok(match &task.watched {
        Some(feed) => Port::from_stream(Traced::impersonal(port, Watched(Arc::clone(feed)))),
        None => port,
    })
}

/// Whether a port at which a session failed may belong to something else by now: another interface of the modem, or
/// another modem.
pub(super) fn may_be_elsewhere(error: &SessionError) -> bool {
    matches!(error, SessionError::AtPort { .. } | SessionError::OtherModem { .. })
}

/// The port at which the modem was expected.
pub(super) struct Here<'a> {
    pub(super) spec: &'a PortSpec,
    pub(super) port: Port,
    /// Nothing was heard there.
    pub(super) is_mute: bool,
}

/// Looks for the modem by its IMEI at other ports. Gives the port it was found at, open, and that where it was
/// expected. If that was mute, it is heard meanwhile: a modem that hung is not kept waiting by the search.
pub(super) async fn elsewhere(
    task: &ModemTask,
    remembered: Option<&str>,
    line: &mut Line,
    here: Here<'_>,
) -> (Option<(Port, PortSpec)>, Option<Port>) {
    let searching = search(task, remembered, here.spec);
    if here.is_mute {
        line.keep(here.port, Manner::Ask);
        let found = line.unless_heard(searching).await.flatten();
        (found, line.take(None))
    } else {
        (searching.await, Some(here.port))
    }
}

async fn search(task: &ModemTask, remembered: Option<&str>, not_at: &PortSpec) -> Option<(Port, PortSpec)> {
    let imei = task.config.imei.as_deref().or(remembered)?;
    let name = &task.config.name;
    if matches!(not_at, PortSpec::Tcp { .. }) {
        return None;
    }
    let mut others = (task.candidates)();
    others.retain(|port| !is_at(port, not_at));
    if others.is_empty() {
        return None;
    }
    let elsewhere = match detect::find_among(&others, Some(imei), task.config.baud).await {
        Ok(path) => PortSpec::Serial(path.display().to_string()),
        Err(error) => {
            tracing::debug!(modem = %name, "the modem was looked for by its IMEI: {error}");
            return None;
        }
    };
    let words = "the modem is not at its port any more; it was found by its IMEI";
    tracing::debug!(modem = %name, was = %not_at, now = %elsewhere, "{words}");
    let opened = open(task, &elsewhere).await;
    let opened = opened.inspect_err(|e| tracing::debug!(modem = %name, "{}", remedy::port_error(e)));
    Some((opened.ok()?, elsewhere))
}

/// Whether a port is the device of that name.
fn is_at(port: &Candidate, spec: &PortSpec) -> bool {
    let PortSpec::Serial(path) = spec else { return false };
    let path = Path::new(path);
    let device = |path: &Path| path.canonicalize().ok();
    port.path == path || (device(path).is_some() && device(path) == device(&port.path))
}
