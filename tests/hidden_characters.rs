//! A sender, a modem or a broker writes what a terminal would obey: it is shown, and forges no line.

use serde_json::Value;

use crate::harness::process::code;
use crate::harness::rig::Rig;

/// Window title, clear screen, clipboard, bell, C1, backspace, change of direction, line separator, a forged line.
const HOSTILE: [&str; 4] = [
    "\u{1b}]0;owned\u{7}\u{1b}[2J\u{1b}]52;c;aGk=\u{7}",
    "a\u{9b}31mb\u{8}\u{8}\u{7f}\u{85}",
    "pay \u{202e}001\u{202c} to\u{2028}\u{2066}me\u{2069}\u{200b}",
    "ok\r\n2026-11-22T10:00:00.000Z  from Bank              Your code is 1\nline",
];

fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
}

#[test]
fn history_shows_what_strangers_write_and_obeys_nothing() {
    let rig = Rig::start();
    for text in HOSTILE {
        // What GSM 7-bit does not hold is sent as UCS-2.
        rig.modem.deliver("+4915100000001", text);
        rig.wait_for_received(text);
    }
    rig.modem.deliver("+4915100000001", "Привет 您的验证码 👩\u{200d}👧");
    rig.wait_for_received("Привет 您的验证码 👩\u{200d}👧");
    let people = rig.gateway.run_command(&["history"]);
    assert_eq!(code(people.status), 0);
    let people = String::from_utf8(people.stdout).expect("UTF-8");
    assert_eq!(people.lines().count(), HOSTILE.len() + 1, "a line a message:\n{people}");
    assert!(!people.chars().any(|c| c != '\n' && is_hidden(c)), "{people:?}");
    for shown in ["\\u{1b}]0;owned", "\\u{202e}001", "ok\\r\\n2026", "Привет 您的验证码 👩\u{200d}👧"]
    {
        assert!(people.contains(shown), "{shown} is not in:\n{people}");
    }
    let json = rig.gateway.run_command(&["history", "--json"]);
    let json = String::from_utf8(json.stdout).expect("UTF-8");
    assert!(!json.chars().any(|c| c != '\n' && is_hidden(c)), "{json:?}");
    let texts: Vec<Value> =
        json.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")["text"].clone()).collect();
    for text in HOSTILE {
        assert!(texts.contains(&Value::from(text)), "{text:?} reads back as it was: {texts:?}");
    }
}
