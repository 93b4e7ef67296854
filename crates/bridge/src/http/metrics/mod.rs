//! What `/metrics` shows: gateway, store, broker, messages and each modem, by the conventions of Prometheus: base units,
//! `_total` where it only grows. Pure. No number, no text, no serial number of a SIM or modem.

mod text;

use smsbridge_modem::registration::Registration;

pub(super) use self::text::CONTENT_TYPE;
use self::text::{Labels, Text};
use crate::counts::Counted;
use crate::event::{GatewayState, ModemConnection, ModemCounters, ModemState, State};

/// What is known when somebody asks.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    /// The version, with its commit where that is known.
    pub(super) version: &'a str,
    /// The newest states.
    pub(super) states: &'a [State],
    /// Whether there is a connection to the broker.
    pub(super) is_connected: bool,
    /// Whether the store takes what is written.
    pub(super) is_store_well: bool,
    /// What was counted.
    pub(super) counted: &'a Counted,
}

/// All metrics as text.
pub(super) fn render(seen: &Seen<'_>) -> String {
    let mut text = Text::default();
    let gateway = seen.states.iter().find_map(|state| match state {
        State::Gateway(gateway) => Some(gateway),
        _ => None,
    });
    let modems: Vec<&ModemState> = seen
        .states
        .iter()
        .filter_map(|state| match state {
            State::Modem(modem) => Some(&**modem),
            _ => None,
        })
        .collect();
    of_gateway(&mut text, seen, gateway);
    of_messages(&mut text, seen.counted);
    of_modems(&mut text, &modems);
    of_radio(&mut text, &modems);
    text.into_string()
}

fn one(value: f64) -> [(Labels<'static>, f64); 1] {
    [(Vec::new(), value)]
}

fn truth(is_so: bool) -> f64 {
    f64::from(u8::from(is_so))
}

fn of_gateway(text: &mut Text, seen: &Seen<'_>, gateway: Option<&GatewayState>) {
    let version = [(vec![("version", seen.version)], 1.0)];
    text.gauge("smsbridge_build_info", "The version that runs; always 1.", version);
    if let Some(gateway) = gateway {
        let started = gateway.started_at as f64 / 1000.0;
        text.gauge("smsbridge_start_time_seconds", "When the gateway was started, since 1970.", one(started));
        let problem = truth(gateway.problem.is_some());
        text.gauge("smsbridge_problem", "1 while the gateway's state has a problem.", one(problem));
        let queue = &gateway.queue;
        let waits = [("publish", queue.publish), ("send", queue.send), ("parked", queue.parked)];
        text.gauge(
            "smsbridge_queue_messages",
            "Messages that wait: for the broker, for a modem, or because the broker does not take them.",
            waits.map(|(queue, count)| (vec![("queue", queue)], f64::from(count))),
        );
    }
    text.gauge(
        "smsbridge_broker_connected",
        "1 while the gateway is connected to its broker.",
        one(truth(seen.is_connected)),
    );
    text.gauge(
        "smsbridge_store_writable",
        "1 while the store takes what is written.",
        one(truth(seen.is_store_well)),
    );
    text.histogram(
        "smsbridge_store_commit_duration_seconds",
        "How long transactions of the store took, each of one or more operations.",
        &seen.counted.committed_in,
    );
}

fn of_messages(text: &mut Text, counted: &Counted) {
    text.counter(
        "smsbridge_messages_received_total",
        "Messages received, parts joined; incomplete and undecodable ones too, those of denied senders not.",
        counted.received.iter().map(|(modem, count)| (vec![("modem", modem.as_str())], *count)),
    );
    text.counter(
        "smsbridge_results_total",
        "Results of requests by state and error code; repetitions and dry runs do not count.",
        counted
            .results
            .iter()
            .map(|((state, code), count)| (vec![("state", *state), ("code", code)], *count)),
    );
    text.counter(
        "smsbridge_retries_total",
        "Tries to send a message that failed and were not the last, by reason.",
        counted
            .tried_again
            .iter()
            .map(|((modem, why), count)| (vec![("modem", modem.as_str()), ("reason", why.as_str())], *count)),
    );
    text.histogram(
        "smsbridge_send_duration_seconds",
        "From the acceptance of a request, one that is scheduled included, until the network had the whole message.",
        &counted.sent_after,
    );
    text.histogram(
        "smsbridge_publish_duration_seconds",
        "From reading a received message from the modem until the broker acknowledged it.",
        &counted.published_after,
    );
}

fn label(modem: &ModemState) -> Labels<'_> {
    vec![("modem", modem.modem.as_str())]
}

