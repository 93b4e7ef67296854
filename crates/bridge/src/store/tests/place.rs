//! Somebody moves, removes or replaces the store's files while it is open.

use std::fs;

use super::*;

/// What may be done to the folder of an open store, and its name.
type Misfortune = (&'static str, fn(&Path));

const MISFORTUNES: [Misfortune; 6] = [
    ("the database was moved", |folder| fs::rename(folder.join(FILE), folder.join("elsewhere")).unwrap()),
    ("the database was removed", |folder| fs::remove_file(folder.join(FILE)).unwrap()),
    ("the database was replaced by a copy", |folder| {
        fs::copy(folder.join(FILE), folder.join("copy")).unwrap();
        fs::rename(folder.join("copy"), folder.join(FILE)).unwrap();
    }),
    ("the write-ahead log was removed", |folder| {
        fs::remove_file(folder.join("smsbridge.sqlite-wal")).unwrap();
    }),
    ("the shared memory was removed", |folder| fs::remove_file(folder.join("smsbridge.sqlite-shm")).unwrap()),
    ("the folder was renamed", |folder| fs::rename(folder, folder.with_extension("old")).unwrap()),
];

#[tokio::test]
async fn nothing_is_said_to_be_stored_once_a_file_is_gone_from_its_place() {
    for (what, bring_about) in MISFORTUNES {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("store");
        let (store, thread) = Store::open(&folder, config()).unwrap();
        store.client_id().await.unwrap();
        bring_about(&folder);
        for attempt in 0..2 {
            let answer = store.remember_time(T0).await;
            assert!(matches!(answer, Err(StoreError::Moved(_))), "{what}, attempt {attempt}: {answer:?}");
        }
        drop(store);
        thread.join();
    }
}

#[tokio::test]
async fn what_was_put_back_is_the_store_again() {
    let fixture = StoreFixture::new();
    let (file, elsewhere) = (fixture.folder.path().join(FILE), fixture.folder.path().join("elsewhere"));
    fs::rename(&file, &elsewhere).unwrap();
    assert!(fixture.store().remember_time(T0).await.is_err(), "it is elsewhere");
    fs::rename(&elsewhere, &file).unwrap();
    fixture.store().remember_time(T0).await.unwrap();
}

#[tokio::test]
async fn without_its_lock_file_the_store_is_still_locked() {
    let mut fixture = StoreFixture::new();
    fs::remove_file(fixture.folder.path().join("lock")).unwrap();
    let refused = Store::open(fixture.folder.path(), config()).err().expect("two opened one store");
    assert!(matches!(refused, OpenError::Locked(_)), "{refused}");
    fixture.admit(request("a", ALICE), T0).await;
    fixture.reopen();
}
