//! What a complete incoming message means: its event, whether it is published, and a rule's reply.
//!
//! Pure. The store calls it inside the transaction that stores the message, so that what follows from a message exists
//! exactly when the message does. Input: PDUs, and the configuration.

use std::time::Duration;

use smsbridge_codec::Encoding;

use crate::config::{Inbound, Outbound};
use crate::contact::Contacts;
use crate::event::{Received, ReceivedContent, ReceivedMessage, RuleMatch};
use crate::message::{Name, Sim, Slot, UnixMs, millis};
use crate::number;
use crate::pdu::{self, Reading};
use crate::policy;
use crate::request::{Body, Content, Recipient, Request, Source};
use crate::rules::{self, Match, Rule};

/// One PDU as it came from a modem.
#[derive(Debug, Clone)]
pub struct IncomingPdu {
    /// The modem it came in by.
    pub modem: Name,
    /// The SIM it came in by.
    pub sim: Sim,
    /// The slot that holds it; none for a PDU the modem delivered without storing it.
    pub slot: Option<Slot>,
    /// The modem had not handed it out before.
    pub is_unread: bool,
    /// It lay in its slot before the gateway was there: read by somebody else, or over a day old.
    pub was_stored: bool,
    /// Hex, service centre address included (TS 27.005 3.1).
    pub pdu: String,
    /// What it holds.
    pub reading: Reading,
    /// When the gateway read it.
    pub received_at: UnixMs,
}

/// How incoming messages are treated.
#[derive(Debug, Clone)]
pub struct IncomingPolicy {
    /// The `[inbound]` table.
    pub inbound: Inbound,
    /// The `[outbound]` table, which a reply obeys.
    pub outbound: Outbound,
    /// The `[[contact]]` tables, by whose numbers senders are known.
    pub contacts: Contacts,
    /// The `[[rule]]` tables, in order.
    pub rules: Vec<Rule>,
}

/// The PDUs of one message: all of them, or those that came in time.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The modem they came in by.
    pub modem: Name,
    /// When the last one was read.
    pub received_at: UnixMs,
    /// The PDUs in hex, in the order of their sequence numbers.
    pub pdus: Vec<String>,
    /// The last one lay on the SIM before the gateway was there.
    pub was_stored: bool,
    /// The id of the incomplete message these parts are too late for.
    pub late_for: Option<String>,
}

/// A complete message and what follows from it.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// The event.
    pub received: Received,
    /// Whether it is published; a denied sender's is only stored.
    pub is_published: bool,
    /// A rule's reply.
    pub reply: Option<Reply>,
}

/// A reply to the sender of a message.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The request that sends it.
    pub request: Request,
    /// The rule it comes from.
    pub rule: String,
    /// Replies one sender gets in a rolling hour, those of all rules counted.
    pub max_per_hour: u32,
}

impl IncomingPolicy {
    /// The message these parts make, under a new id.
    pub fn complete(&self, id: String, parts: Parts) -> Incoming {
        let content = match pdu::join(&parts.pdus) {
            Ok(message) => ReceivedContent::Message(Box::new(ReceivedMessage {
                late_for: parts.late_for.clone(),
                ..message
            })),
            Err(reason) => ReceivedContent::Undecodable(reason),
        };
        self.received(id, parts, content)
    }

    /// The message a PDU makes that cannot be decoded.
    pub fn undecodable(&self, id: String, parts: Parts, reason: &str) -> Incoming {
        self.received(id, parts, ReceivedContent::Undecodable(reason.to_owned()))
    }

