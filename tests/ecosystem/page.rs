//! The page in a real browser: what people see, do and are kept from. What they do there is in tests/ecosystem/page/,
//! in Node; here is the gateway it happens to.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use smsbridge_simulator::Ussd;

use crate::harness::gateway::Config;
use crate::harness::installed::installed;
use crate::harness::modem::{ModemOptions, Reports};
use crate::harness::ports::free_port;
use crate::harness::rig::Rig;
use crate::harness::sources::root;
use crate::harness::wait::wait_until;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Names a folder that screenshots are written to; unset, none are.
const SHOTS: &str = "SMSBRIDGE_TEST_SHOTS";

/// A gateway with people, a rule, and a page.
struct Stage {
    rig: Rig,
    address: SocketAddr,
}

impl Stage {
    fn start() -> Self {
        Self::with(ModemOptions::default(), |_| {})
    }

    fn with(modem: ModemOptions, change: impl FnOnce(&mut Config)) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let modem = ModemOptions { reports: Reports::After(0), ..modem };
        let mut rig = Rig::prepare(&modem, |config| {
            config.set("http", "listen", address.to_string());
            config.set("http", "token", TOKEN);
            config.set("outbound", "delivery_report", true);
            config.add("contact", "name = \"Anna\"\nnumber = \"+4915100000002\"");
            config.add("contact", "name = \"Boiler\"\nnumber = \"+4915100000006\"");
            config.add("rule", "name = \"meter\"\nmatch = '^meter (?<account>\\d+) reads (?<reading>\\d+)'");
            change(config);
        });
        rig.start_gateway();
        rig.gateway.wait_for_log(&["listening at", &address.to_string()]);
        Self { rig, address }
    }

    /// Plays a scenario: the function of that name in a file of tests/ecosystem/page/.
    fn play(&mut self, file: &str, name: &str) {
        let mut command = Command::new("node");
        command.arg("run.mjs").args([file, name]).current_dir(root().join("tests/ecosystem/page"));
        command.env("PAGE_MODULES", installed("page")).env("PAGE_TOKEN", TOKEN);
        command.env("PAGE_URL", format!("http://{}/", self.address));
        if let Some(folder) = std::env::var_os(SHOTS) {
            let folder = Path::new(&folder).join(name);
            std::fs::create_dir_all(&folder).expect("a folder for screenshots");
            command.env("PAGE_SHOTS", folder);
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("Node runs");
        let mut answers = child.stdin.take().expect("its input");
        for line in BufReader::new(child.stdout.take().expect("its output")).lines() {
            let line = line.expect("text");
            let asked = serde_json::from_str(&line).unwrap_or_else(|e| panic!("no request: {e}: {line}"));
            let answer = self.act(&asked);
            // It may have given up meanwhile, which its end tells.
            let _ = writeln!(answers, "{answer}");
        }
        let status = child.wait().expect("Node ends");
        assert!(
            status.success(),
            "{name}: see above what the page showed; the gateway's log:\n{}",
            self.rig.gateway.log()
        );
    }

    /// Does what a scenario cannot.
    fn act(&mut self, asked: &Value) -> Value {
        let text = |key: &str| asked[key].as_str().unwrap_or_else(|| panic!("{key} in {asked}"));
        let number = |key: &str| asked[key].as_u64().unwrap_or_else(|| panic!("{key} in {asked}"));
        let rig = &mut self.rig;
        match text("do") {
            "deliver" => rig.modem.deliver(text("from"), text("text")),
            "deliver_many" => {
                for n in 0..number("count") {
                    rig.modem.deliver(text("from"), &format!("{} {n}", text("text")));
                }
            }
            "ring" => rig.modem.simulator().ring(text("from")),
            "stop_ringing" => rig.modem.simulator().stop_ringing(),
            "broadcast" => {
                assert!(rig.modem.simulator().broadcast(text("page")), "the modem shows broadcasts")
            }
            "ussd" => rig.client.publish("sms/ussd/main", asked["json"].to_string()),
            "deliver_pdu" => rig.modem.deliver_pdu(text("hex")),
            "publish" => rig.request(&asked["json"]),
            "submits" => {
                let to: Vec<Value> =
                    rig.modem.submits().into_iter().map(|submit| json!({"to": submit.to})).collect();
                return json!({ "submits": to });
            }
            "delay_submits" => rig.modem.delay_submits(Duration::from_millis(number("ms"))),
            "kill_gateway" => rig.gateway.kill(),
            "start_gateway" => rig.start_gateway(),
            "unplug" => rig.modem.unplug(),
            "plug" => rig.modem.plug(),
            "memory" => return json!({ "memory": rig.gateway.memory() }),
            "received" => wait_until("all of them at the broker", || {
                let published = rig.published("sms/received/");
                let has_text = |payload: &[u8]| {
                    serde_json::from_slice::<Value>(payload).is_ok_and(|json| {
                        json["text"].as_str().is_some_and(|all| all.starts_with(text("text")))
                    })
                };
                let count = published.iter().filter(|crossing| has_text(&crossing.publish.payload)).count();
                count as u64 == number("count")
            }),
            other => panic!("nobody knows how to {other}"),
        }
        json!({})
    }
}

