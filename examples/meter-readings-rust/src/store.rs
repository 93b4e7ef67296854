//! The database: what came in, the readings, and the answers that still have to reach the gateway.

use rusqlite::{Connection, OptionalExtension as _, Result, Transaction, TransactionBehavior, params};

use crate::readings::{Message, Outcome};

/// What the id of a reply begins with; the id of its message follows.
pub const REPLY: &str = "meter-";

/// Two machines that answer each other stop at this many; an SMS costs money.
const REPLIES_PER_HOUR: i64 = 6;

/// An answer that is not accepted is published again after this, then after twice as long, up to ten minutes.
const REPEAT_S: i64 = 2;

/// Every method is one transaction, and has committed when it returns.
pub struct Store {
    db: Connection,
}

/// A request for the gateway. The same id always has the same content: that makes it safe to repeat.
pub struct Reply {
    pub id: String,
    pub to: String,
    pub modem: String,
    pub text: String,
    pub tries: i64,
}

impl Store {
    pub fn open(path: &str) -> Result<Self> {
        let db = Connection::open(path)?;
        // A commit has reached the disk when it returns.
        db.execute_batch("pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on;")?;
        db.execute_batch(include_str!("schema.sql"))?;
        Ok(Self { db })
    }

    /// Stores a message, its reading and the answer. Says what became of it.
    pub fn take(&self, message: &Message) -> Result<String> {
        let transaction = Transaction::new_unchecked(&self.db, TransactionBehavior::Immediate)?;
        let outcome = self.judge(message)?;
        // The key decides: of a message that is delivered again nothing is stored again.
        let inserted = transaction.execute(
            "insert into messages (id, sender, text, received_at, outcome) values (?1, ?2, ?3, ?4, ?5)
             on conflict do nothing",
            params![message.id, message.sender, message.text, message.received_at, outcome.name()],
        )?;
        if inserted == 0 {
            return Ok("known already".to_owned());
        }
        if let (Outcome::Stored | Outcome::Corrected { .. }, Some((account, reading))) =
            (&outcome, message.reading())
        {
            transaction.execute(
                "insert into readings (message, account, month, reading) values (?1, ?2, ?3, ?4)",
                params![message.id, account, message.month(), reading],
            )?;
        }
        let reply = if !message.is_answerable() {
            ", no reply to this sender"
        } else if self.replies_in_an_hour(&message.sender)? >= REPLIES_PER_HOUR {
            ", no reply: too many in an hour"
        } else {
            transaction.execute(
                "insert into outbox (id, recipient, modem, text) values (?1, ?2, ?3, ?4)",
                params![
                    format!("{REPLY}{}", message.id),
                    message.sender,
                    message.modem,
                    message.answer(&outcome)
                ],
            )?;
            ""
        };
        transaction.commit()?;
        Ok(format!("{}{reply}", outcome.name()))
    }

    /// The answers to publish now. Each comes again, after longer and longer, until the gateway has it.
    pub fn due(&self) -> Result<Vec<Reply>> {
        let mut update = self.db.prepare(
            "update outbox set tries = tries + 1, publish_at = unixepoch() + min(600, ?1 << min(tries, 10))
             where id in (select id from outbox where state = 'waiting' and publish_at <= unixepoch()
                          order by publish_at limit 20)
             returning id, recipient, modem, text, tries",
        )?;
        let rows = update.query_map([REPEAT_S], |row| {
            let (id, to, modem, text, tries) = row.try_into()?;
            Ok(Reply { id, to, modem, text, tries })
        })?;
        rows.collect()
    }

    /// Notes a result. After the last one, nothing changes it: a result may be delivered again.
    pub fn settle(&self, id: &str, state: &str, done: bool) -> Result<()> {
        let update = "update outbox set state = ?2, done = ?3 where id = ?1 and not done";
        self.db.execute(update, params![id, state, done]).map(drop)
    }

    fn judge(&self, message: &Message) -> Result<Outcome> {
        let Some((account, reading)) = message.reading() else {
            return Ok(Outcome::Unreadable);
        };
        let known = "select 1 from accounts where account = ?1";
        if self.db.query_row(known, [&account], |_| Ok(())).optional()?.is_none() {
            return Ok(Outcome::UnknownAccount);
        }
        let current = "select reading from current_readings where account = ?1 and month = ?2";
        let before: Option<i64> =
            self.db.query_row(current, [account.as_str(), message.month()], |row| row.get(0)).optional()?;
        Ok(match before {
            Some(before) if before != reading => Outcome::Corrected { before },
            _ => Outcome::Stored,
        })
    }

    fn replies_in_an_hour(&self, recipient: &str) -> Result<i64> {
        let query = "select count(*) from outbox where recipient = ?1 and created_at > unixepoch() - 3600";
        self.db.query_row(query, [recipient], |row| row.get(0))
    }
}
