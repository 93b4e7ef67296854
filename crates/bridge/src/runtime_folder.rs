//! Where a running gateway can be asked how it is: a Unix socket in the runtime folder, named after the gateway.
//!
//! The gateway takes the first folder that it may use; who asks may be another user with another environment, and looks
//! in all of them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::message::Name;

/// The runtime folder of a service of the system.
const OF_SYSTEM: &str = "/run/smsbridge";

/// The sockets a gateway may have, the likeliest first: in `$RUNTIME_DIRECTORY` (systemd), the system's runtime folder,
/// the user's, or in the store's folder where there is none.
pub fn sockets(name: &Name, store: &Path) -> Vec<PathBuf> {
    sockets_with(|variable| std::env::var_os(variable), name, store)
}

fn sockets_with(variable: impl Fn(&str) -> Option<OsString>, name: &Name, store: &Path) -> Vec<PathBuf> {
    let folder = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folders = [
        folder("RUNTIME_DIRECTORY"),
        Some(OF_SYSTEM.into()),
        folder("XDG_RUNTIME_DIR").map(|folder| folder.join("smsbridge")),
        Some(store.to_owned()),
    ];
    folders.into_iter().flatten().map(|folder| folder.join(format!("{name}.sock"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_from_a_shell_finds_the_socket_of_the_service() {
        let (name, store) = ("attic".parse().unwrap(), Path::new("/store"));
        let of_service = |variable: &str| (variable == "RUNTIME_DIRECTORY").then(|| OF_SYSTEM.into());
        let of_shell = |variable: &str| (variable == "XDG_RUNTIME_DIR").then(|| "/run/user/1000".into());
        let taken = &sockets_with(of_service, &name, store)[0];
        let looked_at = sockets_with(of_shell, &name, store);
        assert!(looked_at.contains(taken), "{taken:?} is not one of {looked_at:?}");
        let others =
            ["/run/smsbridge/attic.sock", "/run/user/1000/smsbridge/attic.sock", "/store/attic.sock"];
        assert_eq!(looked_at, others.map(PathBuf::from));
    }
}
