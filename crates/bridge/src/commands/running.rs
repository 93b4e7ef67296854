//! Asks the running gateway how it is, over its socket.

use std::io::{ErrorKind, Read as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::Config;
use crate::runtime_folder;
use crate::wire::status::Status;

/// How long the gateway may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Silence {
    /// Nothing listens.
    #[error(
        "no gateway {name} runs here, or it may not be asked: nothing listens at {}; start it with `smsbridge run` or \
         `systemctl start smsbridge`, and see its log",
        .sockets.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" or ")
    )]
    Nobody { name: String, sockets: Vec<PathBuf> },
    /// There is a socket that is not for this user.
    #[error("{}: only the gateway's user and group may ask: try again with sudo", .0.display())]
    Forbidden(PathBuf),
    /// It did not answer, or with something else.
    #[error("{}: {words}", .socket.display())]
    Unreadable { socket: PathBuf, words: String },
}

/// What the running gateway of this configuration answers: the document, and the same as read.
pub(super) fn ask(config: &Config) -> Result<(String, Status), Silence> {
    let sockets = runtime_folder::sockets(&config.name, &config.store.path);
    let mut forbidden = None;
    for socket in &sockets {
        match read(socket) {
            Ok(document) => {
                return match Status::read(&document) {
                    Ok(status) => Ok((document, status)),
                    Err(words) => Err(Silence::Unreadable { socket: socket.clone(), words }),
                };
            }
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                forbidden.get_or_insert_with(|| socket.clone());
            }
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {}
            Err(error) => {
                return Err(Silence::Unreadable { socket: socket.clone(), words: error.to_string() });
            }
        }
    }
    Err(match forbidden {
        Some(socket) => Silence::Forbidden(socket),
        None => Silence::Nobody { name: config.name.to_string(), sockets },
    })
}

fn read(socket: &Path) -> std::io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    let mut document = String::new();
    stream.read_to_string(&mut document)?;
    Ok(document)
}
