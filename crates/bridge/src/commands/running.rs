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
pub(super) enum NoAnswer {
    /// Nothing listens.
    #[error(
        "no gateway named {name} runs here, or it may not be asked: nothing listens at {}; start it with \
         `smsbridge run` or `systemctl start smsbridge`, and see its log",
        .sockets.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" or ")
    )]
    Nobody { name: String, sockets: Vec<PathBuf> },
    /// There is a socket that is not for this user.
    #[error("{}: only the gateway's user and group may ask: try again with sudo", .0.display())]
    Forbidden(PathBuf),
    /// Another gateway of the name answers.
    #[error(
        "{}: the gateway that answers there has another store, {store}: it is not the one of this configuration, \
         and has its name; give each a name of its own",
        .socket.display()
    )]
    Other { socket: PathBuf, store: String },
    /// It did not answer, or with something else.
    #[error("{}: {words}", .socket.display())]
    Unreadable { socket: PathBuf, words: String },
}

/// What the running gateway of this configuration answers: the document, and the same as read.
pub(super) fn ask(config: &Config) -> Result<(String, Status), NoAnswer> {
    let sockets = runtime_folder::sockets(&config.name, &config.store.path);
    // The first place at which something is wrong, if nobody answers at another one.
    let mut first = None;
    for socket in &sockets {
        let no_answer = match read(socket).map(|document| (Status::read(&document), document)) {
            Ok((Ok(status), document)) if is_of(config, &status) => return Ok((document, status)),
            Ok((Ok(status), _)) => NoAnswer::Other { socket: socket.clone(), store: status.gateway.store },
            Ok((Err(words), _)) => NoAnswer::Unreadable { socket: socket.clone(), words },
            Err(error) if error.kind() == ErrorKind::PermissionDenied => NoAnswer::Forbidden(socket.clone()),
            // What a timeout is called differs between systems.
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                let words = format!("the gateway has not answered for {} s", ANSWER_TIMEOUT.as_secs());
                NoAnswer::Unreadable { socket: socket.clone(), words }
            }
            // Of a place that the gateway could not use either.
            Err(_) => continue,
        };
        first.get_or_insert(no_answer);
    }
    Err(first.unwrap_or(NoAnswer::Nobody { name: config.name.to_string(), sockets }))
}

/// Whether a gateway is that of this configuration. Where the store's place is the default one, that of another user is
/// another; what the user may not look at is compared as it is written.
fn is_of(config: &Config, status: &Status) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let (ours, theirs) = (&config.store.path, Path::new(&status.gateway.store));
    config.store.is_default || real(ours) == real(theirs)
}

fn read(socket: &Path) -> std::io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    let mut document = String::new();
    stream.read_to_string(&mut document)?;
    Ok(document)
}
