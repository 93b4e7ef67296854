//! Commands a session can do without: what the modem refuses is left out for now, what it never answers for good.
//!
//! Which of that is so is decided in [`crate::refusals`] and [`crate::Learned`]. Input is a session.

use tokio::time::Instant;

use crate::at::command::{Command, Response};
use crate::error::ModemError;
use crate::refusals::Ability;
use crate::session::{Session, Stream};

impl<P: Stream> Session<P> {
    /// A command the modem need not support: `None` where it refuses, where it refused lately, and where it never
    /// answered.
    pub(crate) async fn optional(&mut self, command: Command) -> Result<Option<Response>, ModemError> {
        self.ask(Ability::Optional(command.to_string()), command).await
    }

    /// A command that stands for an ability: `None` where the modem refuses it, refused it lately, or never answered.
    pub(crate) async fn ask(
        &mut self,
        ability: Ability,
        command: Command,
    ) -> Result<Option<Response>, ModemError> {
        if !self.refusals.is_due(&ability, Instant::now()) || self.learned().leaves_out(command.text()) {
            return Ok(None);
        }
        match self.command(command).await {
            Ok(response) => {
                self.refusals.works(&ability);
                Ok(Some(response))
            }
            Err(ModemError::Refused { error, .. }) => {
                self.refusals.refused(ability, &error, Instant::now());
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}
