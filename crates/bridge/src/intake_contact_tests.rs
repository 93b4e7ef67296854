//! What intake makes of names in `to`, on a real store.

use serde_json::json;

use crate::clock::now_ms;
use crate::event::{MessageState, SendResult};
use crate::failure::FailureCode;
use crate::intake_tests::{ALICE, BOB, Fixture, delivery, request};

/// Contacts of a configuration whose country is Germany and that denies Russia.
const CONTACTS: &str = r#"
[outbound]
default_country = "49"
deny = ["+7*"]
max_recipients = 3
[[contact]]
name = "Anna"
number = "0151 12345678"
[[contact]]
name = "Hausverwaltung Süd"
numbers = ["0151 12345678", "+4915100000002", "+79211234567"]
"#;

#[tokio::test]
async fn a_name_stands_for_its_numbers_which_the_lists_still_judge() {
    let fixture = Fixture::of(CONTACTS);
    let second = "+4915100000002";
    let (anna, both) = (Some("Anna"), Some("Hausverwaltung Süd"));
    for (to, expected) in [
        (json!("Anna"), vec![(ALICE, anna, None)]),
        (json!(" aNNA "), vec![(ALICE, anna, None)]),
        (json!(["ANNA", "anna"]), vec![(ALICE, anna, None)]),
        (
            json!("HAUSVERWALTUNG  SÜD"),
            vec![(ALICE, both, None), (second, both, None), (BOB, both, Some(FailureCode::Denied))],
        ),
        (json!(["Anna", second]), vec![(ALICE, anna, None), (second, None, None)]),
        // Written out beside its name, a number is the contact's all the same; of two names the first counts.
        (json!([ALICE, "Anna"]), vec![(ALICE, anna, None)]),
        (json!(["Anna", "0151/12345678"]), vec![(ALICE, anna, None)]),
        (
            json!(["Anna", "Hausverwaltung Süd"]),
            vec![(ALICE, anna, None), (second, both, None), (BOB, both, Some(FailureCode::Denied))],
        ),
        // Nobody named it.
        (json!(ALICE), vec![(ALICE, None, None)]),
    ] {
        for alias in ["to", "number", "target"] {
            fixture.take(delivery(json!({alias: to, "text": "Hello"}).to_string().as_bytes())).await;
            let results = fixture.results().await;
            let found: Vec<_> = results
                .iter()
                .map(|result| {
                    let code = result.fields.error.as_ref().map(|error| error.code);
                    (result.to.as_deref().unwrap_or_default(), result.contact.as_deref(), code)
                })
                .collect();
            assert_eq!(found, expected, "{alias}: {to}");
        }
    }
}

#[tokio::test]
async fn an_unknown_name_is_told_the_nearest_one_or_that_there_is_none() {
    let fixture = Fixture::of(CONTACTS);
    for (written, words) in [
        ("Ana", "did you mean Anna?"),
        ("hausverwaltung sud", "did you mean Hausverwaltung Süd?"),
        ("Zacharias", "no [[contact]] has that name"),
        ("Anna Meier und Co", "no [[contact]] has that name"),
        ("Anna@home", "is not a phone number; expected +"),
        ("0151 ANNA", "is not a phone number; expected +"),
    ] {
        fixture.take(delivery(&request(json!({"to": written})))).await;
        let results = fixture.results().await;
        let [SendResult { to, contact: None, state: MessageState::Rejected, fields, .. }] = &results[..]
        else {
            panic!("{written}: {results:?}")
        };
        let failure = fields.error.as_ref().unwrap();
        assert_eq!((to.as_deref(), failure.code), (Some(written), FailureCode::BadNumber));
        assert!(failure.message.contains(words), "{written}: {}", failure.message);
    }
    let without = Fixture::new();
    without.take(delivery(&request(json!({"to": "Anna"})))).await;
    let result = without.results().await.remove(0);
    let message = result.fields.error.unwrap().message;
    assert_eq!(
        message,
        "\"Anna\" is not a phone number, and no [[contact]] has that name; expected + and digits, such as \
         +4915112345678"
    );
}

#[tokio::test]
async fn the_recipients_that_are_counted_are_the_numbers() {
    let fixture = Fixture::of(CONTACTS);
    for (to, expected) in [
        (json!(["Hausverwaltung Süd", "Anna"]), None),
        (
            json!(["Hausverwaltung Süd", "+4915100000003"]),
            Some("to: 4 recipients; [outbound] max_recipients = 3"),
        ),
        (json!(["Anna", ALICE, "anna", "ANNA"]), Some("to: 4 recipients")),
    ] {
        fixture.take(delivery(&request(json!({"to": to})))).await;
        let results = fixture.results().await;
        let Some(words) = expected else {
            assert_eq!(results.len(), 3, "{results:?}");
            continue;
        };
        let [SendResult { fields, .. }] = &results[..] else { panic!("{results:?}") };
        let failure = fields.error.as_ref().unwrap();
        assert_eq!(failure.code, FailureCode::TooMany);
        assert!(failure.message.contains(words), "{}", failure.message);
    }
}

#[tokio::test]
async fn a_repeated_request_reaches_nobody_again_whoever_its_name_stands_for_now() {
    let to_anna = request(json!({"id": "door", "to": "Anna"}));
    let mut fixture = Fixture::of(CONTACTS);
    fixture.take(delivery(&to_anna)).await;
    assert_eq!(fixture.results().await.len(), 1);
    assert!(fixture.claim("main", now_ms()).await.is_some());
    let moved = "[[contact]]\nname = \"ANNA\"\nnumber = \"+4915100000009\"";
    let gone = "";
    let widened = "[[contact]]\nname = \"Anna\"\nnumbers = [\"+4915112345678\", \"+4915100000009\"]";
    for contacts in [moved, gone, widened, CONTACTS] {
        fixture = fixture.reconfigured(contacts);
        fixture.take(delivery(&to_anna)).await;
        let results = fixture.results().await;
        let [SendResult { to, contact, fields, .. }] = &results[..] else {
            panic!("{contacts}: {results:?}")
        };
        assert_eq!((to.as_deref(), contact.as_deref()), (Some(ALICE), Some("Anna")), "{contacts}");
        assert!(fields.duplicate, "{contacts}: {results:?}");
        assert!(fixture.claim("main", now_ms()).await.is_none(), "{contacts}: it is sent once");
    }
    // What was written is what counts: the number under the id of the name is another request.
    for to in [json!(ALICE), json!("anna"), json!(["Anna", "+4915100000009"])] {
        fixture.take(delivery(&request(json!({"id": "door", "to": to})))).await;
        let outcomes = fixture.results().await;
        assert!(
            outcomes.iter().all(|result| result.fields.is_conflict && !result.is_final),
            "{to}: {outcomes:?}"
        );
        assert_eq!(outcomes[0].fields.error.as_ref().map(|error| error.code), Some(FailureCode::IdConflict));
        assert!(fixture.claim("main", now_ms()).await.is_none(), "{to}: nothing is sent");
    }
}
