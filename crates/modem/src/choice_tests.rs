//! What is chosen from what modems offer.

use super::*;
use crate::at::params::fields;

const SM: Storage = Storage::SM;
const ME: Storage = Storage::ME;
const MT: Storage = Storage::MT;
const SR: Storage = Storage::SR;

#[test]
fn storages_from_offers() {
    let rows: &[(&str, &str, &[Storage], &[Storage])] = &[
        ("three lists", r#"("SM","ME","SR"),("SM","ME"),("SM")"#, &[SM, ME, SR], &[SM]),
        ("more parentheses", r#"(("SM","ME"),("SM","ME"),("SM","ME"))"#, &[SM, ME], &[SM, ME]),
        ("one list", r#"("SM","MT")"#, &[SM, MT], &[SM, MT]),
        ("nothing", "", &[], &[]),
    ];
    for (name, rest, read, receive) in rows {
        let offer = Offer::parse(rest);
        assert_eq!((offer.read.as_slice(), offer.receive.as_slice()), (*read, *receive), "{name}");
    }
}

#[test]
fn mt_is_swept_only_where_its_halves_cannot_be() {
    let offer = |read: &[Storage]| Offer { read: read.to_vec(), receive: read.to_vec() };
    type Row = (&'static str, &'static [Storage], Storage, &'static [Storage], &'static [Storage]);
    let rows: &[Row] = &[
        ("both and reports", &[SM, ME, MT, SR], SM, &[], &[SM, ME, SR]),
        ("only MT", &[MT], MT, &[], &[MT]),
        ("MT receives, halves are read", &[SM, ME, MT], MT, &[], &[SM, ME]),
        ("nothing listed", &[], SM, &[], &[SM]),
        ("avoided", &[SM, ME], SM, &[ME], &[SM]),
    ];
    for (name, read, receive, avoid, expect) in rows {
        assert_eq!(storages_to_sweep(&offer(read), *receive, avoid), *expect, "{name}");
    }
}

#[test]
fn cnmi_from_offers() {
    let rows = [
        ("standard", "(0-2),(0-3),(0,2),(0-2),(0,1)", "2,1,0,2,0"),
        ("no stored reports", "(0-2),(0-3),(0,2),(0,1),(0,1)", "2,1,0,1,0"),
        ("buffer rule 1 only", "(0-2),(0-3),(0,2,3),(0-2),(1)", "2,1,0,2,1"),
        ("mode 1 at most", "(0,1),(0,1),(0),(0,1),(0)", "1,1,0,1,0"),
        ("direct only is not taken", "(2),(0,2,3),(0),(0,1),(0)", "2,0,0,1,0"),
        ("nothing listed", "", "2,1,0,2,0"),
    ];
    for (name, offer, expect) in rows {
        let candidates = cnmi_candidates(&fields(offer), false);
        assert_eq!(candidates.first().map(Cnmi::to_string).as_deref(), Some(expect), "{name}");
    }
    assert!(cnmi_candidates(&[], false).len() <= 16);
}

#[test]
fn iccids_as_modems_write_them() {
    let rows = [
        ("plain", "8949020000123456789", Some("8949020000123456789")),
        ("filler", "8949020000123456789F", Some("8949020000123456789")),
        ("quotes", "\"89490200001234567890\"", Some("89490200001234567890")),
        ("not one", "ERROR", None),
    ];
    for (name, text, expect) in rows {
        assert_eq!(tidy_iccid(text).as_deref(), expect, "{name}");
    }
}
