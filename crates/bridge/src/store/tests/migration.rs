//! Stores of earlier versions: what they hold is there in the newest form, and goes on.

use super::super::schema::{APPLICATION_ID, VERSION_1};
use super::*;

/// A store as version 1 wrote it: a message that waits, one that was sent and whose report is awaited, one that is over.
fn store_of_version_1() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = Connection::open(folder.path().join(FILE)).unwrap();
    store.execute_batch(VERSION_1).unwrap();
    store.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
    store.pragma_update(None, "user_version", 1).unwrap();
    let body = r#"{"content":{"text":"Hello"},"class":null,"encoding":"auto","transliterate":false}"#;
    for (id, state, is_final) in
        [("waits", "accepted", false), ("out", "sent", false), ("over", "sent", true)]
    {
        let request =
            "INSERT INTO request (id, fingerprint, body, is_reply, accepted_at) VALUES (?1, ?2, ?3, 0, ?4)";
        store.execute(request, (id, format!("to {ALICE}"), body, T0)).unwrap();
        let result = format!(
            r#"{{"version":1,"event":{{"result":{{"id":"{id}","to":"{ALICE}","state":"{state}","is_final":{is_final},"at":{T0},"fields":{{"modem":null,"parts":1,"parts_sent":null,"delivered_at":null,"report_missing":false,"duplicate":false,"dry_run":null,"error":null,"payload":null,"response_refused":false,"is_conflict":false}}}}}}}}"#
        );
        let message =
            "INSERT INTO message (request_id, recipient, state, final, priority, delivery_report, not_before,
              reference, parts, sent_at, result, result_at)
            VALUES (?1, ?2, ?3, ?4, 0, 1, 0, 7, 1, ?5, ?6, ?5)";
        store.execute(message, (id, ALICE, state, is_final, T0, result)).unwrap();
        let part = match state {
            "accepted" => "INSERT INTO message_part (message_id, sequence, state) VALUES (?1, 1, 'queued')",
            _ => {
                "INSERT INTO message_part (message_id, sequence, state, modem, sim, mr, submitted_at)
                 VALUES (?1, 1, 'submitted', 'main', '8949000000000000017', 42, 1795331735000)"
            }
        };
        store.execute(part, [store.last_insert_rowid()]).unwrap();
    }
    folder
}

#[tokio::test]
async fn a_store_of_the_version_before_goes_on_where_it_was() {
    let folder = store_of_version_1();
    let open = Store::open(folder.path(), config()).unwrap();
    let mut fixture = StoreFixture { folder, config: config(), open: Some(open), published: Vec::new() };
    assert_eq!(fixture.sql::<i64>("PRAGMA user_version"), 3);
    let entries = History::open(fixture.folder.path()).unwrap().entries(&HistoryFilter::default()).unwrap();
    assert_eq!(entries.len(), 3, "nothing is lost: {entries:?}");
    // What was accepted is sent, what was sent is reported, what is over is repeated, and none of them has a contact.
    fixture.send(43, T0 + SECOND).await;
    fixture.report(&status_report(42, ALICE, T0, 0, DELIVERED), T0 + 2 * SECOND).await;
    assert_eq!(fixture.admit(request("over", ALICE), T0 + 3 * SECOND).await, Admitted::Duplicate);
    let results = fixture.results().await;
    let told: Vec<_> =
        results.iter().map(|r| format!("{} {}", r["id"], r["state"]).replace('"', "")).collect();
    assert_eq!(told, ["waits sent", "out delivered", "over sent"]);
    assert!(
        results.iter().all(|result| result["to"] == ALICE && result.get("contact").is_none()),
        "{results:?}"
    );
}

#[tokio::test]
async fn a_store_that_was_brought_up_has_the_tables_of_a_new_one() {
    let folder = store_of_version_1();
    drop(Store::open(folder.path(), config()).unwrap());
    let columns = |store: &Connection| -> Vec<(String, String)> {
        let mut select = store
            .prepare("SELECT t.name, c.name || ' ' || c.type FROM sqlite_schema t, pragma_table_info(t.name) c ORDER BY 1, 2")
            .unwrap();
        select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    };
    let new = StoreFixture::new();
    let brought_up = Connection::open(folder.path().join(FILE)).unwrap();
    assert_eq!(columns(&brought_up), columns(&new.connection()));
}

#[tokio::test]
async fn the_history_of_a_store_of_the_version_before_can_be_read_while_its_gateway_has_it() {
    let folder = store_of_version_1();
    let entries = History::open(folder.path()).unwrap().entries(&HistoryFilter::default()).unwrap();
    assert_eq!(entries.len(), 3);
    let store = Connection::open(folder.path().join(FILE)).unwrap();
    let version: i64 = store.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(version, 1, "whoever reads changes nothing");
}
