//! MQTT 5 reason codes in words, as the standard names them (2.4): the client has them as names of its own.

use std::fmt::Debug;

/// `server busy` for `ServerBusy`.
pub(super) fn in_words(code: impl Debug) -> String {
    let mut words = String::new();
    for character in format!("{code:?}").chars() {
        if character.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(character.to_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use rumqttc::v5::mqttbytes::v5::{ConnectReturnCode, PubAckReason};

    use super::in_words;

    #[test]
    fn a_code_reads_as_the_standard_names_it() {
        assert_eq!(in_words(ConnectReturnCode::ServerBusy), "server busy");
        assert_eq!(in_words(PubAckReason::NotAuthorized), "not authorized");
    }
}
