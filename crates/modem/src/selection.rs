//! Which storage is read from: `AT+CPMS` (TS 27.005 3.2.2).
//!
//! Some modems take one name, some want all three, and with three reading another storage also moves where messages are
//! received into: [`restore`] sets that back.

use std::time::Duration;

use tokio::time::sleep;

use crate::at::command::{Command, Response};
use crate::at::params::{fields, number};
use crate::error::ModemError;
use crate::ready::Ready;
use crate::session::{Session, Stream};
use crate::storage::Storage;

/// How often a modem that is not ready is asked to select a storage.
const MAX_ATTEMPTS: u32 = 20;
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// Sets all three storages. Some modems take only three names, some only two or one.
pub(crate) async fn select_all<P: Stream>(
    session: &mut Session<P>,
    storage: Storage,
) -> Result<Selected, ModemError> {
    for count in [3, 2, 1] {
        if cpms(session, storage, count).await?.is_some() {
            session.memory.selected = Some(storage);
            return Ok(Selected::Yes);
        }
    }
    Ok(Selected::Refused)
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
    if session.memory.unselectable.contains(&storage) {
        return Ok(Selected::Refused);
    }
    session.memory.selected = None;
    let counts: &[usize] = if session.memory.cpms_wants_three { &[3] } else { &[1, 3] };
    for &count in counts {
        if cpms(session, storage, count).await?.is_some() {
            session.memory.cpms_wants_three |= count == 3;
            session.memory.selected = Some(storage);
            return Ok(Selected::Yes);
        }
    }
    tracing::debug!(%storage, "storage is offered but cannot be selected");
    session.memory.unselectable.insert(storage);
    Ok(Selected::Refused)
}

/// `AT+CPMS=` with the same name `count` times; `None` where refused for good.
async fn cpms<P: Stream>(
    session: &mut Session<P>,
    storage: Storage,
    count: usize,
) -> Result<Option<Response>, ModemError> {
    let quoted = format!("\"{storage}\"");
    let text = format!("AT+CPMS={}", vec![quoted; count].join(","));
    let mut attempts = 0;
    loop {
        let asked = Command::new(text.as_str()).answer_prefix("+CPMS:").timeout(Duration::from_secs(10));
        match session.command(asked).await {
            Ok(response) => return Ok(Some(response)),
            Err(error) if error.is_not_ready_yet() && attempts < MAX_ATTEMPTS => {
                attempts += 1;
                sleep(RETRY_INTERVAL).await;
            }
            Err(error) if error.is_not_ready_yet() => return Err(error),
            Err(ModemError::Refused { .. }) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
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
