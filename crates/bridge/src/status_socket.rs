//! Answers whoever connects to the gateway's socket with how everything is, as one JSON document.
//!
//! Nothing is read from there, so nothing can be asked for; who may connect is decided by the folder and the socket's
//! mode: the gateway's user and group. Without a socket the gateway runs all the same, and says so.

use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

/// How long somebody may take to read the answer; the next one waits.
const WRITE_TIMEOUT: Duration = Duration::from_secs(2);

/// After a connection could not be accepted.
const ACCEPT_RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// The folder is for the gateway's user and group.
const FOLDER_MODE: u32 = 0o750;

/// A connection needs the right to write.
const SOCKET_MODE: u32 = 0o660;

/// Answers with `document` until `stop`, at the first of these paths that can be used.
pub async fn run(paths: Vec<PathBuf>, document: impl Fn() -> String, stop: CancellationToken) {
    match StatusSocket::open(&paths).await {
        Ok(socket) => {
            tracing::debug!("`smsbridge status` is answered at {}", socket.path.display());
            socket.serve(document, stop).await;
        }
        Err(reason) => {
            tracing::warn!("`smsbridge status` will not be answered: {reason}");
            stop.cancelled().await;
        }
    }
}

/// A socket that is gone when dropped.
struct StatusSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl StatusSocket {
    /// Listens at the first of these paths that can be used, unless another gateway of this name answers there: who
    /// asks would not find a second one. In words why there is none.
    async fn open(paths: &[PathBuf]) -> Result<StatusSocket, String> {
        let mut reasons = Vec::new();
        for path in paths {
            if UnixStream::connect(path).await.is_ok() {
                return Err(format!("{}: another gateway of this name has it", path.display()));
            }
            match listen(path) {
                Ok(listener) => return Ok(StatusSocket { listener, path: path.clone() }),
                Err(reason) => reasons.push(format!("{}: {reason}", path.display())),
            }
        }
        Err(reasons.join("; "))
    }

    /// Answers until `stop`.
    async fn serve(self, document: impl Fn() -> String, stop: CancellationToken) {
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = stop.cancelled() => return,
            };
            match accepted {
                Ok((stream, _)) => {
                    let answered = tokio::time::timeout(WRITE_TIMEOUT, answer(stream, document())).await;
                    if !matches!(answered, Ok(Ok(()))) {
                        tracing::debug!("somebody asked how the gateway is, and did not read the answer");
                    }
                }
                Err(error) => {
                    tracing::debug!("nobody can ask how the gateway is: {error}");
                    tokio::time::sleep(ACCEPT_RETRY_INTERVAL).await;
                }
            }
        }
    }
}

async fn answer(mut stream: UnixStream, document: String) -> std::io::Result<()> {
    stream.write_all(document.as_bytes()).await?;
    stream.write_all(b"\n").await?;
    stream.shutdown().await
}

/// Listens there, in the place of a gateway that was killed.
fn listen(path: &Path) -> Result<UnixListener, String> {
    if let Some(folder) = path.parent() {
        let created = std::fs::DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder);
        created.map_err(|error| error.to_string())?;
    }
    let is_socket = |metadata: std::fs::Metadata| metadata.file_type().is_socket();
    if std::fs::symlink_metadata(path).is_ok_and(is_socket) {
        std::fs::remove_file(path).map_err(|error| error.to_string())?;
    }
    let listener = UnixListener::bind(path).map_err(|error| error.to_string())?;
    let mode = std::fs::Permissions::from_mode(SOCKET_MODE);
    std::fs::set_permissions(path, mode).map_err(|error| error.to_string())?;
    Ok(listener)
}

impl Drop for StatusSocket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    async fn ask(path: &Path) -> String {
        let mut text = String::new();
        UnixStream::connect(path).await.unwrap().read_to_string(&mut text).await.unwrap();
        text
    }

    #[tokio::test]
    async fn the_place_of_a_killed_gateway_is_taken_and_that_of_a_running_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("attic.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "a killed gateway leaves its socket");
        let socket = StatusSocket::open(std::slice::from_ref(&path)).await.unwrap();
        let elsewhere = folder.path().join("elsewhere").join("attic.sock");
        let other = StatusSocket::open(&[path.clone(), elsewhere.clone()]).await.err().unwrap();
        assert!(other.contains("another gateway"), "{other}");
        // A folder that cannot be made.
        let unusable = path.join("attic.sock");
        assert_eq!(StatusSocket::open(&[unusable, elsewhere.clone()]).await.unwrap().path, elsewhere);
        let stop = CancellationToken::new();
        let serving = tokio::spawn(socket.serve(|| "{}".to_owned(), stop.clone()));
        assert_eq!(ask(&path).await, "{}\n");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, SOCKET_MODE);
        stop.cancel();
        serving.await.unwrap();
        assert!(!path.exists(), "a gateway that stops leaves none");
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_read_keeps_nobody_waiting_for_long() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("attic.sock");
        let socket = StatusSocket::open(std::slice::from_ref(&path)).await.unwrap();
        let stop = CancellationToken::new();
        // More than a socket holds.
        tokio::spawn(socket.serve(|| "x".repeat(4 << 20), stop.clone()));
        let silent = UnixStream::connect(&path).await.unwrap();
        assert_eq!(ask(&path).await.len(), (4 << 20) + 1);
        drop(silent);
        stop.cancel();
    }
}
