//! Opening the file: whose it is, whether it can be read, who else has it.

use super::*;

#[tokio::test]
async fn a_second_gateway_on_the_same_store_is_refused() {
    let mut fixture = StoreFixture::new();
    let refused = Store::open(fixture.folder.path(), config()).err().expect("two opened one store");
    assert!(matches!(refused, OpenError::Locked(_)), "{refused}");
    assert!(refused.to_string().contains("another smsbridge"));
    fixture.reopen();
}

#[tokio::test]
async fn a_store_made_by_a_newer_version_is_refused_and_left_unchanged() {
    let mut fixture = StoreFixture::new();
    fixture.close();
    let file = fixture.folder.path().join(FILE);
    Connection::open(&file).unwrap().pragma_update(None, "user_version", 999).unwrap();
    let before = std::fs::read(&file).unwrap();
    let refused = Store::open(fixture.folder.path(), config()).err().expect("a newer store was opened");
    assert!(matches!(refused, OpenError::Newer { found: 999, .. }), "{refused}");
    let history = History::open(fixture.folder.path());
    assert!(matches!(history, Err(OpenError::Newer { found: 999, .. })), "history read it");
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[tokio::test]
async fn a_store_of_another_program_or_an_earlier_revision_is_refused_in_words_and_left_unchanged() {
    for (version, table) in [(1, "outbox"), (9, "outbox"), (0, "songs")] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        let other = Connection::open(&file).unwrap();
        other.execute_batch(&format!("CREATE TABLE {table} (topic TEXT, payload TEXT)")).unwrap();
        other.pragma_update(None, "user_version", version).unwrap();
        drop(other);
        let before = std::fs::read(&file).unwrap();
        let refused = Store::open(folder.path(), config()).err().expect("a foreign store was opened");
        assert!(matches!(refused, OpenError::Foreign(_)), "{refused}");
        for words in [FILE, "before its first release", "Move it away"] {
            assert!(refused.to_string().contains(words), "{words:?} is not in: {refused}");
        }
        assert!(matches!(History::open(folder.path()), Err(OpenError::Foreign(_))), "history read it");
        assert_eq!(std::fs::read(&file).unwrap(), before, "version {version}, table {table}");
    }
}

#[tokio::test]
async fn a_broken_file_is_named_and_left_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(FILE);
    let foreign = b"This was never a database. ".repeat(200);
    std::fs::write(&file, &foreign).unwrap();
    let refused = Store::open(folder.path(), config()).err().expect("a broken file was opened");
    assert!(matches!(refused, OpenError::Broken { .. }), "{refused}");
    assert!(refused.to_string().contains(FILE));
    assert_eq!(std::fs::read(&file).unwrap(), foreign);
}

#[tokio::test]
async fn a_file_cut_short_is_named_and_left_unchanged() {
    let mut fixture = StoreFixture::new();
    fixture.admit(request("a", ALICE), T0).await;
    fixture.close();
    let file = fixture.folder.path().join(FILE);
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() / 2 + 100]).unwrap();
    let refused = Store::open(fixture.folder.path(), config()).err().expect("half a file was opened");
    assert!(refused.to_string().contains(FILE), "{refused}");
    assert_eq!(std::fs::read(&file).unwrap(), whole[..whole.len() / 2 + 100]);
}

#[cfg(unix)]
#[tokio::test]
async fn only_our_user_may_read_the_store() {
    use std::os::unix::fs::PermissionsExt as _;
    let fixture = StoreFixture::new();
    fixture.admit(request("a", ALICE), T0).await;
    for entry in std::fs::read_dir(fixture.folder.path()).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert!(name == "lock" || mode == 0o600, "{name} has mode {mode:o}");
    }
}

#[tokio::test]
async fn history_reads_beside_a_running_gateway_and_after_it() {
    let mut fixture = StoreFixture::new();
    fixture.admit(request("a", ALICE), T0).await;
    fixture.accept(sm(1), &short(BOB, "Hello", T0), T0 + SECOND).await;
    for running in [true, false] {
        let history = History::open(fixture.folder.path()).unwrap();
        let entries = history.entries(&HistoryFilter::default()).unwrap();
        let [Entry::Sent(sent), Entry::Received(received)] = &entries[..] else { panic!("{entries:?}") };
        assert_eq!((sent.result.to.as_deref(), received.sender()), (Some(ALICE), BOB), "running: {running}");
        fixture.close();
    }
}

#[tokio::test]
async fn what_was_written_before_the_handles_were_dropped_is_on_disk() {
    let mut fixture = StoreFixture::new();
    let client = fixture.store().client_id().await.unwrap();
    fixture.admit(request("a", ALICE), T0).await;
    fixture.close();
    assert_eq!(fixture.sql::<i64>("SELECT count(*) FROM request"), 1);
    fixture.reopen();
    assert_eq!(fixture.store().client_id().await.unwrap(), client);
}

#[tokio::test]
async fn a_wrong_pin_is_never_tried_twice_and_an_unanswered_one_once_more() {
    let mut fixture = StoreFixture::new();
    let (sim, right, wrong) = (|| SIM.to_owned(), || "right".to_owned(), || "wrong".to_owned());
    let steps = [(wrong(), Some(3), PinAttempt::Allowed), (right(), Some(3), PinAttempt::Allowed)];
    for (digest, tries, expected) in steps {
        assert_eq!(fixture.store().pin_attempt(sim(), digest, tries).await.unwrap(), expected);
    }
    fixture.store().pin_rejected(sim(), wrong()).await.unwrap();
    fixture.reopen();
    for (digest, tries, expected) in [
        (wrong(), Some(3), PinAttempt::KnownWrong),
        (right(), Some(1), PinAttempt::Unanswered),
        (right(), None, PinAttempt::Unanswered),
        (right(), Some(2), PinAttempt::Allowed),
        (right(), Some(2), PinAttempt::Unanswered),
    ] {
        assert_eq!(fixture.store().pin_attempt(sim(), digest, tries).await.unwrap(), expected);
        fixture.reopen();
    }
    fixture.store().pin_accepted(sim(), right()).await.unwrap();
    assert_eq!(fixture.store().pin_attempt(sim(), right(), Some(3)).await.unwrap(), PinAttempt::Allowed);
}

#[tokio::test]
async fn packet_ids_live_as_long_as_the_mqtt_session() {
    let mut fixture = StoreFixture::new();
    let mut sessions = Vec::new();
    for present in [false, true, true, false, true] {
        sessions.push(fixture.store().mqtt_session(present).await.unwrap());
        fixture.reopen();
    }
    assert_eq!(sessions, [1, 1, 1, 2, 2]);
}

#[tokio::test]
async fn history_shows_the_others_where_an_entry_cannot_be_read() {
    let fixture = StoreFixture::new();
    for id in ["a", "b"] {
        fixture.admit(request(id, ALICE), T0).await;
    }
    for (slot, text) in [(1, "spoilt"), (2, "whole")] {
        fixture.accept(sm(slot), &short(BOB, text, T0), T0).await;
    }
    fixture.change(
        "UPDATE request SET body = '{' WHERE id = 'a'; UPDATE received SET event = '{' WHERE event LIKE '%spoilt%'",
    );
    let entries = History::open(fixture.folder.path()).unwrap().entries(&HistoryFilter::default()).unwrap();
    let [Entry::Received(received), Entry::Sent(sent)] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!((received.complete_text(), sent.result.id.as_deref()), (Some("whole"), Some("b")));
}
