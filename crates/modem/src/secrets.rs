//! Lines without the PINs in them: of commands that carry one, and of codes that do (TS 22.030 6.5.3, 6.5.4, 6.6).
//!
//! Pure. Whatever shows a line of the dialogue to somebody (an error, a log, a transcript) shows what this makes of it.

/// What stands before the parameters of commands that hold a PIN, PUK or password, after whatever prefix the maker
/// gives them (`AT+`, `AT^`, `AT*`). Answers have a colon there.
const HEADS: [&str; 10] =
    ["PIN=", "PIN1=", "PIN2=", "PUK=", "PUK1=", "PUK2=", "CPWD=", "CLCK=", "CARDLOCK=", "UNLOCK="];

/// What codes begin with that hold a PIN, PUK or password: changing them, unblocking, registering one, barring calls.
const CODES: [&str; 9] = ["*03*", "*04*", "*05*", "*042*", "*052*", "*33", "#33", "*35", "#35"];

/// A line without the PIN it holds; as it is where it holds none.
pub(crate) fn without_pins(line: &str) -> String {
    let from = [parameters(line), code(line), encoded_code(line)].into_iter().flatten().min();
    match from.and_then(|from| line.get(..from)) {
        Some(before) => format!("{before}****"),
        None => line.to_owned(),
    }
}

/// Where the parameters of a command begin that holds a PIN.
fn parameters(line: &str) -> Option<usize> {
    let upper = line.to_ascii_uppercase();
    HEADS.iter().filter_map(|head| Some(upper.find(head)? + head.len())).min().filter(|at| {
        // A test command asks what would be legal.
        !upper.get(*at..).is_some_and(|rest| rest.starts_with('?'))
    })
}

/// Where a code begins to be secret: behind its number.
fn code(line: &str) -> Option<usize> {
    let secret = |head: &str| {
        let at = line.find(head)? + head.len();
        // One that has nothing behind its number holds no password.
        line.get(at - 1..)?.contains('*').then_some(at)
    };
    CODES.iter().filter_map(|head| secret(head)).min()
}

/// Where digits between quotes begin that are such a code in another form: UCS-2, octets, or packed septets.
fn encoded_code(line: &str) -> Option<usize> {
    let is_hex = |c: char| c.is_ascii_hexdigit();
    let mut at = 0;
    line.split(|c| !is_hex(c)).find_map(|run| {
        let begin = line.get(at..)?.find(run)? + at;
        at = begin + run.len();
        let octets = octets(run)?;
        let ascii = |octets: &[u8]| octets.iter().map(|octet| char::from(*octet)).collect::<String>();
        let wide: Vec<u8> = octets.chunks(2).filter_map(|unit| unit.get(1)).copied().collect();
        let forms = [ascii(&octets), ascii(&wide), ascii(&septets(&octets))];
        forms.iter().any(|form| is_code(form) && code(form).is_some()).then_some(begin)
    })
}

/// Whether it can be a code at all: other digits are PDUs, numbers and the like.
fn is_code(text: &str) -> bool {
    text.starts_with(['*', '#'])
        && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '*' | '#' | '\0' | '\r'))
}

fn octets(digits: &str) -> Option<Vec<u8>> {
    if digits.len() < 8 || !digits.len().is_multiple_of(2) {
        return None;
    }
    digits.as_bytes().chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// Unpacks septets (TS 23.038 6.1.2.3), which for the characters of a code are those of ASCII.
fn septets(octets: &[u8]) -> Vec<u8> {
    let (mut bits, mut count, mut out) = (0u32, 0, Vec::new());
    for octet in octets {
        bits |= u32::from(*octet) << count;
        count += 8;
        while count >= 7 {
            out.push((bits & 0x7F) as u8);
            bits >>= 7;
            count -= 7;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_codes_that_hold_a_pin_are_cut_before_it() {
        for (line, expect) in [
            ("AT+CPIN=\"1234\"", "AT+CPIN=****"),
            ("junk at+cpin=1234", "junk at+cpin=****"),
            ("+CPIN=7391", "+CPIN=****"),
            ("AT^CPIN=\"12345678\",\"1234\"", "AT^CPIN=****"),
            ("AT+CMGF=0;+CPIN2=4711", "AT+CMGF=0;+CPIN2=****"),
            ("AT+CPWD=\"SC\",\"1234\",\"4711\"", "AT+CPWD=****"),
            ("AT+CLCK=\"SC\",0,\"1234\"", "AT+CLCK=****"),
            ("AT^CARDLOCK=\"12345678\"", "AT^CARDLOCK=****"),
            ("AT+CUSD=1,\"**04*1234*5678*5678#\",15", "AT+CUSD=1,\"**04*****"),
            ("AT+CUSD=1,\"**042*1234*5678*5678#\",15", "AT+CUSD=1,\"**042*****"),
            ("ATD**05*12345678*1234*1234#;", "ATD**05*****"),
            ("ATD*33*0000#;", "ATD*33****"),
            ("ATD#331*0000*11#", "ATD#33****"),
            ("AT+CUSD=1,\"*03*330*0000*1234*1234#\"", "AT+CUSD=1,\"*03*****"),
        ] {
            assert_eq!(without_pins(line), expect, "{line}");
        }
    }

    #[test]
    fn a_code_with_a_pin_is_known_in_each_form_on_the_line() {
        let code = "**04*1234*5678*5678#";
        let ucs2: String = code.bytes().map(|octet| format!("00{octet:02X}")).collect();
        let octets: String = code.bytes().map(|octet| format!("{octet:02x}")).collect();
        // The same packed as septets.
        let mut bits = Vec::new();
        code.bytes().for_each(|octet| bits.extend((0..7).map(|n| octet >> n & 1)));
        let packed: String = bits
            .chunks(8)
            .map(|bits| format!("{:02X}", bits.iter().rev().fold(0u8, |octet, bit| octet << 1 | bit)))
            .collect();
        for form in [ucs2, octets, packed] {
            assert_eq!(without_pins(&format!("AT+CUSD=1,\"{form}\",15")), "AT+CUSD=1,\"****", "{form}");
        }
    }

    #[test]
    fn what_holds_none_is_left_as_it_is() {
        for line in [
            "AT+CPIN?",
            "AT+CPIN=?",
            "+CPIN: READY",
            "+CLCK: 0",
            "AT+CUSD=1,\"*100#\",15",
            "AT+CUSD=1,\"AA180C3602\",15",
            "*#06#",
            "*#33#",
            "+CMTI: \"SM\",3",
            "0791947106004034040C9194",
            "+CCID: 8949020000123456789",
        ] {
            assert_eq!(without_pins(line), line);
        }
    }
}
