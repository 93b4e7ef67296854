//! Two gateways on one prefix: either they share the requests, or they say that nobody told them to.

use std::collections::BTreeMap;

use serde_json::json;

use crate::harness::gateway::{Config, Gateway, has_all};
use crate::harness::modem::{Modem, ModemOptions};
use crate::harness::rig::Rig;
use crate::harness::wait::wait_until;

/// A second one beside a rig's: gateway `cellar` with the modem `spare`.
struct Second {
    gateway: Gateway,
    modem: Modem,
}

impl Second {
    fn start(rig: &Rig, share: &str) -> Self {
        let folder = rig.folder().join("second");
        std::fs::create_dir(&folder).expect("a folder");
        let modem = Modem::start(&folder.join("modem"), &ModemOptions::default());
        let mut config = Config::new(&folder, rig.broker.port, modem.port());
        config.set_root("name", "cellar");
        config.set_modem("name", "spare");
        config.set("mqtt", "share", share);
        let mut gateway = Gateway::prepare(&folder, &config);
        gateway.start();
        rig.client.wait_for_text("sms/modem/spare/availability", "online");
        Self { gateway, modem }
    }
}

#[test]
fn without_a_group_they_refuse_rather_than_send_twice() {
    let rig = Rig::start();
    let mut second = Second::start(&rig, "");
    for name in ["attic", "cellar"] {
        rig.client.wait_for_json(&format!("a problem of {name}"), |topic, state| {
            topic == format!("sms/gateway/{name}")
                && state["problem"].as_str().is_some_and(|problem| has_all(problem, &["share"]))
        });
    }
    rig.request(&json!({"id": "both", "to": "+4915100000002", "text": "twice?"}));
    let result = rig.client.wait_for_result("both", "rejected");
    assert_eq!(result["error"]["code"], "no-share", "{result}");

    rig.client.publish(
        "sms/send/spare",
        json!({"id": "one", "to": "+4915100000002", "text": "through the spare one"}).to_string(),
    );
    assert_eq!(rig.client.wait_for_result("one", "sent")["modem"], "spare");
    assert_eq!((rig.modem.submits().len(), second.modem.submits().len()), (0, 1));

    // The other one gone, requests work again.
    second.gateway.stop();
    wait_until("attic to see that it is alone", || {
        let state = rig.client.last_on("sms/gateway/attic").unwrap_or_default();
        has_all(&state, &["\"problem\":null"])
    });
    rig.assert_still_works("alone");
}

#[test]
fn in_a_group_each_request_is_sent_once() {
    let rig = Rig::with(|config| config.set("mqtt", "share", "house"));
    let mut second = Second::start(&rig, "house");
    for n in 0..40 {
        rig.request(
            &json!({"id": format!("shared-{n}"), "to": "+4915100000002", "text": format!("text {n}")}),
        );
    }
    for n in 0..40 {
        rig.client.wait_for_result(&format!("shared-{n}"), "sent");
    }
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for submit in rig.modem.submits().into_iter().chain(second.modem.submits()) {
        *times.entry(submit.text).or_default() += 1;
    }
    assert_eq!(times.len(), 40);
    assert!(times.values().all(|times| *times == 1), "{times:?}");
    assert!(!rig.modem.submits().is_empty() && !second.modem.submits().is_empty(), "both took their turn");
    second.gateway.stop();
}
