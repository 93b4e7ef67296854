//! A hundred modems in one process, plugged and unplugged at random; one that hangs delays nobody else.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::json;
use smsbridge_simulator::{Options, Simulator, pty};

use crate::harness::modem::ModemOptions;
use crate::harness::rig::Rig;
use crate::harness::wait::wait_until;

const MODEMS: u32 = 100;

/// Long enough for each modem to have been away several times.
const STORM: Duration = Duration::from_secs(12);

#[test]
fn plugged_and_unplugged_at_random() {
    let folder = tempfile::TempDir::with_prefix("smsbridge-hundred-").expect("a folder");
    let mut ports = Vec::new();
    let sims: Vec<Simulator> = (0..MODEMS)
        .map(|n| {
            let sim = Simulator::new(Options { loopback: false, ..Options::numbered(n) });
            ports.push(pty::spawn(&sim, folder.path().join(format!("m{n}"))).expect("a pseudo-terminal"));
            sim
        })
        .collect();
    let mut rig = Rig::prepare(&ModemOptions::default(), |config| {
        for (n, port) in ports.iter().enumerate() {
            config.add_modem(&format!("m{n}"), &port.path().display().to_string());
        }
    });
    let online = rig.client("online", &["sms/modem/+/availability", "sms/received/#"]);
    rig.start_gateway();
    // The first one never answers from now on, whatever happens to the others.
    sims[0].hang();

    let mut random = fastrand::Rng::with_seed(0x2026);
    let mut wanted = BTreeSet::new();
    let until = Instant::now() + STORM;
    let mut n = 0;
    while Instant::now() < until {
        let sim = &sims[random.usize(1..sims.len())];
        match random.u8(..4) {
            0 => sim.unplug(),
            1 => sim.plug(),
            _ => {
                let text = format!("in the storm {n}");
                sim.deliver("+4915100000001", &text).expect("a text that can be sent");
                wanted.insert(text);
                n += 1;
            }
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    sims.iter().skip(1).for_each(Simulator::plug);

    let mut seen = BTreeSet::new();
    wait_until("every message of the storm", || {
        for publish in online.received() {
            let json: serde_json::Value = serde_json::from_slice(&publish.payload).unwrap_or_default();
            seen.extend(json["text"].as_str().map(str::to_owned));
        }
        wanted.is_subset(&seen)
    });
    rig.gateway.assert_running();

    // No modem in particular: the one that hangs holds nothing up.
    for n in 0..20 {
        rig.request(&json!({"id": format!("any-{n}"), "to": "+4915100000002", "text": "any modem"}));
    }
    for n in 0..20 {
        rig.client.wait_for_result(&format!("any-{n}"), "sent");
    }
    assert_eq!(sims[0].sent().len(), 0);
}
