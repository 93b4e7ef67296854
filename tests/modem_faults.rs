//! Faults of modems, with the whole program on a terminal device: each test is named after the fault.
//!
//! The same faults, and many more, are in crates/modem/tests/misfortune over in-process streams.

use std::time::Duration;

use serde_json::{Value, json};
use smsbridge_simulator::{
    Domain, Fault, FaultKind, Message, Options, Simulator, Status, Storage, VendorProfile,
};

use crate::harness::rig::Rig;
use crate::harness::wait::wait_until;

/// A rig whose modem is `options`, with its simulator.
pub struct VendorRig {
    pub rig: Rig,
    pub sim: Simulator,
}

impl VendorRig {
    /// Everything but the gateway runs; `config` is the `[[modem]]` table's keys.
    pub fn prepare(options: Options, keys: &[(&str, toml::Value)]) -> Self {
        let rig = Rig::prepare(&options, |config| {
            for (key, value) in keys {
                config.set_modem(key, value.clone());
            }
        });
        let sim = rig.modem.simulator().clone();
        VendorRig { rig, sim }
    }

    pub fn start(profile: VendorProfile) -> Self {
        let mut vendor = Self::prepare(Options { profile, ..Options::default() }, &[]);
        vendor.rig.start_gateway();
        vendor
    }

    pub fn deliver(&self, text: &str) {
        self.sim.deliver("+4915100000001", text).expect("a text that can be sent");
    }

    /// One message each way.
    pub fn assert_works(&self, name: &str) {
        let text = format!("{name} in");
        self.deliver(&text);
        self.rig.wait_for_received(&text);
        self.rig.request(&json!({"id": name, "to": "+4915100000002", "text": "out"}));
        self.rig.client.wait_for_result(name, "sent");
    }

    pub fn wait_for_state(&self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        self.rig.wait_for_modem(what, is_it)
    }
}

#[test]
fn split_octets() {
    for profile in [
        VendorProfile::generic(),
        VendorProfile::huawei(),
        VendorProfile::sim800(),
        VendorProfile::m95(),
        VendorProfile::a7670(),
        VendorProfile::mc7455(),
    ] {
        let name = profile.name;
        let mut vendor = VendorRig::prepare(Options { profile, ..Options::default() }, &[]);
        vendor.sim.fault(Fault::on("AT", FaultKind::Split(Duration::from_millis(1))).every());
        vendor.rig.start_gateway();
        vendor.assert_works(name);
    }
}

#[test]
fn urc_between_the_lines_of_every_answer() {
    for profile in [
        VendorProfile::huawei(),
        VendorProfile::zte(),
        VendorProfile::sim7600(),
        VendorProfile::a7670(),
        VendorProfile::mc7455(),
    ] {
        let name = profile.name;
        let mut vendor = VendorRig::prepare(Options { profile, ..Options::default() }, &[]);
        vendor.sim.fault(Fault::on("AT", FaultKind::Noise).every());
        vendor.rig.start_gateway();
        vendor.deliver(&"a long one, in parts. ".repeat(20));
        vendor.rig.wait_for_received(&"a long one, in parts. ".repeat(20));
        vendor.assert_works(name);
    }
}

#[test]
fn reset_after_the_prompt() {
    for profile in [
        VendorProfile::ec25(),
        VendorProfile::sim800(),
        VendorProfile::mc75i(),
        VendorProfile::m95(),
        VendorProfile::sim7600(),
    ] {
        let name = profile.name;
        let vendor = VendorRig::start(profile);
        vendor.sim.fault(Fault::on("AT+CMGS", FaultKind::Reset).answered());
        vendor.rig.request(&json!({"id": "reset", "to": "+4915100000002", "text": "comes out"}));
        vendor.rig.client.wait_for_result("reset", "sent");
        vendor.assert_works(name);
    }
}

#[test]
fn re_enumeration_under_another_device_name() {
    for profile in [VendorProfile::huawei(), VendorProfile::zte(), VendorProfile::ec21()] {
        let name = profile.name;
        let mut vendor = VendorRig::prepare(Options { profile, ..Options::default() }, &[]);
        let before = std::fs::read_link(vendor.rig.modem.port()).expect("a device");
        // Held open, so that the old number is not free when the modem comes back.
        let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC;
        let held = rustix::fs::open(&before, flags, rustix::fs::Mode::empty()).expect("a terminal");
        vendor.rig.start_gateway();
        vendor.sim.unplug();
        vendor.rig.client.wait_for_text("sms/modem/main/availability", "offline");
        vendor.sim.plug();
        vendor.rig.client.wait_for_text("sms/modem/main/availability", "online");
        assert_ne!(std::fs::read_link(vendor.rig.modem.port()).ok(), Some(before), "{name}: another device");
        drop(held);
        vendor.assert_works(name);
    }
}

