//! Messages that are not simply to be read come out as what they are, and no rule answers them.

use serde_json::{Value, json};

use crate::harness::rig::Rig;

/// To the phone, from +79211234567, stamped 2026-11-22T10:15:35+03:00: first octet, TP-PID, TP-DCS, TP-UDL and TP-UD are given.
fn deliver(first: &str, pid: &str, dcs: &str, user_data: &str) -> String {
    format!("00{first}0B919712214365F7{pid}{dcs}62112201515321{user_data}")
}

/// "12345 678", which the rule below matches.
const READING: &str = "0931D98C5603D96E38";

fn message(rig: &Rig, pdu: &str) -> Value {
    rig.modem.deliver_pdu(pdu);
    rig.client.wait_for_json("the message", |topic, message| {
        topic == "sms/received/main" && message["pdus"] == json!([pdu])
    })
}

#[test]
fn each_kind_is_told_and_only_a_plain_message_is_answered() {
    let rig = Rig::with(|config| {
        config.set("inbound", "include_pdu", true);
        // The messages are as old as their time stamp.
        let rule =
            "name = \"meter\"\nmatch = '(?<a>\\d+) (?<b>\\d+)'\nreply = \"got {b}\"\nreply_max_age_h = 0";
        config.add("rule", rule);
    });
    let silent = message(&rig, &deliver("04", "40", "00", READING));
    assert_eq!((&silent["kind"], &silent["text"]), (&json!("silent"), &json!("12345 678")), "{silent}");
    let waiting = message(&rig, &deliver("04", "00", "C8", READING));
    assert_eq!(waiting["kind"], "waiting");
    assert_eq!(waiting["waiting"], json!([{"type": "voicemail", "active": true}]), "{waiting}");
    // The header says how many: 3.
    let counted = message(&rig, &deliver("44", "00", "00", "0F0401020003C464335A0D64BBE100"));
    assert_eq!(counted["waiting"], json!([{"type": "voicemail", "active": true, "count": 3}]), "{counted}");
    let to_a_port = message(&rig, &deliver("44", "00", "04", "10060504C3500000313233343520363738"));
    assert_eq!(
        (&to_a_port["kind"], &to_a_port["text"]),
        (&json!("data"), &json!("12345 678")),
        "{to_a_port}"
    );
    assert_eq!(to_a_port["destination_port"], 50_000);
    let binary = message(&rig, &deliver("04", "00", "04", "03010203"));
    assert_eq!(
        (&binary["kind"], &binary["text"], &binary["data"]),
        (&json!("data"), &Value::Null, &json!("AQID"))
    );
    assert!(rig.modem.submits().is_empty(), "{:?}", rig.modem.submits());

    let replacing = message(&rig, &deliver("04", "43", "00", READING));
    assert_eq!((&replacing["kind"], &replacing["replaces"]), (&Value::Null, &json!(3)), "{replacing}");
    assert_eq!((&replacing["from_type"], &replacing["rule"]), (&json!("international"), &json!("meter")));
    let id = format!("reply-{}", replacing["id"].as_str().unwrap_or_default());
    rig.client.wait_for_result(&id, "sent");
    assert_eq!(rig.modem.submits().len(), 1, "{:?}", rig.modem.submits());
}

#[test]
fn a_multimedia_message_tells_its_sender_size_and_place() {
    let rig = Rig::start();
    // Both parts, as an English operator sent them: see crates/codec/tests/vectors/mms.json.
    for part in [
        "0791447758100650400E80885810000000810004016082415464408C0C08049F8E020105040B8423F00106226170706C69636174696F6E2F766E642E7761702E6D6D732D6D65737361676500AF848C82984E4F4B3543694B636F544D595347344D4253774141734B7631344655484141414141414141008D908919802B3434373738353334323734392F545950453D504C4D4E008A808E0274008805810301194083687474703A2F",
        "0791447758100650440E8088581000000081000401608241547440440C08049F8E020205040B8423F02F70726F6D6D732F736572766C6574732F4E4F4B3543694B636F544D595347344D4253774141734B763134465548414141414141414100",
    ] {
        rig.modem.deliver_pdu(part);
    }
    let message = rig.client.wait_for_json("the notification", |topic, _| topic == "sms/received/main");
    assert_eq!((&message["kind"], &message["complete"]), (&json!("mms"), &json!(true)), "{message}");
    let location = "http://promms/servlets/NOK5CiKcoTMYSG4MBSwAAsKv14FUHAAAAAAAA";
    assert_eq!(message["mms"], json!({"from": "+447785342749", "size": 29_696, "location": location}));
}
