//! Payloads of retained states: a modem's and the gateway's.
//!
//! Pure. Every key is always there, null where nothing is known, so that templates need no test for absence.

use serde::{Deserialize, Serialize};

use super::format::{json, time};
use crate::event::{Availability, GatewayState, ModemConnection, ModemState, QueueDepth};

/// The state of a modem.
#[derive(Serialize)]
pub(super) struct ModemForm<'a> {
    state: &'static str,
    problem: Option<&'a str>,
    operator: Option<&'a str>,
    technology: Option<&'a str>,
    registration: Option<&'static str>,
    registration_cause: Option<u16>,
    signal: SignalForm,
    number: Option<&'a str>,
    manufacturer: Option<&'a str>,
    model: Option<&'a str>,
    firmware: Option<&'a str>,
    imei: Option<&'a str>,
    iccid: Option<&'a str>,
    service_center: Option<&'a str>,
    storage: Vec<StorageForm<'a>>,
    counters: CountersForm,
}

#[derive(Serialize)]
struct SignalForm {
    dbm: Option<i16>,
    percent: Option<u8>,
    rsrp_dbm: Option<i16>,
    rsrq_db: Option<f32>,
    sinr_db: Option<f32>,
}

#[derive(Serialize)]
struct StorageForm<'a> {
    name: &'a str,
    used: u16,
    total: u16,
}

#[derive(Serialize)]
struct CountersForm {
    received: u64,
    sent: u64,
    not_sent: u64,
    sessions: u64,
    announced_again: u64,
    probed: u64,
    resynchronised: u64,
    reopened: u64,
    radio_restarted: u64,
    reset: u64,
}

/// `sms/modem/<modem>`.
pub fn modem(state: &ModemState) -> String {
    json(&ModemForm::from(state))
}

impl<'a> From<&'a ModemState> for ModemForm<'a> {
    fn from(state: &'a ModemState) -> Self {
        let (signal, counters) = (&state.signal, &state.counters);
        ModemForm {
            state: match state.connection {
                ModemConnection::Connecting => "connecting",
                ModemConnection::Online => "online",
                ModemConnection::Offline => "offline",
                ModemConnection::Stopped => "stopped",
            },
            problem: state.problem.as_deref(),
            operator: state.operator.as_deref(),
            technology: state.technology.as_deref(),
            registration: state.registration.map(|registration| registration.words()),
            registration_cause: state.registration_cause,
            signal: SignalForm {
                dbm: signal.dbm,
                percent: signal.percent,
                rsrp_dbm: signal.rsrp_dbm,
                rsrq_db: signal.rsrq_db,
                sinr_db: signal.sinr_db,
            },
            number: state.number.as_deref(),
            manufacturer: state.manufacturer.as_deref(),
            model: state.model.as_deref(),
            firmware: state.firmware.as_deref(),
            imei: state.imei.as_deref(),
            iccid: state.iccid.as_deref(),
            service_center: state.service_center.as_deref(),
            storage: state
                .storage
                .iter()
                .map(|storage| StorageForm { name: &storage.name, used: storage.used, total: storage.total })
                .collect(),
            counters: CountersForm {
                received: counters.received,
                sent: counters.sent,
                not_sent: counters.not_sent,
                sessions: counters.sessions,
                announced_again: counters.announced_again,
                probed: counters.probed,
                resynchronised: counters.resynchronised,
                reopened: counters.reopened,
                radio_restarted: counters.radio_restarted,
                reset: counters.reset,
            },
        }
    }
}

impl From<&QueueDepth> for QueueForm {
    fn from(depth: &QueueDepth) -> Self {
        QueueForm { publish: depth.publish, send: depth.send, parked: depth.parked }
    }
}

#[derive(Serialize)]
struct GatewayForm<'a> {
    version: &'a str,
    instance: &'a str,
    started_at: String,
    modems: Vec<&'a str>,
    queue: QueueForm,
    problem: Option<&'a str>,
}

/// What waits.
#[derive(Serialize, Default)]
pub(super) struct QueueForm {
    publish: u32,
    send: u32,
    parked: u32,
}

/// `sms/gateway/<gateway>`.
pub fn gateway(state: &GatewayState) -> String {
    json(&GatewayForm {
        version: state.version,
        instance: &state.instance,
        started_at: time(state.started_at),
        modems: state.modems.iter().map(|modem| modem.as_str()).collect(),
        queue: QueueForm::from(&state.queue),
        problem: state.problem.as_deref(),
    })
}

#[derive(Deserialize)]
struct InstanceForm {
    instance: String,
}

/// Which instance a payload of `sms/gateway/<gateway>` names; none where it is no gateway's state.
pub fn read_instance(payload: &[u8]) -> Option<String> {
    serde_json::from_slice::<InstanceForm>(payload).ok().map(|form| form.instance)
}

/// The payload of an availability topic.
pub fn availability(availability: Availability) -> &'static str {
    match availability {
        Availability::Online => "online",
        Availability::Offline => "offline",
    }
}

/// Whether the payload of an availability topic says online.
pub fn is_online(payload: &[u8]) -> bool {
    payload == b"online"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_modem_of_which_nothing_is_known_has_all_keys() {
        let shown = modem(&ModemState::new("main".parse().unwrap()));
        let expected = r#"{"state":"connecting","problem":null,"operator":null,"technology":null,"registration":null,"registration_cause":null,"signal":{"dbm":null,"percent":null,"rsrp_dbm":null,"rsrq_db":null,"sinr_db":null},"number":null,"manufacturer":null,"model":null,"firmware":null,"imei":null,"iccid":null,"service_center":null,"storage":[],"counters":{"received":0,"sent":0,"not_sent":0,"sessions":0,"announced_again":0,"probed":0,"resynchronised":0,"reopened":0,"radio_restarted":0,"reset":0}}"#;
        assert_eq!(shown, expected);
    }
}
