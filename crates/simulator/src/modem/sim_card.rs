//! The SIM card: PIN and PUK with their tries, and what is written on it.
//!
//! Owns what survives every reset and unplugging. Messages on the SIM are kept in `storage.rs`.

use super::answer::Refusal;
use crate::options::Sim;

/// A SIM card.
pub(crate) struct SimCard {
    /// `None`: the card asks for no PIN.
    pub(crate) pin: Option<String>,
    puk: String,
    pub(crate) tries: u8,
    pub(crate) puk_tries: u8,
    /// Since power-up.
    verified: bool,
    pub(crate) iccid: String,
    pub(crate) imsi: String,
    pub(crate) number: String,
    pub(crate) present: bool,
    /// Not seen any more, until it has had no power.
    pub(crate) lost: bool,
    /// Not read yet after power-up.
    pub(crate) busy: bool,
}

const PIN_TRIES: u8 = 3;
const PUK_TRIES: u8 = 10;

impl SimCard {
    pub(crate) fn new(sim: &Sim) -> Self {
        Self {
            pin: sim.pin.clone(),
            puk: sim.puk.clone(),
            tries: PIN_TRIES,
            puk_tries: PUK_TRIES,
            verified: sim.pin.is_none(),
            iccid: sim.iccid.clone(),
            imsi: sim.imsi.clone(),
            number: sim.number.clone(),
            present: true,
            lost: false,
            busy: false,
        }
    }

    /// The card loses its power: the PIN is asked again.
    pub(crate) fn power_up(&mut self) {
        self.lost = false;
        self.verified = self.pin.is_none();
    }

    /// `Ok` when messages and network are within reach.
    pub(crate) fn ready(&self) -> Result<(), Refusal> {
        if !self.present || self.lost {
            Err(Refusal::NO_SIM)
        } else if self.busy {
            Err(Refusal::SIM_BUSY)
        } else if self.blocked() {
            Err(Refusal::PUK_NEEDED)
        } else if !self.verified {
            Err(Refusal::PIN_NEEDED)
        } else {
            Ok(())
        }
    }

    fn blocked(&self) -> bool {
        self.pin.is_some() && self.tries == 0
    }

    /// Answer to `+CPIN?`.
    pub(crate) fn state(&self) -> Result<&'static str, Refusal> {
        match self.ready() {
            Ok(()) => Ok("READY"),
            Err(Refusal::PIN_NEEDED) => Ok("SIM PIN"),
            Err(Refusal::PUK_NEEDED) => Ok("SIM PUK"),
            Err(other) => Err(other),
        }
    }

    /// `+CPIN=<pin>`, or `+CPIN=<puk>,<new pin>`.
    pub(crate) fn enter(&mut self, code: &str, new_pin: Option<&str>) -> Result<(), Refusal> {
        match self.ready() {
            Ok(()) => Err(Refusal::NOT_ALLOWED),
            Err(Refusal::PIN_NEEDED) => {
                if self.pin.as_deref() == Some(code) {
                    self.tries = PIN_TRIES;
                    self.verified = true;
                    return Ok(());
                }
                self.tries -= 1;
                Err(if self.tries == 0 { Refusal::PUK_NEEDED } else { Refusal::WRONG_PASSWORD })
            }
            Err(Refusal::PUK_NEEDED) => {
                let new_pin = new_pin.ok_or(Refusal::PUK_NEEDED)?;
                if self.puk_tries == 0 || self.puk != code {
                    self.puk_tries = self.puk_tries.saturating_sub(1);
                    return Err(Refusal::WRONG_PASSWORD);
                }
                self.pin = Some(new_pin.into());
                (self.tries, self.puk_tries, self.verified) = (PIN_TRIES, PUK_TRIES, true);
                Ok(())
            }
            Err(other) => Err(other),
        }
    }
}