#[test]
fn wrong_pin_once() {
    for profile in [VendorProfile::huawei(), VendorProfile::sim7600(), VendorProfile::mc75i()] {
        let name = profile.name;
        let options = Options { profile, pin: Some("1234".into()), ..Options::default() };
        let mut vendor = VendorRig::prepare(options, &[("pin", "9999".into())]);
        vendor.rig.launch_gateway(&[]);
        let said = |state: &Value| state["problem"].as_str().is_some_and(|said| said.contains("PIN"));
        let state = vendor.wait_for_state("a word about the PIN", said);
        assert!(!state.to_string().contains("9999"), "{state}");
        let known =
            |state: &Value| state["problem"].as_str().is_some_and(|said| said.contains("wrong before"));
        vendor.wait_for_state("a PIN that is not tried again", known);
        assert_eq!(vendor.sim.pin_tries_left(), 2, "{name}");
        assert!(!vendor.rig.gateway.log().contains("9999"), "{name}: no PIN in the log");
    }
}

#[test]
fn sim_full() {
    for profile in [VendorProfile::sim900(), VendorProfile::m590(), VendorProfile::mc75i()] {
        let name = profile.name;
        let mut vendor = VendorRig::prepare(Options { profile, slots: 5, ..Options::default() }, &[]);
        for n in 0..12 {
            vendor.deliver(&format!("flood {n}"));
        }
        vendor.rig.start_gateway();
        for n in 0..12 {
            vendor.rig.wait_for_received(&format!("flood {n}"));
        }
        wait_until("an empty SIM", || vendor.sim.stored().is_empty() && vendor.sim.waiting() == 0);
        vendor.assert_works(name);
    }
}

#[test]
fn a_sim_full_of_foreign_messages_is_reported() {
    let mut vendor = VendorRig::prepare(Options { slots: 5, ..Options::default() }, &[]);
    for _ in 0..4 {
        vendor
            .sim
            .put(Storage::Sm, Status::Unsent, "0001000D91945101000000F2000002E834")
            .expect("a free slot");
    }
    vendor.rig.start_gateway();
    let said = |state: &Value| state["problem"].as_str().is_some_and(|said| said.contains("4 of 5"));
    vendor.wait_for_state("the storage's use in words", said);
}

#[test]
fn two_storages() {
    for profile in [VendorProfile::ec25(), VendorProfile::zte(), VendorProfile::huawei()] {
        let name = profile.name;
        let mut vendor = VendorRig::prepare(Options { profile, ..Options::default() }, &[]);
        for (storage, text) in [(Storage::Sm, "in SM"), (Storage::Me, "in ME")] {
            let pdus = vendor.sim.parts("+4915100000001", text, &Message::default()).expect("a text");
            vendor.sim.put(storage, Status::Unread, &pdus[0]).expect("a free slot");
        }
        vendor.rig.start_gateway();
        vendor.rig.wait_for_received("in SM");
        vendor.rig.wait_for_received("in ME");
        wait_until("empty storages", || vendor.sim.stored().is_empty());
        vendor.assert_works(name);
    }
}

#[test]
fn cmgl_that_never_returns() {
    let vendor = VendorRig::start(VendorProfile::huawei());
    vendor.sim.fault(Fault::on("AT+CMGL", FaultKind::Swallow).every());
    vendor.deliver("read by its slot");
    vendor.rig.wait_for_received("read by its slot");
    let state = vendor.wait_for_state("a session that came up again", |state| {
        state["counters"]["resynchronised"].as_u64().is_some_and(|n| n > 0) && state["problem"].is_null()
    });
    assert_eq!(state["state"], "online");
    vendor.assert_works("after");
}

#[test]
fn three_argument_cpms() {
    let vendor = VendorRig::start(VendorProfile::e3372());
    vendor.assert_works("three");
}

#[test]
fn a_refused_cnmi() {
    let mut vendor = VendorRig::prepare(Options::default(), &[]);
    vendor.sim.fault(Fault::on("AT+CNMI=", FaultKind::Cms(303)).every());
    vendor.deliver("found by polling");
    vendor.rig.start_gateway();
    vendor.rig.wait_for_received("found by polling");
}

