//! Notifications to systemd, where it supervises the process.

/// What systemd is told (sd_notify(3)).
#[derive(Debug, Clone, Copy)]
pub enum ServiceState {
    /// The gateway has started.
    Ready,
    /// It is about to end.
    Stopping,
    /// It is alive.
    Watchdog,
}

/// Tells systemd about the service's state; does nothing where there is no systemd.
#[cfg(unix)]
pub fn notify(state: ServiceState) {
    let state = match state {
        ServiceState::Ready => sd_notify::NotifyState::Ready,
        ServiceState::Stopping => sd_notify::NotifyState::Stopping,
        ServiceState::Watchdog => sd_notify::NotifyState::Watchdog,
    };
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!("systemd was not notified: {error}");
    }
}

/// Nobody to tell here.
#[cfg(not(unix))]
pub fn notify(_: ServiceState) {}
