//! A full disk, made by the limit on the size of a process's files: a child process gets it, so that no other test does.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::*;

/// Set in the child: the folder of its store, and the size of its requests.
const FOLDER: &str = "SMSBRIDGE_TEST_FULL_DISK";
const SIZE: &str = "SMSBRIDGE_TEST_REQUEST_SIZE";
const TEST: &str = "store::tests::disk_full::a_full_disk_refuses_and_neither_loses_nor_keeps_by_halves";

#[tokio::test]
async fn a_full_disk_refuses_and_neither_loses_nor_keeps_by_halves() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        let size = std::env::var(SIZE).unwrap().parse().unwrap();
        return fill(Path::new(&folder), size).await;
    }
    // Small ones fail when the group commits, large ones while the group is still at work.
    for size in [1_500, 200_000] {
        fill_in_a_child(size).await;
    }
}

async fn fill_in_a_child(size: usize) {
    let mut fixture = StoreFixture::new();
    fixture.close();
    // Ignored, SIGXFSZ becomes the error EFBIG, as a full disk is ENOSPC; unsafe code could not be kept out otherwise.
    let child = std::process::Command::new("sh")
        .args(["-c", r#"trap "" XFSZ; exec "$0" --exact "$1" --nocapture"#])
        .arg(std::env::current_exe().unwrap())
        .arg(TEST)
        .env(FOLDER, fixture.folder.path())
        .env(SIZE, size.to_string())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
    fixture.reopen();
    let mut accepted: Vec<String> =
        fixture.results().await.iter().map(|r| r["id"].as_str().unwrap().to_owned()).collect();
    accepted.sort();
    let told = std::fs::read_to_string(fixture.folder.path().join("told")).unwrap();
    assert_eq!(accepted, told.lines().collect::<Vec<_>>(), "what was answered Ok, and nothing else");
}

/// Asks until the disk is full, then until it has room again; writes down what was answered Ok.
async fn fill(folder: &Path, size: usize) {
    let (store, thread) = Store::open(folder, config()).unwrap();
    limit(Some(1024 * 1024));
    let (mut told, refused) = ask_until_refused(&store, size).await;
    assert!(!told.is_empty() && !refused.is_empty());
    let stored: i64 = Connection::open(folder.join(FILE))
        .unwrap()
        .query_row("SELECT count(*) FROM request", [], |row| row.get(0))
        .unwrap();
    assert_eq!(stored, told.len() as i64, "a refused request left something behind");
    limit(None);
    for id in refused {
        assert_eq!(store.admit(sized(&id, size), T0).await.unwrap(), Admitted::New);
        told.push(id);
    }
    drop(store);
    thread.join();
    told.sort();
    std::fs::write(folder.join("told"), told.join("\n")).unwrap();
}

/// Many at once, so that they share transactions; the ids answered Ok, and those refused.
async fn ask_until_refused(store: &Store, size: usize) -> (Vec<String>, Vec<String>) {
    let (mut told, mut refused) = (Vec::new(), Vec::new());
    for round in 0..200 {
        let ids: Vec<String> = (0..20).map(|n| format!("r{round}-{n}")).collect();
        let admit = |id: &String| store.admit(sized(id, size), T0);
        for (id, answer) in ids.iter().zip(futures_util::future::join_all(ids.iter().map(admit)).await) {
            match answer {
                Ok(admitted) => {
                    assert_eq!(admitted, Admitted::New);
                    told.push(id.clone());
                }
                Err(StoreError::Unwritable(_)) => refused.push(id.clone()),
                Err(other) => panic!("{other}"),
            }
        }
        if !refused.is_empty() {
            return (told, refused);
        }
    }
    panic!("the disk was never full");
}

fn sized(id: &str, size: usize) -> Request {
    let text = Content::Text("x".repeat(size));
    Request { body: Body { content: text, ..request(id, ALICE).body }, ..request(id, ALICE) }
}

fn limit(bytes: Option<u64>) {
    let maximum = getrlimit(Resource::Fsize).maximum;
    setrlimit(Resource::Fsize, Rlimit { current: bytes.or(maximum), maximum }).unwrap();
}