/// A test for each scenario that an ordinary gateway is enough for.
macro_rules! scenarios {
    ($($file:literal: $($name:ident),+;)+) => {$($(
        #[test]
        #[ignore = "tests/run ecosystem installs what it needs"]
        fn $name() {
            Stage::start().play($file, stringify!($name));
        }
    )+)+};
}

scenarios! {
    "messages": a_received_sms_appears_without_a_reload,
        one_that_is_sent_is_followed_to_delivered,
        a_gateway_that_was_killed_is_found_again_with_nothing_missing,
        a_hidden_tab_lets_go_and_catches_up,
        the_life_of_a_received_message_has_its_rule_its_parts_and_its_pdus,
        search_finds_cyrillic_in_any_case_and_what_is_further_back,
        what_waits_is_cancelled_after_one_question,
        characters_and_parts_are_counted_while_one_types,
        a_pdu_that_cannot_be_decoded_says_why,
        older_ones_asked_for_during_a_reload_lose_nothing,
        a_panel_asks_seldom_and_not_when_it_is_closed,
        what_comes_and_goes_all_the_time_is_asked_for_now_and_then;
    "sending": an_answer_that_is_lost_and_sent_again_is_one_sms,
        a_lost_answer_is_still_known_when_the_page_is_loaded_again,
        what_is_changed_behind_a_lost_answer_is_another_message,
        whoever_leaves_the_text_before_the_answer_finds_it_sent;
    "stream": the_stream_is_read_however_it_is_cut,
        an_event_that_nobody_understands_does_not_stop_those_behind_it;
    "access": reading_is_free_on_this_machine_and_the_token_opens_the_rest,
        by_another_name_nothing_is_shown_before_the_token,
        behind_a_proxy_that_is_not_trusted_the_login_says_which_setting_is_missing,
        a_page_whose_script_is_refused_says_what_may_be_wrong;
    "look": it_holds_at_320_and_1280_pixels_in_light_and_dark,
        a_keyboard_is_enough,
        it_speaks_three_languages_with_the_same_words,
        a_day_of_signal_is_drawn_with_its_gaps,
        the_trace_is_live_masked_and_bounded,
        twenty_open_pages_see_all_and_disturb_nothing;
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn below_a_path_of_a_reverse_proxy_everything_works() {
    let change = |config: &mut Config| config.set("http", "trusted_proxy", vec!["127.0.0.1"]);
    Stage::with(ModemOptions::default(), change)
        .play("access", "below_a_path_of_a_reverse_proxy_everything_works");
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn what_strangers_write_is_shown_and_does_nothing() {
    let modem = ModemOptions { operator: "<u>Op&{{1}}".to_owned(), ..ModemOptions::default() };
    Stage::with(modem, |_| {}).play("look", "what_strangers_write_is_shown_and_does_nothing");
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn without_a_token_configured_the_login_says_what_to_set() {
    Stage::with(ModemOptions::default(), |config| config.unset("http", "token"))
        .play("access", "without_a_token_configured_the_login_says_what_to_set");
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn a_text_of_more_parts_than_are_allowed_is_told_before_it_is_sent() {
    Stage::with(ModemOptions::default(), |config| config.set("outbound", "max_parts", 4))
        .play("messages", "a_text_of_more_parts_than_are_allowed_is_told_before_it_is_sent");
}

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn calls_broadcasts_and_ussd_answers_stand_among_the_messages() {
    let change = |config: &mut Config| {
        config.set("ussd", "allow", vec!["*100#"]);
        config.set_modem("broadcast", vec!["50"]);
    };
    let mut stage = Stage::with(ModemOptions::default(), change);
    let answer = Ussd { text: "Balance: 12.34".to_owned(), more: false };
    stage.rig.modem.simulator().set_ussd("*100#", answer);
    stage.play("messages", "calls_broadcasts_and_ussd_answers_stand_among_the_messages");
}
