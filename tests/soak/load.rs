//! Owns what is injected. Each part of a text holds the name of the text, so that everything is checked by content.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::harness::seed::Seed;

pub const MODEMS: [&str; 2] = ["main", "spare"];

const SENDERS: [&str; 12] = [
    "+79210000001",
    "+79210000002",
    "+79210000003",
    "+436641234567",
    "+4915112345678",
    "+33612345678",
    "+14155550100",
    "+819012345678",
    "900",
    "12345",
    "Strom AG",
    "MyBank",
];

/// A message somebody sends to one of our SIMs.
pub struct Incoming {
    pub modem: usize,
    pub from: &'static str,
    pub text: String,
    pub ucs2: bool,
    pub wide: bool,
    pub reference: u16,
}

/// A send request of the harness.
pub struct Request {
    pub id: String,
    pub to: Vec<String>,
    pub text: String,
    pub topic: String,
    pub body: Value,
}

/// The n-th incoming message of a phase.
pub fn incoming(seed: &mut Seed, n: usize) -> Incoming {
    let ucs2 = seed.below(3) == 0;
    Incoming {
        modem: seed.below(2) as usize,
        from: SENDERS[seed.below(SENDERS.len() as u64) as usize],
        text: text(&format!("i{n}"), ucs2, parts(seed)),
        ucs2,
        wide: seed.below(2) == 0,
        // Of one sender no two are under way with the same one.
        reference: (n % 256) as u16,
    }
}

/// The n-th request of a phase.
pub fn request(seed: &mut Seed, n: usize) -> Request {
    let id = format!("o{n}");
    let recipients = if seed.below(5) == 0 { 3 } else { 1 };
    let first = seed.below(40);
    let to: Vec<String> = (0..recipients).map(|i| format!("+4915155500{:02}", (first + i) % 40)).collect();
    let ucs2 = seed.below(3) == 0;
    let text = text(&id, ucs2, parts(seed));
    let topic = match seed.below(3) {
        0 => format!("sms/send/{}", MODEMS[seed.below(2) as usize]),
        _ => "sms/send".to_owned(),
    };
    let to_json = if recipients == 1 { json!(to[0]) } else { json!(to) };
    let body = json!({"id": id, "to": to_json, "text": text, "delivery_report": seed.below(3) == 0});
    Request { id, to, text, topic, body }
}

/// Every sixth or so has several parts.
fn parts(seed: &mut Seed) -> usize {
    match seed.below(12) {
        0 => 2,
        1 => 3,
        _ => 1,
    }
}

/// Sentences short enough that each part holds the name in one whole, the last part too.
fn text(name: &str, ucs2: bool, parts: usize) -> String {
    let (words, room, last) =
        if ucs2 { ("Счёт за газ ✓", 67, 40) } else { ("the meter shows 42", 153, 60) };
    let mut text = String::new();
    let mut sentence = 0;
    while text.chars().count() < (parts - 1) * room + last {
        let _ = write!(text, "<{name}.{sentence}> {words} ");
        sentence += 1;
    }
    text.trim_end().to_owned()
}

/// The name in a text or a part of one.
pub fn name_in(text: &str) -> Option<&str> {
    text.match_indices('<').find_map(|(at, _)| text[at + 1..].split_once('.').map(|(name, _)| name))
}

#[test]
fn every_part_names_its_message() {
    for (n, ucs2, parts) in (0..20_000).step_by(7).flat_map(|n| [(n, true, 1 + n % 3), (n, false, 1 + n % 3)])
    {
        let name = format!("o{n}");
        let chars: Vec<char> = text(&name, ucs2, parts).chars().collect();
        let cut: Vec<&[char]> = chars.chunks(if ucs2 { 67 } else { 153 }).collect();
        assert_eq!(cut.len(), parts, "parts of {name}");
        for part in cut {
            let part: String = part.iter().collect();
            assert_eq!(name_in(&part), Some(name.as_str()), "{part}");
        }
    }
}
