//! Payloads of retained states: a modem's and the gateway's.
//!
//! Pure. Every key is always there, null where nothing is known, so that templates need no test for absence.

use serde::{Deserialize, Serialize};

use super::format::{json, time};
#[cfg(test)]
use super::schema::words;
use crate::event::{Availability, GatewayState, ModemConnection, ModemState, QueueDepth};

/// The state of a modem, on `sms/modem/<modem>`. Every key is always there; what is not known is null.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ModemState"))]
pub(super) struct ModemForm<'a> {
    /// Where it is in its life.
    state: ModemConnection,
    /// What is wrong, for people; null where nothing is. Its words are free to change.
    problem: Option<&'a str>,
    /// The network operator's name.
    operator: Option<&'a str>,
    /// The radio technology, such as `LTE`.
    technology: Option<&'a str>,
    /// Whether the network accepts it: the best of all domains.
    #[cfg_attr(test, schemars(schema_with = "words::registrations"))]
    registration: Option<&'static str>,
    /// Why the network refused it (TS 24.008 10.5.3.6).
    registration_cause: Option<u16>,
    /// Signal strength and quality.
    signal: SignalForm,
    /// The SIM's own number, where it holds it.
    number: Option<&'a str>,
    /// The modem's manufacturer.
    manufacturer: Option<&'a str>,
    /// The modem's model.
    model: Option<&'a str>,
    /// The modem's firmware revision.
    firmware: Option<&'a str>,
    /// The modem's serial number (TS 23.003 6.2).
    imei: Option<&'a str>,
    /// The SIM's serial number.
    iccid: Option<&'a str>,
    /// The service centre's number.
    service_center: Option<&'a str>,
    /// How full each message storage is.
    storage: Vec<StorageForm<'a>>,
    /// What it did since the gateway started.
    counters: CountersForm,
}

/// Signal strength and quality.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Signal"))]
struct SignalForm {
    /// Received signal strength, dBm.
    dbm: Option<i16>,
    /// The same, percent.
    #[cfg_attr(test, schemars(range(max = 100)))]
    percent: Option<u8>,
    /// LTE reference signal received power, dBm.
    rsrp_dbm: Option<i16>,
    /// LTE reference signal received quality, dB.
    rsrq_db: Option<f32>,
    /// Signal to interference and noise ratio, dB.
    sinr_db: Option<f32>,
}

/// How full a message storage is.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Storage"))]
struct StorageForm<'a> {
    /// `SM`, `ME`, … (TS 27.005 3.2.2).
    name: &'a str,
    /// Slots in use.
    used: u16,
    /// Slots in all.
    total: u16,
}

/// What a modem did since the gateway started.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Counters"))]
struct CountersForm {
    /// Short messages received.
    received: u64,
    /// Short messages the network accepted.
    sent: u64,
    /// Short messages it did not.
    not_sent: u64,
    /// Sessions begun.
    sessions: u64,
    /// Times message notifications had to be set again.
    announced_again: u64,
    /// Times a silent modem was asked whether it still answers.
    probed: u64,
    /// Times it was brought back into step.
    resynchronised: u64,
    /// Times its port was closed and opened again.
    reopened: u64,
    /// Times its radio was switched off and on.
    radio_restarted: u64,
    /// Times it was reset.
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
            state: state.connection,
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

/// The state of the gateway, on `sms/gateway/<name>`. Every key is always there.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "GatewayState"))]
pub(super) struct GatewayForm<'a> {
    /// The version of smsbridge.
    version: &'a str,
    /// Names the store, and with it the gateway.
    instance: &'a str,
    /// When it was started.
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    started_at: String,
    /// The configured modems.
    #[cfg_attr(test, schemars(schema_with = "words::names"))]
    modems: Vec<&'a str>,
    /// What waits.
    queue: QueueForm,
    /// What is wrong, for people; null where nothing is. Its words are free to change.
    problem: Option<&'a str>,
}

/// What waits.
#[derive(Serialize, Default)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Queue"))]
pub(super) struct QueueForm {
    /// What waits for the broker.
    publish: u32,
    /// Messages that wait for a modem.
    send: u32,
    /// What the broker does not take.
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
