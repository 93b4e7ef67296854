//! The store: every message passes through it, and only this folder speaks SQL.
//!
//! `engine` owns the thread, the group commit and the connection; `file` opens it, `place` keeps it ours; `schema` has
//! the tables; `idle` knows the modems that wait. The other files are the operations on rows, each one transaction with
//! a name from the domain: `received` (messages in), `requests`, `claims`, `sending` and `reports` (messages out),
//! `due` (what time brings about), `budgets` (what went out), `outbox` (to the broker), `parked` (what it does not
//! take), `hook_runs`, `history`, `forget` and `look` (for commands; `person` is whom they are asked for), and small
//! facts. An `Ok` means: on disk. What a message means is decided in `crate::incoming` and `crate::verdict`.

mod broker;
mod browse;
mod budgets;
mod claims;
mod clock;
mod columns;
mod due;
mod engine;
mod error;
mod facts;
mod file;
mod forget;
mod history;
mod hook_runs;
mod idle;
mod imei;
mod life;
mod look;
mod outbox;
mod parked;
mod person;
mod pin_attempts;
mod place;
mod received;
mod reports;
mod requests;
mod results;
mod retention;
mod schema;
mod sending;
mod sims;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub use browse::Position;
pub use browse::{Browse, Direction, Page};
pub use claims::{Claim, Claimed};
#[cfg(test)]
pub use engine::StoreThread;
pub use engine::{Store, StoreConfig};
pub use error::{OpenError, ReadError, StoreError};
pub use forget::{Forget, Forgotten, Left};
pub use history::{Entry, History, HistoryFilter, SentEntry};
pub use hook_runs::HookRun;
pub use idle::Idle;
pub use life::{MessageLife, PartLife, PartState, Queue, RequestLife, Waiting};
pub use look::{Condition, is_pin_known_wrong, look};
pub use outbox::{Cursor, OutboxRow, Publication};
pub use parked::{MAX_BREAKS, Parked, ParkedRow};
pub use person::Person;
pub use pin_attempts::{PinAttempt, digest as pin_digest};
pub use received::Accepted;
pub use retention::DeletionPass;