    fn received(&self, id: String, parts: Parts, content: ReceivedContent) -> Incoming {
        let Parts { modem, received_at, pdus, was_stored, late_for: _ } = parts;
        let contact = match &content {
            ReceivedContent::Message(message) => {
                let from_type = message.from_type.as_deref().unwrap_or_default();
                self.contacts.name_of_sender(&message.from, from_type).map(str::to_owned)
            }
            ReceivedContent::Undecodable(_) => None,
        };
        let mut received =
            Received { id, modem, received_at, was_stored, content, pdus, contact, rule: None };
        let matched = received.complete_text().and_then(|text| rules::first_match(&self.rules, text));
        let number = received.message().and_then(|message| self.number_of(message));
        let is_denied = |sender: &str| number::any_matches(&self.inbound.deny, sender);
        let is_published = !is_denied(received.sender()) && !number.as_deref().is_some_and(is_denied);
        let number = number.filter(|_| is_published && received.is_to_be_read());
        let reply = matched.as_ref().zip(number).and_then(|(found, to)| self.reply(&received, found, to));
        received.rule = matched.map(|matched| RuleMatch { name: matched.rule, fields: matched.fields });
        Incoming { received, is_published, reply }
    }

    /// The phone number of a sender that has one: only by its type it is told from a name.
    fn number_of(&self, message: &ReceivedMessage) -> Option<String> {
        let from_type = message.from_type.as_deref().unwrap_or_default();
        number::of_sender(&message.from, from_type, &self.outbound.default_country)
    }

    fn reply(&self, received: &Received, matched: &Match, number: String) -> Option<Reply> {
        let text = matched.reply.clone()?;
        if is_older_than(matched.limits.max_age, received) {
            return None;
        }
        let body = Body {
            content: Content::Text(text),
            class: None,
            encoding: Encoding::Auto,
            transliterate: false,
        };
        let counted = policy::check_parts(&body, &self.outbound);
        let refusal = match &counted {
            Err(failure) => Some(failure.clone()),
            Ok(_) => policy::check_recipient(&number, &self.outbound).err(),
        };
        let request = Request {
            id: Some(format!("reply-{}", received.id)),
            fingerprint: String::new(),
            to: vec![Recipient { number, contact: None, refusal }],
            parts: counted.map_or(0, |(_, parts)| parts),
            body,
            modem: Some(received.modem.clone()),
            delivery_report: self.outbound.delivery_report,
            expires_at: self.outbound.ttl.map(|ttl| received.received_at + millis(ttl)),
            send_at: None,
            priority: 0,
            reply_to: None,
            response_refused: false,
            source: Source::Rule,
        };
        Some(Reply { request, rule: matched.rule.clone(), max_per_hour: matched.limits.per_hour })
    }
}

