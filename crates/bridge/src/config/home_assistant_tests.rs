//! The discovery prefix: which ones there may be beside our own topics.

use super::load::parse;

#[test]
fn a_discovery_prefix_that_cannot_be_is_answered_in_words() {
    for (text, expected) in [
        (
            "[homeassistant]\nprefix = \"ha/#\"",
            "line 2, column 10: homeassistant.prefix: \"ha/#\": no + or #",
        ),
        ("[homeassistant]\nprefix = \"\"", "homeassistant.prefix: \"\": no + or #, no / at its ends"),
        (
            "[homeassistant]\ndiscovery = true\nprefix = \"sms/ha\"",
            "line 2, column 13: homeassistant.discovery: its prefix \"sms/ha\" and mqtt.prefix \"sms\" would share topics",
        ),
        (
            "[homeassistant]\ndiscovery = true\n[mqtt]\nprefix = \"homeassistant/sms\"",
            "homeassistant.discovery: its prefix \"homeassistant\" and mqtt.prefix \"homeassistant/sms\"",
        ),
    ] {
        let message = parse("smsbridge.toml", text).expect_err("a mistake was accepted").to_string();
        assert!(message.contains(expected), "{text:?} was answered with: {message}");
    }
}

#[test]
fn a_prefix_below_that_of_home_assistant_is_nobodys_matter_without_discovery() {
    let config = parse("smsbridge.toml", "[mqtt]\nprefix = \"homeassistant/sms\"").expect("as before");
    assert!(!config.home_assistant.discovery);
}
