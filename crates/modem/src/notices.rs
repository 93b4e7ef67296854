//! Notices of the kernel that something changed in a folder (inotify). Says only that, never what: who is told looks.

#[cfg(all(target_os = "linux", feature = "serial"))]
pub(crate) use linux::Notices;
#[cfg(not(all(target_os = "linux", feature = "serial")))]
pub(crate) use none::Notices;

#[cfg(all(target_os = "linux", feature = "serial"))]
mod linux {
    use std::path::Path;

    use rustix::fd::OwnedFd;
    use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
    use tokio::io::unix::AsyncFd;

    #[derive(Debug)]
    pub(crate) struct Notices(AsyncFd<OwnedFd>);

    impl Notices {
        /// None where the system gives no more of them.
        pub(crate) fn new() -> Option<Self> {
            let fd = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok()?;
            #[allow(deprecated, reason = "sound for an OwnedFd; what replaces it is unsafe to call")]
            AsyncFd::new(fd).ok().map(Notices)
        }

        /// Watches a folder from now on; watching it twice is watching it once.
        pub(crate) fn watch(&self, folder: &Path) -> bool {
            let changes = WatchFlags::CREATE
                | WatchFlags::MOVED_TO
                | WatchFlags::DELETE
                | WatchFlags::MOVED_FROM
                | WatchFlags::ATTRIB
                | WatchFlags::DELETE_SELF
                | WatchFlags::MOVE_SELF
                | WatchFlags::ONLYDIR;
            inotify::add_watch(self.0.get_ref(), folder, changes).is_ok()
        }

        /// Waits for a change. Cancel-safe: none is lost.
        pub(crate) async fn next(&mut self) {
            let Ok(mut ready) = self.0.readable().await else { return std::future::pending().await };
            let mut notices = [0; 4096];
            while rustix::io::read(ready.get_inner(), &mut notices).is_ok() {}
            ready.clear_ready();
        }
    }
}

#[cfg(not(all(target_os = "linux", feature = "serial")))]
mod none {
    #[derive(Debug)]
    pub(crate) struct Notices;

    impl Notices {
        pub(crate) fn new() -> Option<Self> {
            None
        }

        pub(crate) fn watch(&self, _folder: &std::path::Path) -> bool {
            false
        }

        pub(crate) async fn next(&mut self) {
            std::future::pending().await
        }
    }
}
