//! Concatenation references: two messages to one recipient must not look like parts of one.

use std::collections::BTreeMap;

use super::*;

/// A message of two parts to each of so many recipients.
fn broadcast(id: u32, recipients: u32) -> Request {
    let to = (0..recipients).map(|n| recipient(&format!("+49151{n:08}"))).collect();
    Request { to, ..in_parts(2, request(&format!("broadcast {id}"), ALICE)) }
}

/// The reference of each recipient's newest message.
fn references(fixture: &StoreFixture) -> BTreeMap<String, u8> {
    let connection = fixture.connection();
    let mut select = connection.prepare("SELECT recipient, reference FROM message ORDER BY id").unwrap();
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

/// The recipients that got the same reference twice.
fn repeated(before: &BTreeMap<String, u8>, after: &BTreeMap<String, u8>) -> usize {
    after.iter().filter(|(to, reference)| before.get(*to) == Some(reference)).count()
}

#[tokio::test]
async fn no_recipient_of_a_list_gets_the_reference_of_the_last_broadcast() {
    // Lists whose lengths divide 256, or exceed it, and a restart in between.
    for recipients in [1, 2, 128, 255, 256, 257, 512] {
        let mut fixture = StoreFixture::new();
        let mut before = BTreeMap::new();
        for id in 0..4 {
            fixture.admit(broadcast(id, recipients), T0).await;
            fixture.reopen();
            let after = references(&fixture);
            assert_eq!(repeated(&before, &after), 0, "of {recipients} recipients");
            before = after;
        }
    }
}

#[tokio::test]
async fn a_recipient_gets_each_reference_once_before_any_comes_again() {
    let fixture = StoreFixture::new();
    let mut seen = std::collections::BTreeSet::new();
    for n in 0..256 {
        let to = vec![recipient(ALICE), recipient(BOB)];
        fixture.admit(Request { to, ..in_parts(2, request(&format!("to both {n}"), ALICE)) }, T0).await;
        // To others, and in one part, as often as it takes to confuse a common counter.
        fixture.admit(in_parts(2, request(&format!("to Bob {n}"), BOB)), T0).await;
        fixture.admit(request(&format!("short {n}"), ALICE), T0).await;
        let alices = fixture.sql::<u8>(&format!(
            "SELECT reference FROM message WHERE recipient = '{ALICE}' AND parts > 1 ORDER BY id DESC LIMIT 1"
        ));
        assert!(seen.insert(alices), "{alices} came again after {} messages", seen.len());
    }
}

#[tokio::test]
async fn broadcasts_differ_though_the_one_before_is_deleted() {
    let fixture = StoreFixture::new();
    let mut before = BTreeMap::new();
    for id in 0..4 {
        fixture.admit(broadcast(id, 256), T0).await;
        let after = references(&fixture);
        assert_eq!(repeated(&before, &after), 0);
        before = after;
        fixture.change("PRAGMA foreign_keys = ON; DELETE FROM request");
    }
}
