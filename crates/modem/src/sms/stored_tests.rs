//! Reading of lists.

use super::*;

fn response(lines: &[&str]) -> Response {
    let lines = lines.iter().map(|line| (*line).to_string()).collect();
    Response { lines, ..Response::default() }
}

#[test]
fn a_list_gives_whole_messages_and_the_slots_to_read_again() {
    let mut out = Vec::new();
    let again = parse_list(
        &response(&[
            "+CMGL: 0,1,,3",
            "00aabbcc",
            "+CMGL: 1,0,,3",
            "+CMGL: 2,0,\"name\",3",
            "00AABB",
            "+CMGL: 3,3,,3",
            "an unknown unsolicited code",
            "00DDEEFF",
        ]),
        Storage::SM,
        &mut out,
    );
    assert_eq!(again, [1, 2]);
    let seen: Vec<_> = out.iter().map(|m| (m.slot, m.status, m.pdu.as_str())).collect();
    assert_eq!(seen, [(0, Stored::ReceivedRead, "00AABBCC"), (3, Stored::StoredSent, "00DDEEFF")]);
}

#[test]
fn an_empty_slot_is_no_message() {
    assert_eq!(parse_one(&response(&[]), Storage::SM, 1), None);
    assert_eq!(parse_one(&response(&["+CMGR: 0,,0"]), Storage::SM, 1), None);
    let one = parse_one(&response(&["+CMGR: 0,,3", "00AABBCC"]), Storage::SM, 1).unwrap();
    assert_eq!((one.length, one.is_complete()), (Some(3), true));
}
