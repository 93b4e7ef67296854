//! What people look at, newest first, a page at a time.

use proptest::prelude::*;

use super::*;

/// Ids of the entries, in order; and where the next page begins.
fn ids(fixture: &StoreFixture, browse: &Browse) -> (Vec<String>, Option<Position>) {
    let page = History::open(fixture.folder.path()).unwrap().browse(browse).unwrap();
    let id = |entry: &Entry| match entry {
        Entry::Received(received) => received.id.clone(),
        Entry::Sent(sent) => sent.result.id.clone().unwrap(),
    };
    (page.entries.iter().map(id).collect(), page.next)
}

async fn receive(fixture: &StoreFixture, from: &str, text: &str, at: UnixMs) {
    fixture.accept(sm((at % 250) as u16), &short(from, text, 0), at).await;
}

fn saying(text: &str, request: Request) -> Request {
    let body = Body { content: Content::Text(text.to_owned()), ..request.body.clone() };
    Request { body, ..request }
}

fn all() -> Browse {
    Browse { limit: 50, ..Browse::default() }
}

fn searching(text: &str) -> Browse {
    Browse { search: Some(text.to_owned()), ..all() }
}

#[tokio::test]
async fn what_came_in_and_what_goes_out_stand_in_one_list() {
    let fixture = StoreFixture::new();
    fixture.admit(request("first", ALICE), T0).await;
    receive(&fixture, BOB, "second", T0 + 1).await;
    fixture.admit(request("third", BOB), T0 + 2).await;
    let (found, next) = ids(&fixture, &all());
    assert_eq!((found.len(), &found[0][..], &found[2][..], next), (3, "third", "first", None));
    let (incoming, _) = ids(&fixture, &Browse { direction: Some(Direction::In), ..all() });
    assert_eq!(incoming, found[1..2]);
    let (outgoing, _) = ids(&fixture, &Browse { direction: Some(Direction::Out), ..all() });
    assert_eq!(outgoing, ["third", "first"]);
}

#[tokio::test]
async fn a_search_finds_text_number_and_id_in_whatever_case() {
    let fixture = StoreFixture::new();
    receive(&fixture, BOB, "Счётчик 17: ÖLSTAND 43", T0).await;
    fixture.admit(saying("Grüße aus dem Süden", request("Order-17", ALICE)), T0 + 1).await;
    fixture.admit(request("other", BOB), T0 + 2).await;
    let received = ids(&fixture, &Browse { direction: Some(Direction::In), ..all() }).0.remove(0);
    for (text, expected) in [
        ("счётчик", vec![received.as_str()]),
        ("ölstand", vec![received.as_str()]),
        ("GRÜSSE", vec![]),
        ("GRÜßE", vec!["Order-17"]),
        ("order-1", vec!["Order-17"]),
        ("9211", vec!["other", received.as_str()]),
        ("%", vec![]),
        ("_", vec![]),
    ] {
        assert_eq!(ids(&fixture, &searching(text)).0, expected, "{text}");
    }
}

#[tokio::test]
async fn a_row_that_cannot_be_read_hides_no_other() {
    let fixture = StoreFixture::new();
    fixture.admit(request("a", ALICE), T0).await;
    fixture.admit(request("b", ALICE), T0 + 1).await;
    fixture.admit(request("c", ALICE), T0 + 2).await;
    fixture.change("UPDATE message SET result = '{}' WHERE request_id = 'b'");
    assert_eq!(ids(&fixture, &all()).0, ["c", "a"]);
}

#[test]
fn a_position_that_nobody_gave_is_refused() {
    for text in ["", "in", "in.1", "out.1.x", "out.x.1", "to.1.1", "in.x.1"] {
        assert!(text.parse::<Position>().is_err(), "{text:?} was taken");
    }
    for position in [Position::Sent(1, 7), Position::Received(-1, "a.b".to_owned())] {
        assert_eq!(position.to_string().parse(), Ok(position));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// However many there are at one instant, and whatever comes while somebody turns pages.
    #[test]
    fn pages_show_each_message_once(
        messages in prop::collection::vec((any::<bool>(), 0..4_i64, 1..4_usize), 1..20),
        limit in 1..6_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let fixture = StoreFixture::new();
            for (n, (is_sent, at, recipients)) in messages.iter().enumerate() {
                if *is_sent {
                    let to = (0..*recipients).map(|r| recipient(&format!("+49151{n:03}{r:04}"))).collect();
                    fixture.admit(Request { to, ..request(&format!("r{n}"), ALICE) }, T0 + at).await;
                } else {
                    receive(&fixture, BOB, &format!("text {n}"), T0 + at).await;
                }
            }
            let expected = ids(&fixture, &Browse { limit: 1000, ..Browse::default() }).0;
            let (mut seen, mut after) = (Vec::new(), None);
            loop {
                let (found, next) = ids(&fixture, &Browse { after, limit, ..Browse::default() });
                seen.extend(found);
                fixture.admit(request(&format!("new{}", seen.len()), BOB), T0 + 9).await;
                let Some(next) = next else { break };
                after = Some(next);
            }
            assert_eq!(seen, expected);
        });
    }
}