/// Whether the message was sent longer ago than that; one whose time stamp cannot be read was not.
fn is_older_than(max_age: Option<Duration>, received: &Received) -> bool {
    let sent_at = received.pdus.iter().find_map(|pdu| pdu::sent_at(pdu));
    match (max_age, sent_at) {
        (Some(max_age), Some(sent_at)) => {
            sent_at.saturating_mul(1000) + millis(max_age) < received.received_at
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use smsbridge_codec as codec;

    use super::*;
    use crate::config;
    use crate::failure::FailureCode;
    use crate::pdu_fixtures::{changed_deliver, delivers, short};

    const NOW: UnixMs = 1_795_331_735_000;
    const ALICE: &str = "+4915112345678";

    fn policy(toml: &str) -> IncomingPolicy {
        let config = config::parse("test", &format!("[mqtt]\nurl = \"mqtt://localhost\"\n{toml}")).unwrap();
        let contacts = Contacts::new(&config.contacts, &config.outbound.default_country);
        IncomingPolicy { inbound: config.inbound, outbound: config.outbound, contacts, rules: config.rules }
    }

    fn parts(pdus: Vec<String>) -> Parts {
        Parts { modem: "main".parse().unwrap(), received_at: NOW, pdus, was_stored: false, late_for: None }
    }

    fn message(policy: &IncomingPolicy, from: &str, text: &str) -> Incoming {
        policy.complete("id".to_owned(), parts(vec![short(from, text, NOW)]))
    }

    const METER: &str = r#"
        [[rule]]
        name = "meter"
        match = '(?<account>\d+) (?<reading>\d+)'
        reply = "Got {reading}""#;

    #[test]
    fn a_rule_names_what_it_found_and_replies_by_the_same_modem() {
        let incoming = message(&policy(METER), ALICE, "12345 678");
        let matched = incoming.received.rule.expect("the rule matches");
        assert_eq!((matched.name.as_str(), matched.fields["account"].as_str()), ("meter", "12345"));
        let request = incoming.reply.expect("the rule has a reply").request;
        assert_eq!(request.id.as_deref(), Some("reply-id"));
        assert_eq!(request.to, [Recipient { number: ALICE.to_owned(), contact: None, refusal: None }]);
        assert_eq!(request.body.content, Content::Text("Got 678".to_owned()));
        assert_eq!(request.modem, Some("main".parse().unwrap()));
    }

    #[test]
    fn a_denied_sender_is_neither_published_nor_answered() {
        let denied = policy(&format!("[inbound]\ndeny = [\"+4915*\"]\n{METER}"));
        let incoming = message(&denied, ALICE, "12345 678");
        assert!(!incoming.is_published && incoming.reply.is_none());
        assert_eq!(incoming.received.complete_text(), Some("12345 678"), "history keeps it");
    }

    #[test]
    fn a_sender_that_is_no_number_gets_no_reply() {
        let incoming = message(&policy(METER), "ENERGY", "12345 678");
        assert!(incoming.reply.is_none() && incoming.received.rule.is_some());
    }

    #[test]
    fn a_name_that_looks_like_a_number_gets_no_reply() {
        for name in ["+4917099999", "09001234567", "4917099999"] {
            let pdu = changed_deliver(&short(ALICE, "12345 678", NOW), |deliver| {
                deliver.from = codec::Address::alphanumeric(name).unwrap();
            });
            let incoming = policy(METER).complete("id".to_owned(), parts(vec![pdu]));
            assert!(incoming.reply.is_none(), "{name} is answered");
            assert_eq!(incoming.received.sender(), name, "and published as it is");
        }
    }

    #[test]
    fn a_sender_is_answered_and_denied_by_its_number_however_it_is_written() {
        let in_germany =
            |more: &str| policy(&format!("{more}\n[outbound]\ndefault_country = \"49\"\n{METER}"));
        for from in ["+4915112345678", "004915112345678", "015112345678"] {
            let reply = message(&in_germany(""), from, "12345 678").reply.expect("a reply");
            assert_eq!(
                reply.request.to,
                [Recipient { number: ALICE.to_owned(), contact: None, refusal: None }],
                "{from}"
            );
            for deny in ["+4915*", "015*", "004915*"] {
                let denying = in_germany(&format!("[inbound]\ndeny = [\"{deny}\"]"));
                let incoming = message(&denying, from, "12345 678");
                assert!(!incoming.is_published && incoming.reply.is_none(), "{from} passes {deny}");
            }
        }
        let listed = policy(&format!("[outbound]\ndeny = [\"+49900*\"]\n{METER}"));
        let reply = message(&listed, "09001234567", "12345 678").reply.expect("a refused reply is told");
        let refusal = reply.request.to[0].refusal.as_ref().map(|refusal| refusal.code);
        assert_eq!(refusal, Some(FailureCode::BadNumber), "nobody knows whom that reaches");
    }

    #[test]
    fn a_message_that_is_days_old_is_not_replied_to_unless_that_is_wanted() {
        let day = 86_400_000;
        let rows = [
            ("", 0, true),
            ("", day - 1000, true),
            ("", day + 1000, false),
            ("reply_max_age_h = 0", 9 * day, true),
        ];
        for (key, age, is_replied_to) in rows {
            let policy = policy(&format!("{METER}\n{key}"));
            let old = parts(vec![short(ALICE, "12345 678", NOW - age)]);
            let incoming = policy.complete("id".to_owned(), old);
            assert_eq!(incoming.reply.is_some(), is_replied_to, "{key}, {age} ms old");
            assert!(incoming.received.rule.is_some(), "the rule matches all the same");
        }
    }

    #[test]
    fn what_is_not_to_be_read_gets_no_reply() {
        let plain = short(ALICE, "12345 678", NOW);
        let silent = changed_deliver(&plain, |deliver| deliver.pid = codec::Pid::TYPE_0);
        let waiting = changed_deliver(&plain, |deliver| deliver.dcs = codec::Dcs(0xC8));
        let with = |id, data: &[u8]| {
            let element = codec::Element { id, data };
            let septets = b"12345 678";
            let user_data = codec::UserData::from_septets(&[element], septets).unwrap();
            changed_deliver(&plain, |deliver| deliver.user_data = user_data)
        };
        let counted = with(codec::ElementId::MESSAGE_INDICATION, &[0x80, 2]);
        let to_a_port = with(codec::ElementId::PORTS_16, &[0x23, 0xF4, 0, 0]);
        for pdu in [silent, waiting, counted, to_a_port] {
            let incoming = policy(METER).complete("id".to_owned(), parts(vec![pdu]));
            assert!(incoming.reply.is_none() && incoming.is_published, "{:?}", incoming.received.content);
            assert!(incoming.received.rule.is_some(), "its fields are still published");
        }
        assert!(policy(METER).complete("id".to_owned(), parts(vec![plain])).reply.is_some());
    }

    #[test]
    fn a_reading_sent_as_8_bit_data_is_matched_and_answered() {
        let user_data = codec::UserData::from_data(&[], b"12345 678\0").unwrap();
        let pdu = changed_deliver(&short(ALICE, "", NOW), |deliver| {
            deliver.dcs = codec::Dcs(0x04);
            deliver.user_data = user_data;
        });
        let incoming = policy(METER).complete("id".to_owned(), parts(vec![pdu]));
        assert_eq!(incoming.reply.unwrap().request.body.content, Content::Text("Got 678".to_owned()));
    }

    #[test]
    fn a_reply_that_may_not_be_sent_is_refused_with_its_reason() {
        let denied = policy(&format!("[outbound]\ndeny = [\"+4915*\"]\n{METER}"));
        let request = message(&denied, ALICE, "12345 678").reply.expect("a refused reply is told").request;
        let refusal = request.to[0].refusal.as_ref().map(|refusal| refusal.code);
        assert_eq!(refusal, Some(FailureCode::Denied));
    }

    #[test]
    fn a_rule_does_not_match_half_a_message() {
        let text = format!("12345 678 {}", "x".repeat(200));
        let first = delivers(ALICE, &text, 7, NOW).swap_remove(0);
        let incoming = policy(METER).complete("id".to_owned(), parts(vec![first]));
        assert!(incoming.received.rule.is_none() && incoming.reply.is_none() && incoming.is_published);
    }

    #[test]
    fn a_late_part_names_the_message_it_is_late_for() {
        let late = Parts { late_for: Some("earlier".to_owned()), ..parts(vec![short(ALICE, "tail", NOW)]) };
        let ReceivedContent::Message(message) = policy("").complete("id".to_owned(), late).received.content
        else {
            panic!("it can be decoded");
        };
        assert_eq!(message.late_for.as_deref(), Some("earlier"));
    }

    #[test]
    fn a_sender_with_a_contacts_number_is_named() {
        let policy =
            policy("[[contact]]\nname = \"Alice\"\nnumbers = [\"+4915112345678\", \"+4915112345679\"]");
        for (from, expected) in [(ALICE, Some("Alice")), ("+4915112345670", None)] {
            let incoming = policy.complete("id".to_owned(), parts(vec![short(from, "Hi", NOW)]));
            assert_eq!(incoming.received.contact.as_deref(), expected, "{from}");
        }
    }
}
