//! What is left of a session once it is over.

use crate::at::urc::Urc;
use crate::learned::Learned;

/// What is left of a session.
#[derive(Debug)]
#[non_exhaustive]
pub struct Remains<P> {
    /// The port.
    pub port: P,
    /// What the session learnt about the modem.
    pub learned: Learned,
    /// What the modem said and nobody has looked at yet. `+CMT`, `+CDS`, `+CBM` and `+CUSD` are not said again.
    pub unsolicited: Vec<Urc>,
}
