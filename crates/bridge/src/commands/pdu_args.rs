//! `smsbridge pdu decode` and `smsbridge pdu encode`: arguments, standard input and output.

use clap::{Subcommand, ValueEnum};
use smsbridge_codec::Direction;

use super::pdu;

/// The way a PDU goes (TS 23.040 9.2.2).
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Way {
    /// To the phone.
    Mt,
    /// From it.
    Mo,
}

impl From<Way> for Direction {
    fn from(way: Way) -> Direction {
        match way {
            Way::Mt => Direction::MobileTerminated,
            Way::Mo => Direction::MobileOriginated,
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum PduCommand {
    /// Hex PDUs, from the arguments or a line each on standard input, to what they say
    Decode {
        /// mt: to the phone; mo: from it
        #[arg(long, default_value = "mt")]
        direction: Way,
        /// One JSON object a line instead of words
        #[arg(long)]
        json: bool,
        /// PDUs; none: standard input
        pdus: Vec<String>,
    },
    /// JSON requests, a line each on standard input, to PDUs
    Encode {
        /// The only form there is; may be given for symmetry
        #[arg(long)]
        json: bool,
    },
}

impl PduCommand {
    /// True when every line could be read.
    pub fn run(self) -> anyhow::Result<bool> {
        let (stdin, stdout) = (std::io::stdin().lock(), std::io::stdout().lock());
        let done = match self {
            PduCommand::Decode { direction, json, pdus } if pdus.is_empty() => {
                pdu::decode(stdin, stdout, direction.into(), json)
            }
            PduCommand::Decode { direction, json, pdus } => {
                pdu::decode(pdus.join("\n").as_bytes(), stdout, direction.into(), json)
            }
            PduCommand::Encode { json: _ } => pdu::encode(stdin, stdout),
        };
        match done {
            // A reader that has seen enough closes the pipe.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(true),
            done => Ok(done?),
        }
    }
}
