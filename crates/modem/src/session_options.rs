//! What a session is told before it begins.

use crate::learned::Learned;
use crate::profile::Overrides;

/// What a session is told before it begins.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct SessionOptions {
    /// What earlier sessions with the modem taught.
    pub learned: Learned,
    /// What the user configured instead of the profile's values.
    pub overrides: Overrides,
    /// Cell broadcast channels to listen to, as `AT+CSCB` takes them (`50`, `4370-4383`); none: off.
    pub broadcast: Vec<String>,
}

impl SessionOptions {
    /// Sets what earlier sessions taught.
    #[must_use]
    pub fn with_learned(self, learned: Learned) -> Self {
        Self { learned, ..self }
    }

    /// Sets what replaces the profile's values.
    #[must_use]
    pub fn with_overrides(self, overrides: Overrides) -> Self {
        Self { overrides, ..self }
    }

    /// What resets this modem; none where nothing may: its family has no safe command, or it never said who it is.
    pub fn reset_command(&self) -> Option<String> {
        let family = self.overrides.profile.or(self.learned.family);
        match &self.overrides.reset {
            Some(command) => Some(command.clone()).filter(|command| !command.is_empty()),
            None => family.and_then(|family| family.reset_command).map(str::to_string),
        }
    }

    /// Sets the cell broadcast channels to listen to.
    #[must_use]
    pub fn with_broadcast(self, channels: Vec<String>) -> Self {
        Self { broadcast: channels, ..self }
    }
}