fn of_modems(text: &mut Text, modems: &[&ModemState]) {
    let info = modems.iter().map(|modem| {
        let known = |text: &'_ Option<String>| text.as_deref().unwrap_or_default().to_owned();
        (
            modem,
            [
                known(&modem.manufacturer),
                known(&modem.model),
                known(&modem.firmware),
                known(&modem.operator),
                known(&modem.technology),
            ],
        )
    });
    let info: Vec<_> = info.collect();
    text.gauge(
        "smsbridge_modem_info",
        "What a modem says of itself and its network; always 1.",
        info.iter().map(|(modem, known)| {
            let names = ["manufacturer", "model", "firmware", "operator", "technology"];
            let labels = names.into_iter().zip(known.iter().map(String::as_str));
            (label(modem).into_iter().chain(labels).collect(), 1.0)
        }),
    );
    let mut states = |name: &str, help: &str, is_so: fn(&ModemState) -> Option<bool>| {
        let samples = modems.iter().filter_map(|modem| Some((label(modem), truth(is_so(modem)?))));
        text.gauge(name, help, samples);
    };
    states("smsbridge_modem_online", "1 while the modem can be used.", |modem| {
        Some(modem.connection == ModemConnection::Online)
    });
    states("smsbridge_modem_problem", "1 while the modem's state has a problem.", |modem| {
        Some(modem.problem.is_some())
    });
    states("smsbridge_modem_registered", "1 while a network has the modem, at home or roaming.", |modem| {
        modem.registration.map(Registration::is_registered)
    });
    let mut counts = |name: &str, help: &str, count: fn(&ModemCounters) -> u64| {
        text.counter(name, help, modems.iter().map(|modem| (label(modem), count(&modem.counters))));
    };
    counts(
        "smsbridge_modem_parts_received_total",
        "Short messages received, each part of a longer one.",
        |counters| counters.received,
    );
    counts("smsbridge_modem_parts_sent_total", "Short messages that the network accepted.", |counters| {
        counters.sent
    });
    counts("smsbridge_modem_parts_not_sent_total", "Short messages that it did not.", |counters| {
        counters.not_sent
    });
    counts("smsbridge_modem_sessions_total", "Connections to the modem that became usable.", |counters| {
        counters.sessions
    });
    text.counter(
        "smsbridge_modem_recovery_steps_total",
        "What was done to get the modem to work again, each step stronger than the one before.",
        modems.iter().flat_map(|modem| {
            let counters = &modem.counters;
            let steps = [
                ("announced_again", counters.announced_again),
                ("probed", counters.probed),
                ("resynchronised", counters.resynchronised),
                ("reopened", counters.reopened),
                ("radio_restarted", counters.radio_restarted),
                ("reset", counters.reset),
            ];
            steps.map(|(step, count)| ([label(modem), vec![("step", step)]].concat(), count))
        }),
    );
}