#[test]
fn class_0_while_sending() {
    for profile in [
        VendorProfile::generic(),
        VendorProfile::sim800(),
        VendorProfile::ec25(),
        VendorProfile::m95(),
        VendorProfile::a7670(),
        VendorProfile::mc7455(),
    ] {
        let vendor = VendorRig::start(profile);
        vendor.sim.set_submit_delay(Duration::from_secs(2));
        vendor.rig.request(&json!({"id": "slow", "to": "+4915100000002", "text": "takes a while"}));
        wait_until("the message to be on air", || !vendor.sim.sent().is_empty());
        let flash = Message { class: Some(0), ..Message::default() };
        let pdu = vendor.sim.parts("+4915100000001", "flash", &flash).expect("a text").remove(0);
        // As modems do that store no class 0, whatever +CNMI says.
        vendor.sim.send_urc(&format!("+CMT: ,{}\r\n{pdu}", pdu.len() / 2 - 8));
        let received = vendor.rig.wait_for_received("flash");
        assert_eq!(received["class"], 0);
        vendor.rig.client.wait_for_result("slow", "sent");
    }
}

#[test]
fn a_hanging_modem_is_recovered_step_by_step_and_reported() {
    let vendor = VendorRig::start(VendorProfile::generic());
    vendor.sim.hang();
    vendor.rig.request(&json!({"id": "waits", "to": "+4915100000002", "text": "waits"}));
    let state = vendor.wait_for_state("the step that comes next, in words", |state| {
        state["problem"].as_str().is_some_and(|said| said.contains("no answer") && said.contains("next:"))
    });
    assert_eq!(state["state"], "offline");
    vendor.rig.gateway.wait_for_log(&["next: ", "once more"]);
    vendor.sim.clear_faults();
    vendor.rig.client.wait_for_result("waits", "sent");
    vendor.wait_for_state("a counter of what was tried", |state| {
        state["counters"]["resynchronised"].as_u64().is_some_and(|n| n > 0)
    });
    assert_eq!(vendor.sim.sent().len(), 1);
}

#[test]
fn a_domain_that_refuses_stops_nothing_while_another_is_registered() {
    let vendor = VendorRig::start(VendorProfile::generic());
    vendor.wait_for_state("a registered modem", |state| state["registration"] == "home");
    vendor.sim.set_registration_of(Domain::Cs, 3);
    vendor.assert_works("refused-by-one");
    let states = vendor.rig.client.received();
    let states: Vec<_> = states.iter().filter(|publish| publish.topic == "sms/modem/main").collect();
    let refused = states.iter().find(|state| String::from_utf8_lossy(&state.payload).contains("denied"));
    assert!(refused.is_none(), "{refused:?}");
}

#[test]
fn a_modem_that_only_5g_has_registered_sends() {
    let mut vendor = VendorRig::prepare(Options::default(), &[]);
    for (domain, stat) in [(Domain::Cs, 0), (Domain::Ps, 0), (Domain::Eps, 2), (Domain::FiveG, 1)] {
        vendor.sim.set_registration_of(domain, stat);
    }
    vendor.rig.start_gateway();
    vendor.assert_works("by-5g");
    vendor.wait_for_state("a registered modem", |state| state["registration"] == "home");
}

#[test]
fn a_slot_that_was_refused_and_is_empty_is_no_problem_any_more() {
    let vendor = VendorRig::start(VendorProfile::generic());
    // Refused, and done all the same: nobody has to delete it any more.
    vendor.sim.fault(Fault::on("AT+CMGD=", FaultKind::Cms(500)).acted());
    vendor.deliver("is deleted");
    vendor.rig.wait_for_received("is deleted");
    wait_until("the refusal to be told, and to be over", || {
        let states =
            vendor.rig.client.received().into_iter().filter(|publish| publish.topic == "sms/modem/main");
        let states: Vec<Value> =
            states.filter_map(|state| serde_json::from_slice(&state.payload).ok()).collect();
        let is_told =
            |state: &Value| state["problem"].as_str().is_some_and(|said| said.contains("cannot be deleted"));
        let told = states.iter().position(is_told);
        told.is_some_and(|told| states[told..].iter().any(|state| state["problem"].is_null()))
    });
    vendor.assert_works("refused-and-empty");
}

#[test]
fn a_deletion_that_is_only_pretended_is_made_again() {
    let vendor = VendorRig::start(VendorProfile::generic());
    vendor.sim.fault(Fault::on("AT+CMGD=1", FaultKind::Pretend));
    vendor.deliver("stays");
    vendor.rig.wait_for_received("stays");
    // The next message is the occasion to see that the first one is still there.
    vendor.assert_works("pretended");
    wait_until("the slots to be empty", || vendor.sim.stored().is_empty());
    let received = vendor.rig.published("sms/received/");
    let stays = received.iter().filter(|crossing| crossing.publish.payload.windows(5).any(|w| w == b"stays"));
    assert_eq!(stays.count(), 1);
}
