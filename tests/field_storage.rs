//! Slots and notices of modems in the field: what cannot be deleted or read stops nothing, and what is announced in an odd way
//! is found at once.

use std::time::Duration;

use smsbridge_simulator::{Fault, FaultKind, Message, Notice, Simulator, Status, Storage, VendorProfile};

use crate::harness::modem::ModemOptions;
use crate::harness::rig::{self, Rig};
use crate::harness::wait::{wait_at_most, wait_until};

const SENDER: &str = "+4915100000001";

/// A sweep is due after a minute without any notice: what is found sooner was found by the notice.
const SOONER_THAN_A_SWEEP: Duration = Duration::from_secs(45);

/// The recovery steps among the counters of a modem's state.
const STEPS: [&str; 4] = ["resynchronised", "reopened", "radio_restarted", "reset"];

/// One session, and nothing was tried.
fn assert_undisturbed(counters: &serde_json::Value) {
    assert_eq!(counters["sessions"], 1, "{counters}");
    for step in STEPS {
        assert_eq!(counters[step], 0, "{step}: {counters}");
    }
}

/// A PDU of this text.
fn pdu(sim: &Simulator, text: &str) -> String {
    sim.parts(SENDER, text, &Message::default()).expect("a text").remove(0)
}

/// Times each message with this text was published.
fn times_published(rig: &Rig, text: &str) -> usize {
    let published = rig.published("sms/received/");
    published.iter().filter(|crossing| rig::json(&crossing.publish)["text"] == text).count()
}

#[test]
fn a_message_that_cannot_be_deleted_stops_nothing_and_is_published_once() {
    for refusal in [
        FaultKind::Cms(500),
        FaultKind::Cms(302),
        FaultKind::Cms(320),
        FaultKind::Cme(100),
        FaultKind::Cme(4),
        FaultKind::Error,
    ] {
        let name = format!("{refusal:?}");
        let mut rig = Rig::start();
        rig.modem.simulator().fault(Fault::on("AT+CMGD=1", refusal).every());
        rig.modem.deliver(SENDER, "stays");
        rig.wait_for_received("stays");
        rig.wait_for_problem(&["slot 1 of SM", "deleted"]);
        rig.assert_still_works("beside");
        wait_until("the other slot to be empty", || rig.modem.stored() == 1);
        assert_eq!(times_published(&rig, "stays"), 1, "{name}");
        let counters = rig.stop_and_count();
        assert_undisturbed(&counters);
        assert_eq!(counters["received"], 2, "{name}: {counters}");
    }
}

#[test]
fn a_slot_that_can_be_deleted_again_is_and_the_problem_goes() {
    let mut rig = Rig::start();
    rig.modem.simulator().fault(Fault::on("AT+CMGD=1", FaultKind::Cms(500)).every());
    rig.modem.deliver(SENDER, "stays for a while");
    rig.wait_for_problem(&["slot 1 of SM"]);
    rig.modem.recover();
    wait_until("an empty SIM", || rig.modem.stored() == 0);
    rig.wait_until_well();
    assert_eq!(times_published(&rig, "stays for a while"), 1);
    assert_undisturbed(&rig.stop_and_count());
}

#[test]
fn a_slot_somebody_else_emptied_is_no_problem_any_more() {
    let mut rig = Rig::start();
    let sim = rig.modem.simulator().clone();
    sim.fault(Fault::on("AT+CMGD=1", FaultKind::Cms(500)).every());
    rig.modem.deliver(SENDER, "taken away");
    rig.wait_for_problem(&["slot 1 of SM"]);
    sim.empty(Storage::Sm);
    rig.wait_until_well();
    let before = rig.modem.typed("AT+CMGL");
    rig.assert_still_works("emptied");
    let lists = rig.modem.typed("AT+CMGL") - before;
    assert!(lists < 20, "{lists} lists for one message");
    assert_undisturbed(&rig.stop_and_count());
}

#[test]
fn a_slot_that_cannot_be_read_hides_no_other() {
    let mut rig = Rig::prepare(&ModemOptions::default(), |_| {});
    let sim = rig.modem.simulator().clone();
    sim.fault(Fault::on("AT+CMGL", FaultKind::Cms(500)).every());
    sim.fault(Fault::on("AT+CMGR=1", FaultKind::Cms(500)).every());
    for text in ["behind the bad slot", "beside the bad slot"] {
        sim.put(Storage::Sm, Status::Unread, &pdu(&sim, text)).expect("a free slot");
    }
    rig.start_gateway();
    rig.wait_for_received("beside the bad slot");
    rig.wait_for_problem(&["slot 1 of SM"]);
    rig.assert_still_works("unreadable");
    rig.modem.recover();
    rig.wait_for_received("behind the bad slot");
    rig.wait_until_well();
    assert_eq!(times_published(&rig, "beside the bad slot"), 1);
    assert_undisturbed(&rig.stop_and_count());
}

