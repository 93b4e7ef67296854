//! Which storage is read from: `AT+CPMS` (TS 27.005 3.2.2).
//!
//! Some modems take one name, some want all three, and with three reading another storage also moves where messages are
//! received into: [`restore`] sets that back.

use std::time::Duration;

use tokio::time::Instant;

use crate::at::command::Command;
use crate::at::params::{fields, number};
use crate::error::ModemError;
use crate::ready::Ready;
use crate::refusals::Ability;
use crate::session::{Session, Stream};
use crate::storage::Storage;

/// How long a modem may take to look through a storage.
const CPMS_TIMEOUT: Duration = Duration::from_secs(30);

/// Sets all three storages. Some modems take only three names, some only two or one.
pub(crate) async fn select_all<P: Stream>(
    session: &mut Session<P>,
    storage: Storage,
) -> Result<Selection, ModemError> {
    let mut refusal = None;
    for count in [3, 2, 1] {
        match cpms(session, storage, count).await {
            Ok(slots) => {
                session.memory.selected = Some(storage);
                return Ok(Selection::Selected { slots });
            }
            Err(error @ ModemError::Refused { .. }) => refusal = refusal.or(Some(error)),
            Err(error) => return Err(error),
        }
    }
    Ok(refusal.map_or(Selection::Selected { slots: None }, Selection::Refused))
}

/// What came of selecting a storage.
#[derive(Debug)]
pub(crate) enum Selection {
    /// It is selected.
    Selected {
        /// How many messages it can hold, where the modem reports that.
        slots: Option<u16>,
    },
    /// The modem refused, as this error says.
    Refused(ModemError),
}

/// Back to the storage messages are received into, where reading another one moved that too.
pub(crate) async fn restore<P: Stream>(session: &mut Session<P>, ready: &Ready) -> Result<(), ModemError> {
    if session.memory.cpms_wants_three {
        select(session, ready.receive_storage).await?;
    }
    Ok(())
}

/// Slots used and slots in all, if the storage can be selected and the modem reports them.
pub(crate) async fn storage_use_of<P: Stream>(
    session: &mut Session<P>,
    storage: Storage,
) -> Result<Option<(u16, u16)>, ModemError> {
    if select(session, storage).await? == Selected::Refused {
        return Ok(None);
    }
    let answer = session.optional(Command::new("AT+CPMS?").answer_prefix("+CPMS:")).await?;
    Ok(answer.and_then(|r| r.after("+CPMS:").next().and_then(slot_counts)))
}

/// Whether a storage is the one that is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Selected {
    /// It is.
    Yes,
    /// The modem refuses to select it.
    Refused,
}

/// Makes `storage` the one that is read from.
pub(crate) async fn select<P: Stream>(
    session: &mut Session<P>,
    storage: Storage,
) -> Result<Selected, ModemError> {
    if session.memory.selected == Some(storage) {
        return Ok(Selected::Yes);
    }
    let ability = Ability::Storage(storage);
    if !session.refusals.is_due(&ability, Instant::now()) {
        return Ok(Selected::Refused);
    }
    session.memory.selected = None;
    let counts: &[usize] = if session.memory.cpms_wants_three { &[3] } else { &[1, 3] };
    for &count in counts {
        match cpms(session, storage, count).await {
            Ok(_) => {
                session.memory.cpms_wants_three |= count == 3;
                session.memory.selected = Some(storage);
                session.refusals.works(&ability);
                return Ok(Selected::Yes);
            }
            Err(ModemError::Refused { error, .. }) if counts.last() == Some(&count) => {
                session.refusals.refused(ability.clone(), &error, Instant::now());
            }
            Err(ModemError::Refused { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Selected::Refused)
}

/// `AT+CPMS=` with the same name `count` times; how many messages the last of them can hold, where that is reported.
async fn cpms<P: Stream>(
    session: &mut Session<P>,
    storage: Storage,
    count: usize,
) -> Result<Option<u16>, ModemError> {
    let quoted = format!("\"{storage}\"");
    let text = format!("AT+CPMS={}", vec![quoted; count].join(","));
    let asked = Command::new(text).answer_prefix("+CPMS:").may_be_empty().timeout(CPMS_TIMEOUT);
    let response = session.command(asked).await?;
    Ok(response.after("+CPMS:").next().and_then(|rest| slots_in_all(rest, count)))
}

/// How many messages the last of `count` storages can hold: `<used>,<total>` of each, or `<name>,<used>,<total>`.
fn slots_in_all(rest: &str, count: usize) -> Option<u16> {
    let fields = fields(rest);
    let has_names = fields.first()?.parse::<u16>().is_err();
    number(fields.get(if has_names { 3 * count } else { 2 * count } - 1))
}

/// `3,30,…` or `"SM",3,30,…`.
fn slot_counts(rest: &str) -> Option<(u16, u16)> {
    let fields = fields(rest);
    let skip = usize::from(fields.first()?.parse::<u16>().is_err());
    Some((number(fields.get(skip))?, number(fields.get(skip + 1))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_the_storage_messages_come_into() {
        let rows = [
            ("3,30,3,30,0,0", 3, Some(0)),
            ("0,0,3,30,3,50", 3, Some(50)),
            ("\"SM\",0,0,\"SM\",0,0,\"ME\",1,23", 3, Some(23)),
            (" \"SM\", 0, 0", 1, Some(0)),
            ("1,23", 1, Some(23)),
            ("1,23", 3, None),
            ("", 3, None),
        ];
        for (rest, count, expect) in rows {
            assert_eq!(slots_in_all(rest, count), expect, "{rest}");
        }
    }

    #[test]
    fn counts_in_all_shapes() {
        let rows = [
            ("numbers", "3,30,3,30,3,30", Some((3, 30))),
            ("with names", "\"SM\",3,30,\"SM\",3,30", Some((3, 30))),
            ("blanks", " \"ME\", 0, 255", Some((0, 255))),
            ("nothing", "", None),
        ];
        for (name, rest, expect) in rows {
            assert_eq!(slot_counts(rest), expect, "{name}");
        }
    }
}
