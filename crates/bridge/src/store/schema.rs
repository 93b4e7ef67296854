//! The tables, and how an older store becomes a newer one.
//!
//! `PRAGMA user_version` is the number of migrations applied; each runs once, in its own transaction. A store made by
//! a newer smsbridge is refused: nothing is known of what its rows mean. Times are Unix milliseconds.

use std::path::Path;

use rusqlite::Connection;

use super::OpenError;

/// One step from each version to the next. A released step is never edited.
const MIGRATIONS: [&str; 1] = [FIRST];

const FIRST: &str = "
-- Facts about this store: client_id, mqtt_filters, published_topics.
CREATE TABLE fact (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;

-- Concatenated messages of which parts are here (TS 23.040 9.2.3.24.1).
CREATE TABLE part_set (
  id            INTEGER PRIMARY KEY,
  modem         TEXT NOT NULL,
  sim           TEXT NOT NULL,
  sender        TEXT NOT NULL,
  reference     INTEGER NOT NULL,
  wide          INTEGER NOT NULL,
  total         INTEGER NOT NULL,
  first_sent_at INTEGER,            -- service centre time, Unix seconds
  last_at       INTEGER NOT NULL,   -- when the last part was read
  message_id    TEXT                -- given out as this message, whole or not
) STRICT;
CREATE INDEX part_set_key ON part_set (sim, sender, reference, wide, total);
CREATE INDEX part_set_open ON part_set (last_at) WHERE message_id IS NULL;

CREATE TABLE part (
  set_id   INTEGER NOT NULL REFERENCES part_set ON DELETE CASCADE,
  sequence INTEGER NOT NULL,
  pdu      TEXT NOT NULL,
  PRIMARY KEY (set_id, sequence)
) STRICT, WITHOUT ROWID;

-- Slots of a SIM or modem whose PDU is stored here and which are still to be deleted there.
CREATE TABLE slot (
  sim     TEXT NOT NULL,
  storage TEXT NOT NULL,
  slot    INTEGER NOT NULL,
  pdu     TEXT NOT NULL,
  PRIMARY KEY (sim, storage, slot)
) STRICT, WITHOUT ROWID;

-- Whole incoming messages, kept for history.
CREATE TABLE received (
  id          TEXT PRIMARY KEY,
  modem       TEXT NOT NULL,
  sender      TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  payload     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX received_at ON received (received_at);

-- PDUs handed over without being stored by the modem; a repetition is known by its octets.
CREATE TABLE direct (
  sim TEXT NOT NULL,
  pdu TEXT NOT NULL,
  at  INTEGER NOT NULL,
  PRIMARY KEY (sim, pdu)
) STRICT, WITHOUT ROWID;

-- One publish to `send`.
CREATE TABLE request (
  row         INTEGER PRIMARY KEY AUTOINCREMENT,
  id          TEXT NOT NULL UNIQUE,
  content     TEXT NOT NULL,        -- what makes two requests the same
  body        TEXT NOT NULL,        -- JSON of what is sent
  respond_to  TEXT,
  correlation BLOB,
  packet_id   INTEGER,              -- of the PUBLISH, until the broker may use it again
  session     INTEGER,              -- the MQTT session that packet id belongs to
  accepted_at INTEGER NOT NULL
) STRICT;
CREATE INDEX request_packet ON request (packet_id, session) WHERE packet_id IS NOT NULL;

-- One recipient of a request.
CREATE TABLE message (
  id              INTEGER PRIMARY KEY,
  request_id      TEXT NOT NULL REFERENCES request (id) ON DELETE CASCADE,
  recipient       TEXT NOT NULL,
  state           TEXT NOT NULL
    CHECK (state IN ('accepted','sent','delivered','failed','rejected','expired','cancelled','unknown')),
  final           INTEGER NOT NULL DEFAULT 0 CHECK (final IN (0, 1)),
  modem           TEXT,             -- the only one that may send it
  sim             TEXT,             -- some parts went out by this SIM, so the others must
  priority        INTEGER NOT NULL,
  delivery_report INTEGER NOT NULL,
  not_before      INTEGER NOT NULL,
  expires_at      INTEGER,
  attempts        INTEGER NOT NULL DEFAULT 0,  -- refusals
  faults          INTEGER NOT NULL DEFAULT 0,  -- of the line, with this message in hand
  claimed_by      TEXT,
  reference       INTEGER NOT NULL, -- concatenation reference of its parts
  parts           INTEGER NOT NULL,
  sent_at         INTEGER,
  last_result     TEXT NOT NULL,    -- JSON, repeated for a duplicate
  UNIQUE (request_id, recipient)
) STRICT;
CREATE INDEX message_waiting ON message (priority DESC, id) WHERE final = 0 AND state = 'accepted';
CREATE INDEX message_recipient ON message (recipient);
CREATE INDEX message_claimed ON message (claimed_by) WHERE claimed_by IS NOT NULL;
CREATE INDEX message_reported ON message (sent_at) WHERE final = 0 AND state = 'sent';

CREATE TRIGGER message_forward_only BEFORE UPDATE OF state, final ON message
WHEN OLD.final = 1 OR (OLD.state = 'sent' AND NEW.state = 'accepted')
BEGIN
  SELECT RAISE(ABORT, 'a state went backwards');
END;

CREATE TABLE message_part (
  message_id   INTEGER NOT NULL REFERENCES message ON DELETE CASCADE,
  sequence     INTEGER NOT NULL,
  state        TEXT NOT NULL CHECK (state IN ('queued','submitting','submitted')),
  modem        TEXT,
  sim          TEXT,
  mr           INTEGER,             -- TP-MR the modem gave it
  submitted_at INTEGER,             -- when it was about to be handed over
  fate         TEXT,                -- delivered, failed
  fate_at      TEXT,
  status       INTEGER,             -- TP-ST
  unknowns     INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (message_id, sequence)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_part_mr ON message_part (sim, mr, submitted_at) WHERE mr IS NOT NULL;
CREATE INDEX message_part_time ON message_part (modem, submitted_at);

-- Modems that could not send a message, and until when they are not to try again.
CREATE TABLE avoid (
  message_id INTEGER NOT NULL REFERENCES message ON DELETE CASCADE,
  modem      TEXT NOT NULL,
  until      INTEGER NOT NULL,
  PRIMARY KEY (message_id, modem)
) STRICT, WITHOUT ROWID;

-- Status reports no part is known for yet: one may come before the answer to its own +CMGS.
CREATE TABLE early_report (
  sim     TEXT NOT NULL,
  mr      INTEGER NOT NULL,
  number  TEXT NOT NULL,
  sent_at INTEGER,
  fate    TEXT NOT NULL,
  fate_at TEXT,
  status  INTEGER NOT NULL,
  at      INTEGER NOT NULL
) STRICT;

-- What is owed to the broker, in order.
CREATE TABLE outbox (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  topic       TEXT NOT NULL,
  payload     TEXT NOT NULL,
  retain      INTEGER NOT NULL,
  correlation BLOB,
  parked      INTEGER NOT NULL DEFAULT 0,
  why_parked  TEXT
) STRICT;
CREATE INDEX outbox_topic ON outbox (topic) WHERE retain = 1;

-- Programs to be run for events; a row is gone when its program has ended well.
CREATE TABLE hook_run (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  hook        TEXT NOT NULL,
  payload     TEXT NOT NULL,
  environment TEXT NOT NULL,
  attempts    INTEGER NOT NULL DEFAULT 0,
  not_before  INTEGER NOT NULL
) STRICT;

-- A PIN is written down before it is tried; the value itself never is.
CREATE TABLE pin_attempt (
  sim    TEXT NOT NULL,
  digest TEXT NOT NULL,
  state  TEXT NOT NULL CHECK (state IN ('tried','again','wrong')),
  PRIMARY KEY (sim, digest)
) STRICT, WITHOUT ROWID;
";

/// Brings the store up to the newest version.
pub(super) fn migrate(connection: &mut Connection, file: &Path) -> Result<(), OpenError> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let steps: Vec<(i64, &str)> = (1..).zip(MIGRATIONS).collect();
    let known = steps.len() as i64;
    if found > known {
        return Err(OpenError::Newer { file: file.to_owned(), found, known });
    }
    for (version, step) in steps.into_iter().filter(|(version, _)| *version > found) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}
