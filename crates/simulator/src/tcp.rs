//! The modem behind a TCP port, as a serial server would show it.
//!
//! One connection at a time has the line; a newer one takes it. While the modem is unplugged the
//! port stays open and each connection is closed at once.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, ToSocketAddrs};
use tokio::task::JoinSet;

use crate::simulator::Simulator;

/// A bound port; serve it with [`run`](Self::run).
pub struct Listener {
    sim: Simulator,
    listener: TcpListener,
}

/// Binds the port (`127.0.0.1:0`: any free one).
pub async fn listen(sim: &Simulator, address: impl ToSocketAddrs) -> io::Result<Listener> {
    Ok(Listener { sim: sim.clone(), listener: TcpListener::bind(address).await? })
}

impl Listener {
    /// Where it listens.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves whoever connects, for ever; drop the future to stop.
    pub async fn run(self) -> io::Result<()> {
        let mut connections = JoinSet::new();
        loop {
            let (stream, _) = self.listener.accept().await?;
            // An answer is one small write; waiting for more of it only makes the modem slow.
            stream.set_nodelay(true)?;
            while connections.try_join_next().is_some() {}
            let sim = self.sim.clone();
            connections.spawn(async move { sim.serve(stream).await });
        }
    }
}
