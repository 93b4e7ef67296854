//! Stores made by earlier versions: each opens, and what it holds is still there.

use super::*;

/// One file for each schema that was ever used, in order.
const SCHEMAS: [&str; 1] = [include_str!("schemas/1.sql")];

const IN_2037: UnixMs = 2_114_380_800_000;

#[tokio::test]
async fn a_store_of_every_earlier_version_opens_and_goes_on() {
    for (version, dump) in (1..).zip(SCHEMAS) {
        let folder = tempfile::tempdir().unwrap();
        Connection::open(folder.path().join(FILE)).unwrap().execute_batch(dump).unwrap();
        let (store, thread) = Store::open(folder.path(), rules())
            .unwrap_or_else(|refused| panic!("a store of version {version} was refused: {refused}"));
        assert_eq!(store.client_id().await.unwrap(), "smsbridge-ecx5zxhp1h99", "version {version}");
        let claimed = store.claim(named("main"), SIM.to_owned(), IN_2037 - 50_000_000_000).await.unwrap();
        assert!(matches!(claimed, Claimed::Nothing), "version {version}: {claimed:?} before its time");
        let again = Request { id: Some("order-17".into()), content: "other".into(), ..request("x", ALICE) };
        assert_eq!(
            store.admit(again, fresh(0), IN_2037).await.unwrap(),
            Admitted::Conflict,
            "version {version}"
        );
        drop(store);
        thread.join();
        let entries = History::open(folder.path()).unwrap().entries(&Wanted::default()).unwrap();
        let states: Vec<_> = entries.iter().filter_map(|entry| entry.payload["state"].as_str()).collect();
        assert_eq!(states, ["delivered", "accepted"], "version {version}");
        assert_eq!(entries.iter().filter(|entry| entry.incoming).count(), 2, "version {version}");
    }
}

#[test]
fn a_new_store_has_the_newest_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let (store, thread) = Store::open(folder.path(), rules()).unwrap();
    drop(store);
    thread.join();
    let version: usize = Connection::open(folder.path().join(FILE))
        .unwrap()
        .pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))
        .unwrap()
        .try_into()
        .unwrap();
    assert_eq!(version, SCHEMAS.len(), "a schema has no file in tests/schemas, or one too many");
}
