//! Reason codes of MQTT 5 (2.4) and TLS in words: the libraries have them as names of their own.

use std::fmt::Debug;

/// `server busy` for `ServerBusy`.
pub(super) fn in_words(code: impl Debug) -> String {
    without_names(&format!("{code:?}"))
}

/// A text with such names in it: `invalid peer certificate: unknown issuer` for `… UnknownIssuer`.
pub(super) fn without_names(text: &str) -> String {
    text.split_inclusive(|c: char| !c.is_alphanumeric()).map(word).collect()
}

fn word(word: &str) -> String {
    let is_name = word.chars().zip(word.chars().skip(1)).any(|(a, b)| a.is_lowercase() && b.is_uppercase());
    if !is_name {
        return word.to_owned();
    }
    let mut words = String::new();
    for character in word.chars() {
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

    use super::{in_words, without_names};

    #[test]
    fn a_code_reads_as_the_standard_names_it() {
        assert_eq!(in_words(ConnectReturnCode::ServerBusy), "server busy");
        assert_eq!(in_words(PubAckReason::NotAuthorized), "not authorized");
        let text = "I/O: invalid peer certificate: UnknownIssuer, said TLS of 127.0.0.1";
        assert_eq!(
            without_names(text),
            "I/O: invalid peer certificate: unknown issuer, said TLS of 127.0.0.1"
        );
    }
}
