//! The modem at a pseudo-terminal: to any program it is a serial port at a path of one's choice.
//!
//! Owns the master side and a symbolic link to the slave. While the modem is unplugged both are
//! gone, and plugging in makes a new pair, maybe under another device name, as USB does. The
//! program at the slave may close it, die and come back: the master stays. What it had half typed
//! stays too, as a modem on a UART does not notice who holds the other end.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;

use crate::simulator::Simulator;

/// How often an idle master looks whether somebody opened the slave: the kernel does not tell.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A pseudo-terminal with a name; serve it with [`run`](Self::run), or use [`spawn`].
pub struct Pty {
    sim: Simulator,
    link: PathBuf,
    master: Option<OwnedFd>,
    /// The simulator's count when the pair was made: one more means that it left the bus since.
    unpluggings: u64,
}

impl Pty {
    /// Opens the pair and makes the link (in place of an older link; never of a file).
    pub fn open(sim: &Simulator, link: impl Into<PathBuf>) -> io::Result<Self> {
        let mut pty = Self { sim: sim.clone(), link: link.into(), master: None, unpluggings: 0 };
        if sim.is_plugged() {
            pty.raise()?;
        }
        Ok(pty)
    }

    fn raise(&mut self) -> io::Result<()> {
        self.unpluggings = self.sim.lock().unpluggings;
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        // A program under test that inherited it would keep the port alive after an unplug.
        rustix::io::fcntl_setfd(&master, rustix::io::FdFlags::CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let name = ptsname(&master, Vec::new())?;
        // Opened once to make it raw, and closed again: from now on the master can tell whether
        // somebody has it open. It must not stay open here, that would defeat exclusive use.
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let slave = rustix::fs::open(&*name, flags, Mode::empty())?;
        let mut settings = tcgetattr(&slave)?;
        settings.make_raw();
        tcsetattr(&slave, OptionalActions::Now, &settings)?;
        drop(slave);
        rustix::io::ioctl_fionbio(&master, true)?;
        self.lower();
        std::os::unix::fs::symlink(name.to_string_lossy().as_ref(), &self.link)?;
        self.master = Some(master);
        Ok(())
    }

    /// Takes the link away, then closes the master: who sees the end finds no link to a device
    /// whose name may be another's by then.
    fn lower(&mut self) {
        if self.link.is_symlink() {
            // Gone already is as good.
            let _ = std::fs::remove_file(&self.link);
        }
        self.master = None;
    }

    /// Is the modem at this port, over pluggings and clients, for ever; drop the future to stop.
    pub async fn run(mut self) -> io::Result<()> {
        loop {
            // The pair goes before the wait: unplugged between any two lines here is unplugged too.
            if self.has_left() {
                self.lower();
                self.sim.until_plugged(true).await;
            }
            if self.master.is_none() {
                self.raise()?;
            }
            // A locked pair is of no use to anybody any more: a new one takes its place at once.
            if self.client().await? || self.is_locked()? {
                self.lower();
            }
        }
    }

    /// Whether the modem left the bus since the pair was made, be it back or not.
    fn has_left(&self) -> bool {
        !self.sim.is_plugged() || self.sim.lock().unpluggings != self.unpluggings
    }

    /// Whether the client that went had claimed the slave for itself (TIOCEXCL). A serial port forgets that
    /// when it is closed; a slave remembers it as long as its master lives, and only root gets in.
    fn is_locked(&self) -> io::Result<bool> {
        let Some(master) = &self.master else { return Ok(false) };
        let name = ptsname(master, Vec::new())?;
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let opened = rustix::fs::open(&*name, flags, Mode::empty());
        Ok(opened.is_err_and(|e| e == rustix::io::Errno::BUSY))
    }

    /// Waits for somebody to open the slave and serves them; whether the modem left the bus.
    async fn client(&mut self) -> io::Result<bool> {
        let Some(master) = &self.master else { return Ok(true) };
        while !is_open(master)? {
            if self.has_left() {
                return Ok(true);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        // A master that has seen a hang-up stays "readable" in its registration: a fresh one each time.
        #[allow(deprecated, reason = "sound for an OwnedFd; what replaces it is unsafe to call")]
        let stream = Master(AsyncFd::new(master.try_clone()?)?);
        let served = self.sim.serve(stream).await;
        match served {
            Err(e) if e.kind() != io::ErrorKind::NotConnected => Err(e),
            _ => Ok(self.has_left()),
        }
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        self.lower();
    }
}

/// Whether somebody has the slave open, or left something typed.
fn is_open(master: &OwnedFd) -> io::Result<bool> {
    let mut fds = [PollFd::new(master, PollFlags::IN)];
    poll(&mut fds, Some(&Timespec::default()))?;
    let seen = fds[0].revents();
    Ok(seen.contains(PollFlags::IN) || !seen.contains(PollFlags::HUP))
}

/// A pseudo-terminal served by a thread of its own: for tests and programs without a runtime.
///
/// Dropping it closes the port, takes the link away and ends the thread. The simulator lives on.
pub struct Port {
    link: PathBuf,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

/// Serves `sim` at `link` from a new thread. The link is there when this returns (unless the modem is
/// unplugged).
pub fn spawn(sim: &Simulator, link: impl Into<PathBuf>) -> io::Result<Port> {
    let pty = Pty::open(sim, link)?;
    let link = pty.link.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (stop, stopped) = oneshot::channel();
    let thread = std::thread::Builder::new().name("simulated modem".into()).spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                result = pty.run() => result,
                _ = stopped => Ok(()),
            }
        })
    })?;
    Ok(Port { link, stop: Some(stop), thread: Some(thread) })
}

impl Port {
    /// The path to give to the program under test.
    pub fn path(&self) -> &Path {
        &self.link
    }

    /// Whether the port is there to be opened: soon after plugging in, no more soon after unplugging.
    pub fn is_there(&self) -> bool {
        self.link.exists()
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A failure of the port was seen by the program at its other end.
            let _ = thread.join();
        }
    }
}

/// The master side as a stream. Nobody at the slave reads as end of file.
struct Master(AsyncFd<OwnedFd>);

impl AsyncRead for Master {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut guard = ready!(self.0.poll_read_ready(cx))?;
            let read = guard.try_io(|fd| Ok(rustix::io::read(fd.get_ref(), buf.initialize_unfilled())?));
            match read {
                Ok(Ok(count)) => {
                    buf.advance(count);
                    return Poll::Ready(Ok(()));
                }
                Ok(Err(e)) if is_hang_up(&e) => return Poll::Ready(Ok(())),
                Ok(Err(e)) => return Poll::Ready(Err(e)),
                Err(_) => {}
            }
        }
    }
}

impl AsyncWrite for Master {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            let mut guard = ready!(self.0.poll_write_ready(cx))?;
            match guard.try_io(|fd| Ok(rustix::io::write(fd.get_ref(), bytes)?)) {
                Ok(Err(e)) if is_hang_up(&e) => return Poll::Ready(Ok(0)),
                Ok(result) => return Poll::Ready(result),
                Err(_) => {}
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn is_hang_up(e: &io::Error) -> bool {
    e.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error())
}
