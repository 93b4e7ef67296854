//! A number is forgotten: nothing of it is left in the file, and nothing that waits is lost.

use super::*;

fn forget(fixture: &StoreFixture, number: &str) -> Forgotten {
    let mut forget = Forget::open(fixture.folder.path()).unwrap();
    forget.forget(&Person::new(number, "49"), T0 + DAY).unwrap()
}

/// All octets of the store's files.
fn octets(fixture: &StoreFixture) -> String {
    let files = std::fs::read_dir(fixture.folder.path()).unwrap();
    let octets: Vec<u8> = files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect();
    String::from_utf8_lossy(&octets).into_owned()
}

#[tokio::test]
async fn nothing_of_a_forgotten_number_is_left_in_the_file_and_others_keep_theirs() {
    let mut fixture = StoreFixture::new();
    let (parts, _) = long(7, 'q', T0);
    for (n, pdu) in
        (1..).zip(parts.iter().chain([&short(ALICE, "secret from her", T0), &short(BOB, "from him", T0)]))
    {
        fixture.accept(sm(n), pdu, T0).await;
        fixture.store().slots_deleted(SIM.into(), vec![sm(n).unwrap()]).await.unwrap();
    }
    fixture.store().swept(SIM.into(), vec!["SM".to_owned()], Vec::new()).await.unwrap();
    for (id, to) in [("to-her", ALICE), ("to-him", BOB)] {
        fixture.admit(request(id, to), T0).await;
        fixture.send(1, T0).await;
    }
    fixture.drain().await;
    assert!(octets(&fixture).contains("secret from her") && octets(&fixture).contains(ALICE));
    let forgotten = forget(&fixture, "0151 123 45678");
    assert_eq!((forgotten.received, forgotten.sent, &forgotten.left), (2, 1, &Default::default()));
    let left = octets(&fixture);
    for gone in [ALICE, "5112345678", "secret from her", "qqqqqqqq", "to-her"] {
        assert!(!left.contains(gone), "{gone} is still in the file");
    }
    assert!(left.contains("from him") && left.contains("to-him"));
    assert_eq!(forget(&fixture, ALICE), Forgotten { last_of: Default::default(), ..Forgotten::default() });
    assert_eq!(fixture.admit(request("to-her", ALICE), T0).await, Admitted::New, "its id is forgotten too");
}

#[tokio::test]
async fn what_waits_is_left_and_counted() {
    let mut fixture = StoreFixture::new();
    fixture.accept(sm(1), &short(ALICE, "not published yet", T0), T0).await;
    let (parts, _) = long(7, 'q', T0);
    fixture.accept(sm(2), &parts[0], T0).await;
    fixture.admit(request("waits", ALICE), T0).await;
    let forgotten = forget(&fixture, ALICE);
    assert_eq!((forgotten.received, forgotten.sent), (0, 0));
    // The result `accepted` waits too.
    let left = &forgotten.left;
    assert_eq!((left.to_send, left.to_publish, left.incomplete), (1, 2, 1));
    assert_eq!(fixture.received().await.len(), 1, "nothing that waits is lost");
    fixture.send(1, T0).await;
    fixture.drain().await;
    let forgotten = forget(&fixture, ALICE);
    assert_eq!((forgotten.received, forgotten.sent, forgotten.left.incomplete), (1, 1, 1));
}

#[tokio::test]
async fn a_request_to_others_too_is_theirs() {
    let mut fixture = StoreFixture::new();
    let both = Request { to: vec![recipient(ALICE), recipient(BOB)], ..request("both", ALICE) };
    fixture.admit(both, T0).await;
    for mr in [1, 2] {
        fixture.send(mr, T0).await;
    }
    fixture.drain().await;
    assert_eq!(forget(&fixture, ALICE).sent, 1);
    assert_eq!(fixture.sql::<i64>("SELECT count(*) FROM request"), 1);
    assert_eq!(fixture.sql::<String>("SELECT recipient FROM message"), BOB);
    assert_eq!(forget(&fixture, BOB).sent, 1);
    assert_eq!(fixture.sql::<i64>("SELECT count(*) FROM request"), 0);
}

#[tokio::test]
async fn the_last_message_of_a_modem_is_named_for_the_broker_has_it() {
    let mut fixture = StoreFixture::new();
    fixture.accept(sm(1), &short(BOB, "first", T0), T0).await;
    fixture.accept(sm(2), &short(ALICE, "last", T0), T0 + MINUTE).await;
    fixture.drain().await;
    assert_eq!(forget(&fixture, BOB).last_of.len(), 0);
    assert_eq!(forget(&fixture, ALICE).last_of.into_iter().collect::<Vec<_>>(), ["main"]);
}

#[tokio::test]
async fn neighbours_and_names_are_not_mixed_up() {
    let mut fixture = StoreFixture::new();
    for (n, from) in (1..).zip(["+4915112345678", "+4315112345678", "+49115112345678"]) {
        fixture.accept(sm(n), &short(from, "Hello", T0), T0).await;
    }
    fixture.drain().await;
    assert_eq!(forget(&fixture, "Bank").received, 0);
    assert_eq!(forget(&fixture, "345678").received, 0, "a number that only ends so is another");
    assert_eq!(forget(&fixture, "+49 (0)151 12345678").received, 1);
    assert_eq!(fixture.sql::<i64>("SELECT count(*) FROM received"), 2);
}

#[tokio::test]
async fn a_request_that_the_broker_may_deliver_again_is_known_until_it_may_not() {
    let mut fixture = StoreFixture::new();
    fixture.admit(from_broker(request("once", ALICE), origin(29)), T0).await;
    fixture.send(1, T0).await;
    fixture.drain().await;
    let forgotten = forget(&fixture, ALICE);
    assert_eq!((forgotten.sent, forgotten.left.unsettled), (0, 1));
    let again = Origin { redelivered: true, ..origin(29) };
    let admitted = fixture.admit(from_broker(request("once", ALICE), again), T0).await;
    assert_eq!(admitted, Admitted::Redelivered, "it would be sent a second time");
}

#[tokio::test]
async fn a_copy_for_dashboards_that_waits_goes_with_its_message() {
    let mut fixture = StoreFixture::new();
    fixture.accept(sm(1), &short(ALICE, "secret", T0), T0).await;
    fixture.store().slots_deleted(SIM.into(), vec![sm(1).unwrap()]).await.unwrap();
    fixture.store().swept(SIM.into(), vec!["SM".to_owned()], Vec::new()).await.unwrap();
    fixture.change(
        "PRAGMA secure_delete = ON; DELETE FROM outbox WHERE kind = 'event';
         UPDATE outbox SET parked = 1, parked_at = 0",
    );
    let forgotten = forget(&fixture, ALICE);
    assert_eq!((forgotten.received, &forgotten.left), (1, &Default::default()));
    fixture.close();
    assert_eq!(fixture.sql::<i64>("SELECT count(*) FROM outbox"), 0);
    assert!(!octets(&fixture).contains("secret"));
}

#[tokio::test]
async fn what_lies_in_the_modem_or_came_just_now_is_counted() {
    let mut fixture = StoreFixture::new();
    fixture.accept(sm(1), &short(ALICE, "on the SIM", T0), T0).await;
    fixture.accept(None, &short(ALICE, "delivered directly", T0), T0 + DAY).await;
    fixture.report(&status_report(9, ALICE, T0 / 1000, 0, DELIVERED), T0 + DAY).await;
    fixture.drain().await;
    let forgotten = forget(&fixture, ALICE);
    assert_eq!((forgotten.received, forgotten.left.in_modem, forgotten.left.recent), (2, 1, 2));
}
