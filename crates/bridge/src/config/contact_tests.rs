//! Contacts that are right, and the words for those that are not.

use super::load::parse;

fn mistake(text: &str) -> String {
    parse("smsbridge.toml", text).expect_err("a mistake was accepted").to_string()
}

#[test]
fn a_contact_has_its_numbers_as_they_are_dialled_each_once() {
    let text = "[outbound]\ndefault_country = \"49\"\nshort_codes = [\"10086\"]\n\
        [[contact]]\nname = \"Anna\"\nnumber = \"0151 1234567\"\n\
        [[contact]]\nname = \"Feuerwehr Süd\"\nnumbers = [\"0170/1234567\", \"+49 (0)170 1234567\", \"100 86\"]";
    let contacts = parse("x", text).unwrap().contacts;
    let named: Vec<_> = contacts.iter().map(|c| (c.name.as_str(), c.numbers.join(" "))).collect();
    assert_eq!(
        named,
        [("Anna", "+491511234567".to_owned()), ("Feuerwehr Süd", "+491701234567 10086".to_owned())]
    );
    assert!(parse("x", "").unwrap().contacts.is_empty());
}

#[test]
fn all_mistakes_of_contacts_are_told_at_once() {
    let message = mistake(
        "[outbound]\nmax_recipients = 1\n\
         [[contact]]\nname = \"Anna\"\nnumber = \"+491511234567\"\n\
         [[contact]]\nname = \"anna\"\nnumber = \"+491511234568\"\n\
         [[contact]]\nnumbers = [\"+491511234567\", \"*100#\"]\n\
         [[contact]]\nname = \" Bob\"\n\
         [[contact]]\nname = \"Carla\"\nnumber = \"+491511234567\"\nnumbers = [\"+491511234567\"]\n\
         [[contact]]\nname = \"Dora\"\nnumbers = [\"+491511234567\", \"+491511234568\"]",
    );
    let expected = [
        "the configuration has 7 mistakes:",
        "smsbridge.toml: line 7, column 8: contact.name: \"anna\" is used twice: [[contact]] number 1 has it as \"Anna\"",
        "smsbridge.toml: line 9, column 1: contact.name: it is missing: a letter first",
        "smsbridge.toml: line 10, column 29: contact.numbers: \"*100#\" is a code, not a phone number",
        "smsbridge.toml: line 11, column 1: contact.number: it is missing: expected number or numbers",
        "smsbridge.toml: line 12, column 8: contact.name: \" Bob\" is no name: expected a letter first",
        "smsbridge.toml: line 15, column 1: contact.number: it stands beside numbers",
        "smsbridge.toml: line 19, column 11: contact.numbers: 2 numbers, and [outbound] max_recipients = 1",
    ];
    let lines: Vec<&str> = message.lines().collect();
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{expected:?} is not:\n{message}");
    }
    assert_eq!(lines.len(), expected.len(), "{message}");
}