fn of_radio(text: &mut Text, modems: &[&ModemState]) {
    let mut radio = |name: &str, help: &str, value: fn(&ModemState) -> Option<f64>| {
        text.gauge(name, help, modems.iter().filter_map(|modem| Some((label(modem), value(modem)?))));
    };
    radio("smsbridge_modem_signal_dbm", "Received signal strength.", |modem| modem.signal.dbm.map(f64::from));
    radio("smsbridge_modem_signal_ratio", "Received signal strength from 0 to 1.", |modem| {
        modem.signal.percent.map(|percent| f64::from(percent) / 100.0)
    });
    radio("smsbridge_modem_rsrp_dbm", "Received power of the reference signal (LTE).", |modem| {
        modem.signal.rsrp_dbm.map(f64::from)
    });
    radio("smsbridge_modem_rsrq_db", "Received quality of the reference signal (LTE).", |modem| {
        modem.signal.rsrq_db.map(f64::from)
    });
    radio("smsbridge_modem_sinr_db", "Signal to interference and noise ratio.", |modem| {
        modem.signal.sinr_db.map(f64::from)
    });
    let storages = |count: fn(&crate::event::StorageUse) -> u16| {
        let samples = modems.iter().flat_map(move |modem| {
            modem.storage.iter().map(move |storage| {
                let labels = [label(modem), vec![("storage", storage.name.as_str())]].concat();
                (labels, f64::from(count(storage)))
            })
        });
        samples.collect::<Vec<_>>()
    };
    text.gauge(
        "smsbridge_modem_storage_used_messages",
        "Messages in a storage of modem or SIM.",
        storages(|storage| storage.used),
    );
    text.gauge(
        "smsbridge_modem_storage_size_messages",
        "Messages that fit into it.",
        storages(|storage| storage.total),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counts::{Again, Count, Counts};
    use crate::event::{MessageState, QueueDepth, Signal, StorageUse};
    use crate::failure::FailureCode;

    fn states() -> Vec<State> {
        let modem = ModemState::new("main".parse().unwrap());
        let modem = ModemState {
            connection: ModemConnection::Online,
            operator: Some("A \"network\"\n".to_owned()),
            registration: Some(Registration::Roaming),
            signal: Signal { dbm: Some(-73), percent: Some(64), sinr_db: Some(14.5), ..Signal::default() },
            number: Some("+4915112345678".to_owned()),
            imei: Some("490154203237518".to_owned()),
            iccid: Some("8949020000012345678".to_owned()),
            storage: vec![StorageUse { name: "SM".to_owned(), used: 3, total: 30 }],
            counters: ModemCounters { reset: 2, ..ModemCounters::default() },
            ..modem
        };
        let gateway = GatewayState {
            version: "1",
            instance: "i".to_owned(),
            started_at: 1_500,
            modems: vec![modem.modem.clone()],
            queue: QueueDepth { publish: 1, send: 2, parked: 3 },
            problem: Some("words".to_owned()),
        };
        vec![State::Gateway(gateway), State::Modem(Box::new(modem))]
    }

    fn rendered(states: &[State], counts: &Counts) -> String {
        let counted = &counts.counted();
        render(&Seen { version: "1 (abc)", states, is_connected: true, is_store_well: false, counted })
    }

    #[test]
    fn everything_known_is_shown_and_nobody_is_named() {
        let counts = Counts::default();
        let main = || "main".parse().unwrap();
        counts.add(Count::Received(main()));
        counts.add(Count::Result(MessageState::Failed, Some(FailureCode::Cms(38))));
        counts.add(Count::Result(MessageState::Sent, None));
        counts.add(Count::Result(MessageState::Sent, None));
        counts.add(Count::TriedAgain(main(), Again::OtherModem));
        let text = rendered(&states(), &counts);
        for line in [
            "smsbridge_build_info{version=\"1 (abc)\"} 1",
            "smsbridge_start_time_seconds 1.5",
            "smsbridge_problem 1",
            "smsbridge_queue_messages{queue=\"send\"} 2",
            "smsbridge_broker_connected 1",
            "smsbridge_store_writable 0",
            "smsbridge_messages_received_total{modem=\"main\"} 1",
            "smsbridge_results_total{state=\"failed\",code=\"cms-38\"} 1",
            "smsbridge_results_total{state=\"sent\",code=\"\"} 2",
            "smsbridge_retries_total{modem=\"main\",reason=\"other_modem\"} 1",
            "smsbridge_modem_online{modem=\"main\"} 1",
            "smsbridge_modem_registered{modem=\"main\"} 1",
            "smsbridge_modem_recovery_steps_total{modem=\"main\",step=\"reset\"} 2",
            "smsbridge_modem_signal_dbm{modem=\"main\"} -73",
            "smsbridge_modem_signal_ratio{modem=\"main\"} 0.64",
            "smsbridge_modem_sinr_db{modem=\"main\"} 14.5",
            "smsbridge_modem_storage_used_messages{modem=\"main\",storage=\"SM\"} 3",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing in:\n{text}");
        }
        assert!(text.contains("operator=\"A \\\"network\\\"\\n\""), "{text}");
        for secret in ["4915112345678", "490154203237518", "8949020000012345678", "words"] {
            assert!(!text.contains(secret), "{secret} is in:\n{text}");
        }
    }

    #[test]
    fn what_is_not_known_is_not_shown() {
        let modem = ModemState::new("main".parse().unwrap());
        let text = rendered(&[State::Modem(Box::new(modem))], &Counts::default());
        for name in ["smsbridge_modem_signal_dbm", "smsbridge_modem_registered", "smsbridge_queue_messages"] {
            assert!(!text.contains(name), "{name} is in:\n{text}");
        }
    }
}
