//! What a modem can do beside messages: USSD, calls, cell broadcasts; and the transcript of the dialogue.

use serde_json::{Value, json};
use smsbridge_simulator::{Options, Ussd, VendorProfile};

use crate::harness::client::Client;
use crate::harness::process::code;
use crate::harness::rig::Rig;
use crate::harness::wait::wait_until;
use crate::modem_faults::VendorRig;

fn service_client(rig: &Rig) -> Client {
    rig.client("services", &["sms/ussd/+/reply", "sms/call/#", "sms/broadcast/#"])
}

fn wait_for_reply(client: &Client, id: &str, state: &str) -> Value {
    client.wait_for_json(&format!("{state} for {id}"), |topic, json| {
        topic == "sms/ussd/main/reply" && json["id"] == id && json["state"] == state
    })
}

#[test]
fn a_balance_is_asked_and_a_menu_answered() {
    for profile in [VendorProfile::generic(), VendorProfile::huawei()] {
        let mut vendor = VendorRig::prepare(Options { profile, ..Options::default() }, &[]);
        vendor.rig.reconfigure(|config| config.set("ussd", "allow", vec!["*100#", "*101#"]));
        vendor.rig.start_gateway();
        let client = service_client(&vendor.rig);
        vendor.sim.set_ussd("*101#", Ussd { text: "1 Баланс\n2 Тариф".into(), more: true });
        vendor.sim.set_ussd("1", Ussd { text: "Баланс: 12.34 р".into(), more: false });
        client.publish("sms/ussd/main", json!({"id": "a", "code": "*100#"}).to_string());
        assert_eq!(wait_for_reply(&client, "a", "done")["text"], "Balance: 12.34");
        client.publish("sms/ussd/main", json!({"id": "b", "code": "*101#"}).to_string());
        assert_eq!(wait_for_reply(&client, "b", "more")["text"], "1 Баланс\n2 Тариф");
        client.publish("sms/ussd/main", json!({"id": "b", "reply": "1"}).to_string());
        assert_eq!(wait_for_reply(&client, "b", "done")["text"], "Баланс: 12.34 р");
        client.publish("sms/ussd/main", json!({"id": "d", "cancel": true}).to_string());
        wait_for_reply(&client, "d", "done");
        vendor.assert_works("beside");
    }
}

#[test]
fn invalid_ussd_requests_are_answered() {
    let vendor = VendorRig::start(VendorProfile::generic());
    let client = service_client(&vendor.rig);
    client.publish("sms/ussd/main", json!({"id": "e", "cod": "*100#"}).to_string());
    wait_for_reply(&client, "e", "failed");
    client.publish("sms/ussd/main", json!({"id": "f", "code": "\"\r"}).to_string());
    wait_for_reply(&client, "f", "failed");
    vendor.sim.unplug();
    vendor.rig.client.wait_for_text("sms/modem/main/availability", "offline");
    client.publish("sms/ussd/main", json!({"id": "g", "code": "*100#"}).to_string());
    wait_for_reply(&client, "g", "failed");
    assert_eq!(vendor.sim.commands().iter().filter(|line| line.contains("CUSD=1")).count(), 0);
}

#[test]
fn a_call_rings_once_is_missed_once_and_stalls_no_message() {
    let vendor = VendorRig::start(VendorProfile::sim800());
    let client = service_client(&vendor.rig);
    vendor.sim.ring("+4915100000009");
    let of = |client: &Client, state: &str| {
        client.wait_for_json(state, |topic, json| topic == "sms/call/main" && json["state"] == state)
    };
    assert_eq!(of(&client, "ringing")["from"], "+4915100000009");
    vendor.assert_works("while-it-rings");
    vendor.sim.stop_ringing();
    assert_eq!(of(&client, "missed")["from"], "+4915100000009");
    let calls = client.received().iter().filter(|publish| publish.topic == "sms/call/main").count();
    assert_eq!(calls, 2);
}

#[test]
fn a_call_is_hung_up_where_configured() {
    let mut vendor = VendorRig::prepare(Options::default(), &[("hang_up", true.into())]);
    vendor.rig.start_gateway();
    let client = service_client(&vendor.rig);
    vendor.sim.ring("+4915100000009");
    client.wait_for_json("ringing", |topic, json| topic == "sms/call/main" && json["state"] == "ringing");
    wait_until("the call to be ended", || vendor.sim.commands().iter().any(|line| line == "AT+CHUP"));
    vendor.assert_works("after");
}

