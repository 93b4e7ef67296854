//! Notifications to systemd, where it supervises the process.

/// Tells systemd about the service's state; does nothing where there is no systemd.
pub fn notify(state: sd_notify::NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!("systemd was not notified: {error}");
    }
}