#[test]
fn a_delete_that_says_ok_and_keeps_the_message_publishes_it_once_and_is_tried_again() {
    // 321: there is nothing in it.
    for lie in [FaultKind::Pretend, FaultKind::Cms(321)] {
        let mut rig = Rig::start();
        rig.modem.simulator().fault(Fault::on("AT+CMGD=1", lie).every());
        rig.modem.deliver(SENDER, "clings");
        rig.wait_for_received("clings");
        // The next look finds it.
        rig.assert_still_works("beside-clings");
        rig.wait_for_problem(&["slot 1 of SM", "OK"]);
        rig.assert_still_works("with-clings");
        rig.modem.recover();
        wait_until("the slot to be tried again", || rig.modem.stored() == 0);
        rig.wait_until_well();
        assert_eq!(times_published(&rig, "clings"), 1);
        assert_undisturbed(&rig.stop_and_count());
    }
}

#[test]
fn a_message_announced_before_it_can_be_read_comes_within_seconds() {
    for early in [300, 1500, 6000] {
        let rig = Rig::start();
        rig.modem.simulator().set_notice(Notice::Early(Duration::from_millis(early)));
        comes_soon(&rig, "announced too early", || rig.modem.deliver(SENDER, "announced too early"));
    }
}

#[test]
fn a_notice_in_odd_words_is_a_hint_to_look() {
    for line in [
        "+CMTI: \"SM\",-1",
        "+CMTI: ,-1",
        "+CMTI: \"SM\"",
        "+CMTI: \"SM\",999",
        "+CMTI:",
        "+ SMS FULL",
        "+SMS FULL",
        "^SMMEMFULL: \"SM\"",
        "+CMTI \"SM\",3",
        "+CMTI: \"XY\",3",
    ] {
        let rig = Rig::start();
        rig.modem.simulator().set_notice(Notice::Instead(line.into()));
        comes_soon(&rig, line, || rig.modem.deliver(SENDER, line));
    }
}

#[test]
fn a_message_in_a_storage_the_modem_does_not_list_is_read_where_the_notice_says() {
    let profile = VendorProfile { unlisted: &[Storage::Me], ..VendorProfile::generic() };
    let mut rig = Rig::prepare(&ModemOptions { profile, ..ModemOptions::default() }, |_| {});
    rig.start_gateway();
    let sim = rig.modem.simulator();
    comes_soon(&rig, "in ME", || {
        let slot = sim.put(Storage::Me, Status::Unread, &pdu(sim, "in ME")).expect("a free slot");
        sim.send_urc(&format!("+CMTI: \"ME\",{slot}"));
    });
    wait_until("empty storages", || rig.modem.stored() == 0);
}

/// Waits for the message `text` that `arrive` brings, less than it takes to the next sweep.
fn comes_soon(rig: &Rig, text: &str, arrive: impl FnOnce()) {
    arrive();
    wait_at_most(SOONER_THAN_A_SWEEP, &format!("the message {text:?}"), || {
        (times_published(rig, text) > 0).then_some(())
    });
}

/// What a SIM that was in a telephone for years holds.
#[test]
fn old_messages_on_the_sim_are_published_as_such_and_get_no_reply() {
    const REPLY: &str = "thank you";
    let mut rig = Rig::prepare(&ModemOptions::default(), |config| {
        config.add("rule", "name = \"thanks\"\nmatch = '.+'\nreply = \"thank you\"");
    });
    let sim = rig.modem.simulator().clone();
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    let days_ago = |days: u64| Some(i64::try_from(now - days * 86_400).expect("a time"));
    let put = |text: &str, status, sent_at| {
        let message = Message { sent_at, ..Message::default() };
        let pdu = sim.parts(SENDER, text, &message).expect("a text").remove(0);
        sim.put(Storage::Sm, status, &pdu).expect("a free slot");
    };
    put("read two years ago", Status::Read, days_ago(730));
    put("read two days ago", Status::Read, days_ago(2));
    put("unread for two days", Status::Unread, days_ago(2));
    put("just come", Status::Unread, None);
    rig.start_gateway();
    for (text, is_old) in [
        ("read two years ago", true),
        ("read two days ago", true),
        ("unread for two days", true),
        ("just come", false),
    ] {
        let message = rig.wait_for_received(text);
        assert_eq!(message["stored"] == true, is_old, "{message}");
    }
    wait_until("an empty SIM", || rig.modem.stored() == 0);
    rig.modem.deliver(SENDER, "comes now");
    let message = rig.wait_for_received("comes now");
    assert_ne!(message["stored"], true, "{message}");
    wait_until("both replies", || rig.modem.submits().len() == 2);
    assert_eq!(rig.stop_and_count()["sent"], 2, "no reply to what is old");
    assert!(rig.modem.submits().iter().all(|submit| submit.text == REPLY));
}