#[test]
fn cell_broadcasts_are_off_unless_wanted() {
    // "Test" and padding, channel 50, page 1 of 1.
    let page = format!("0010003201{}D4F29C0E1A8D46A3D168", "11").to_ascii_uppercase();
    let page = format!("{page}{}", "00".repeat(88 - page.len() / 2));
    let mut vendor = VendorRig::prepare(Options::default(), &[("broadcast", vec!["50".to_owned()].into())]);
    vendor.rig.start_gateway();
    let client = service_client(&vendor.rig);
    assert!(vendor.sim.commands().iter().any(|line| line == "AT+CSCB=0,\"50\""));
    assert!(vendor.sim.broadcast(&page) && vendor.sim.broadcast(&page));
    let broadcast = client.wait_for_json("the broadcast", |topic, _| topic == "sms/broadcast/main");
    assert_eq!((&broadcast["channel"], &broadcast["complete"]), (&json!(50), &json!(true)));
    vendor.assert_works("beside");
    let broadcasts = client.received().iter().filter(|publish| publish.topic == "sms/broadcast/main").count();
    assert_eq!(broadcasts, 1, "what the cell repeats is published once");

    let vendor = VendorRig::start(VendorProfile::generic());
    assert!(!vendor.sim.broadcast(&page), "off unless wanted");
}

#[test]
fn an_alert_is_published_in_whatever_form_the_modem_gives_it() {
    let mut vendor =
        VendorRig::prepare(Options::default(), &[("broadcast", vec!["4352-4400".to_owned()].into())]);
    vendor.rig.start_gateway();
    let client = service_client(&vendor.rig);
    let alert = |what: &str, is_it: &dyn Fn(&Value) -> bool| {
        client.wait_for_json(what, |topic, json| topic == "sms/broadcast/main" && is_it(json))
    };
    // NL-Alert of 2023 as a modem gave it: the last page without padding.
    for page in [
        "46A0111305134E662BC82ECBE92018AD1593B56430D90C1493E960301D885A9C528545697288A4BA40C432E86D2FCBD1E53419740F87E5F331BA7EA783D465103DAD2697DD7390FBFD26CFD3F47A989E2ECF41F67418E404",
        "46A011130523CC56905D96D35D206519C42E97E7741039EC06DDC37490BA0C6ABFCB7410F95D7683CA6ED03D1C9683D46550BB5C9683D26EF35BDE0ED3D365D03AEC06D9D36E72D9ED02A9542A10B538A5829AC5E9347804",
        "46A0111305334590B34C4797E5ECB09B3C071DDFF6B2DCDD2EBBE920685DCC4E8F41D7B0DC9D769F41D3FC9C5E6EBB40CE37283CA6A7DF6E90BC1CAFA7E565B2AB",
    ] {
        assert!(vendor.sim.broadcast(page));
    }
    let nl = alert("the alert", &|json| json["channel"] == 4371);
    assert_eq!((&nl["complete"], &nl["pages"], &nl["language"]), (&json!(true), &json!(3), &json!("nl")));
    assert!(nl["text"].as_str().is_some_and(|text| text.ends_with("No action required.")), "{nl}");
    // The UMTS form: one page, its length behind it.
    assert!(vendor.sim.broadcast(&format!("011112001001{}C834{}02", "01", "00".repeat(80))));
    assert_eq!(alert("the UMTS form", &|json| json["channel"] == 4370)["text"], "Hi");
    // ETWS: an earthquake.
    assert!(vendor.sim.broadcast("300011000180"));
    let etws = alert("the warning", &|json| json["channel"] == 4352);
    assert_eq!(etws["warning"], json!({"type": "earthquake", "alert": true, "popup": true}), "{etws}");
    vendor.assert_works("beside");
}

#[test]
fn a_transcript_shows_the_dialogue_and_nothing_personal() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("trace");
    let options = Options { pin: Some("4711".into()), ..Options::default() };
    let mut vendor = VendorRig::prepare(options, &[("pin", "4711".into())]);
    let path = file.display().to_string();
    vendor.rig.reconfigure(|config| config.set_root("trace", path));
    vendor.rig.start_gateway();
    vendor.assert_works("traced");
    vendor.sim.ring("+4915100000009");
    let read = || std::fs::read_to_string(&file).expect("a transcript");
    wait_until("the call in the transcript", || read().contains("+CLIP:"));
    assert_eq!(code(vendor.rig.gateway.stop()), 0);
    let trace = read();
    for shown in ["main opened at", "> AT+CMGF=0;+CMGS=", "< OK", "AT+CPIN=****", "octets>", "+CLIP:"] {
        assert!(trace.contains(shown), "{shown} is not in\n{trace}");
    }
    let options = Options::default();
    for hidden in ["4711", "15100000009", &options.imei, &options.iccid, &options.imsi, &options.number[4..]]
    {
        assert!(!trace.contains(hidden), "{hidden} is in\n{trace}");
    }
}
