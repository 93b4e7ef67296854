//! The tables, and how an older store becomes a newer one.
//!
//! `PRAGMA user_version` is the number of migrations applied; each runs once, in its own transaction. A store of a newer
//! version, or without our `application_id`, is refused: nobody knows what its rows mean. Times are Unix milliseconds.

use std::path::Path;

use rusqlite::Connection;

use super::error::OpenError;

/// `PRAGMA application_id` of a store: "sms3" in ASCII. Stores from before the first release have another, or none.
pub(super) const APPLICATION_ID: i64 = 0x736d_7333;

/// One step from each version to the next. A released step is never edited.
const MIGRATIONS: [&str; 3] = [VERSION_1, VERSION_2, VERSION_3];

pub(super) const VERSION_1: &str = "
-- Facts about this store: client_id, mqtt_session, mqtt_filters, retained_topics, stale, newest_time, and others.
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
  message_id    TEXT                -- published as this message, complete or not
) STRICT;
CREATE INDEX part_set_key ON part_set (sim, sender, reference, wide, total);
CREATE INDEX part_set_open ON part_set (last_at) WHERE message_id IS NULL;
CREATE INDEX part_set_closed ON part_set (last_at) WHERE message_id IS NOT NULL;

CREATE TABLE part (
  set_id   INTEGER NOT NULL REFERENCES part_set ON DELETE CASCADE,
  sequence INTEGER NOT NULL,
  pdu      TEXT NOT NULL,
  PRIMARY KEY (set_id, sequence)
) STRICT, WITHOUT ROWID;

-- SIM cards that were seen.
CREATE TABLE sim_card (
  key      TEXT PRIMARY KEY,        -- the ICCID; the IMSI or the modem's name as long as that cannot be read
  imsi     TEXT,
  modem    TEXT NOT NULL,           -- the one it was in last
  identity TEXT NOT NULL,           -- what stands in the column `sim` of other tables
  seen_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sim_card_imsi ON sim_card (imsi, seen_at);
CREATE INDEX sim_card_modem ON sim_card (modem, seen_at);

-- Slots of a SIM or modem whose PDU is stored here, until a sweep finds them empty.
CREATE TABLE slot (
  sim     TEXT NOT NULL,
  storage TEXT NOT NULL,
  slot    INTEGER NOT NULL,
  pdu     TEXT NOT NULL,
  -- 0: still to be deleted; 1: the modem said that it is; 2: after that the same octets were there again, as another message
  deleted INTEGER NOT NULL DEFAULT 0 CHECK (deleted IN (0, 1, 2)),
  PRIMARY KEY (sim, storage, slot)
) STRICT, WITHOUT ROWID;

-- Complete incoming messages, kept for history.
CREATE TABLE received (
  id          TEXT PRIMARY KEY,
  modem       TEXT NOT NULL,
  sender      TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  event       TEXT NOT NULL         -- the form of event/stored.rs
) STRICT, WITHOUT ROWID;
CREATE INDEX received_at ON received (received_at);

-- PDUs the modem delivered without storing them; a repetition is recognised by its octets.
CREATE TABLE direct (
  sim TEXT NOT NULL,
  pdu TEXT NOT NULL,
  at  INTEGER NOT NULL,
  PRIMARY KEY (sim, pdu)
) STRICT, WITHOUT ROWID;
CREATE INDEX direct_at ON direct (at);

-- Where a caller wants a copy of each result, once for all of them. A row goes with the last one that refers to it, or
-- takes the copies along where the broker does not let us publish there.
CREATE TABLE response (
  id          INTEGER PRIMARY KEY,
  topic       TEXT NOT NULL,
  correlation BLOB
) STRICT;

-- One publish to `send`, or a rule's reply.
CREATE TABLE request (
  row         INTEGER PRIMARY KEY AUTOINCREMENT,
  id          TEXT NOT NULL UNIQUE,
  fingerprint TEXT NOT NULL,        -- what makes two requests the same
  body        TEXT NOT NULL,        -- JSON of what is sent
  is_reply    INTEGER NOT NULL CHECK (is_reply IN (0, 1)),
  response    INTEGER REFERENCES response ON DELETE SET NULL,
  packet_id   INTEGER,              -- of the PUBLISH, until the broker may use it again
  session     INTEGER,              -- the MQTT session that packet id belongs to
  accepted_at INTEGER NOT NULL
) STRICT;
CREATE INDEX request_packet ON request (packet_id, session) WHERE packet_id IS NOT NULL;
CREATE INDEX request_unsettled ON request (row) WHERE packet_id IS NOT NULL;
CREATE INDEX request_response ON request (response) WHERE response IS NOT NULL;
CREATE INDEX request_accepted_at ON request (accepted_at);
CREATE INDEX request_reply ON request (accepted_at) WHERE is_reply = 1;

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
  not_before      INTEGER NOT NULL, -- 0: at once
  expires_at      INTEGER,
  attempts        INTEGER NOT NULL DEFAULT 0,  -- refusals
  interruptions   INTEGER NOT NULL DEFAULT 0,  -- the connection to a modem broke while it had the message
  last            INTEGER NOT NULL DEFAULT 0,  -- 1: after all others, for it was interrupted too often
  claimed_by      TEXT,
  avoided_by      TEXT NOT NULL DEFAULT '',    -- the modems of its rows in avoid, separated by spaces
  reference       INTEGER NOT NULL, -- concatenation reference of its parts, counted for each recipient
  parts           INTEGER NOT NULL,
  part_lengths    TEXT,             -- where its text was split when it was claimed, see pdu.rs
  sent_at         INTEGER,
  result          TEXT NOT NULL,    -- the newest result, the form of event/stored.rs
  result_at       INTEGER NOT NULL, -- when that was
  UNIQUE (request_id, recipient)
) STRICT;
CREATE INDEX message_claimable ON message (avoided_by, modem, sim, last, priority DESC, id)
  WHERE final = 0 AND state = 'accepted' AND claimed_by IS NULL AND not_before = 0;
CREATE INDEX message_not_before ON message (not_before)
  WHERE final = 0 AND state = 'accepted' AND not_before > 0;
CREATE INDEX message_expires ON message (expires_at)
  WHERE final = 0 AND state = 'accepted' AND claimed_by IS NULL;
CREATE INDEX message_claimed ON message (claimed_by) WHERE claimed_by IS NOT NULL;
CREATE INDEX message_concatenated ON message (recipient, id) WHERE parts > 1;
CREATE INDEX message_begun ON message (sim)
  WHERE final = 0 AND state = 'accepted' AND last = 0 AND sim IS NOT NULL;
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
  submitted_at INTEGER,             -- when it was about to be submitted
  delivery_status TEXT CHECK (delivery_status IN ('delivered','failed')),
  discharged_at TEXT,               -- discharge time of the status report, RFC 3339
  tp_status    INTEGER,             -- TP-ST of the status report
  unknowns     INTEGER NOT NULL DEFAULT 0,  -- submissions of unknown outcome
  PRIMARY KEY (message_id, sequence)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_part_mr ON message_part (sim, mr, submitted_at) WHERE mr IS NOT NULL;

-- What was handed to the network in the last 24 hours, for the budgets: a part of a message, unless it is known that
-- it did not go out, or a USSD request.
CREATE TABLE submission (
  id    INTEGER PRIMARY KEY,
  modem TEXT NOT NULL,
  kind  TEXT NOT NULL CHECK (kind IN ('part','ussd')),
  at    INTEGER NOT NULL
) STRICT;
CREATE INDEX submission_modem ON submission (modem, kind, at);
CREATE INDEX submission_at ON submission (at);

-- Modems that could not send a message, and until when they are not to try again.
CREATE TABLE avoid (
  message_id INTEGER NOT NULL REFERENCES message ON DELETE CASCADE,
  modem      TEXT NOT NULL,
  until      INTEGER NOT NULL,
  PRIMARY KEY (message_id, modem)
) STRICT, WITHOUT ROWID;
CREATE INDEX avoid_until ON avoid (until);

-- Status reports that match no part yet: one may come before the answer to its own +CMGS.
CREATE TABLE early_report (
  id              INTEGER PRIMARY KEY,
  sim             TEXT NOT NULL,
  mr              INTEGER NOT NULL,
  number          TEXT NOT NULL,
  sent_at         INTEGER,          -- service centre time, Unix seconds
  delivery_status TEXT NOT NULL,
  discharged_at   TEXT,
  tp_status       INTEGER NOT NULL,
  at              INTEGER NOT NULL
) STRICT;
CREATE INDEX early_report_at ON early_report (at);

-- What is to be published, in order.
CREATE TABLE outbox (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  kind        TEXT NOT NULL CHECK (kind IN ('event','last','reply','clear')),
  event       TEXT CHECK ((event IS NULL) = (kind = 'clear')),  -- the form of event/stored.rs
  modem       TEXT CHECK ((modem IS NULL) = (kind <> 'last')),  -- a newer last message replaces an older one
  topic       TEXT CHECK ((topic IS NULL) = (kind <> 'clear')),
  response    INTEGER REFERENCES response ON DELETE CASCADE CHECK ((response IS NULL) = (kind <> 'reply')),
  is_result   INTEGER NOT NULL CHECK (is_result IN (0, 1)),  -- a result or a copy of one: published after all else
  breaks      INTEGER NOT NULL DEFAULT 0,  -- connections that broke with it alone in flight
  parked      INTEGER NOT NULL DEFAULT 0 CHECK (parked IN (0, 1)),
  parked_at   INTEGER,              -- for the first time
  parked_because TEXT
) STRICT;
CREATE INDEX outbox_pending ON outbox (is_result, id) WHERE parked = 0 AND breaks = 0;
CREATE INDEX outbox_broken ON outbox (id) WHERE parked = 0 AND breaks > 0;
CREATE INDEX outbox_parked ON outbox (id) WHERE parked = 1;
CREATE INDEX outbox_response ON outbox (response) WHERE response IS NOT NULL;
CREATE INDEX outbox_last ON outbox (modem) WHERE kind = 'last';
CREATE INDEX outbox_clear ON outbox (topic) WHERE kind = 'clear';

-- A row with where its copy goes.
CREATE VIEW outbox_row AS
  SELECT o.id, o.kind, o.event, o.topic, o.is_result, o.breaks, o.parked, o.parked_at, o.parked_because,
    r.topic AS response_topic, r.correlation
  FROM outbox o LEFT JOIN response r ON r.id = o.response;

CREATE TRIGGER outbox_response_unused AFTER DELETE ON outbox WHEN OLD.response IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM outbox WHERE response = OLD.response)
  AND NOT EXISTS (SELECT 1 FROM request WHERE response = OLD.response)
BEGIN
  DELETE FROM response WHERE id = OLD.response;
END;
CREATE TRIGGER request_response_unused AFTER DELETE ON request WHEN OLD.response IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM outbox WHERE response = OLD.response)
  AND NOT EXISTS (SELECT 1 FROM request WHERE response = OLD.response)
BEGIN
  DELETE FROM response WHERE id = OLD.response;
END;

-- Programs to be run for events; a row is deleted when its program has succeeded or is given up.
CREATE TABLE hook_run (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  hook        TEXT NOT NULL,
  event       TEXT NOT NULL,        -- the form of event/stored.rs
  attempts    INTEGER NOT NULL DEFAULT 0,
  not_before  INTEGER NOT NULL
) STRICT;
CREATE INDEX hook_run_due ON hook_run (not_before, id);

-- A PIN is written down before it is tried; the value itself never is.
CREATE TABLE pin_attempt (
  sim    TEXT NOT NULL,
  digest TEXT NOT NULL,
  state  TEXT NOT NULL CHECK (state IN ('tried','again','wrong')),
  PRIMARY KEY (sim, digest)
) STRICT, WITHOUT ROWID;

-- How much waits; one row, kept by the triggers below, for counting rows takes as long as there are many.
CREATE TABLE depth (
  publish INTEGER NOT NULL,
  parked  INTEGER NOT NULL,
  send    INTEGER NOT NULL
) STRICT;
INSERT INTO depth VALUES (0, 0, 0);

CREATE TRIGGER outbox_added AFTER INSERT ON outbox BEGIN
  UPDATE depth SET publish = publish + (NEW.parked = 0), parked = parked + (NEW.parked = 1);
END;
CREATE TRIGGER outbox_changed AFTER UPDATE OF parked ON outbox BEGIN
  UPDATE depth SET publish = publish + (NEW.parked = 0) - (OLD.parked = 0),
    parked = parked + (NEW.parked = 1) - (OLD.parked = 1);
END;
CREATE TRIGGER outbox_removed AFTER DELETE ON outbox BEGIN
  UPDATE depth SET publish = publish - (OLD.parked = 0), parked = parked - (OLD.parked = 1);
END;
CREATE TRIGGER message_added AFTER INSERT ON message WHEN NEW.final = 0 AND NEW.state = 'accepted' BEGIN
  UPDATE depth SET send = send + 1;
END;
CREATE TRIGGER message_changed AFTER UPDATE OF state, final ON message BEGIN
  UPDATE depth SET send = send + (NEW.final = 0 AND NEW.state = 'accepted') - (OLD.final = 0 AND OLD.state = 'accepted');
END;
CREATE TRIGGER message_removed AFTER DELETE ON message WHEN OLD.final = 0 AND OLD.state = 'accepted' BEGIN
  UPDATE depth SET send = send - 1;
END;
";

const VERSION_2: &str = "
-- The name of the contact its recipient was written as.
ALTER TABLE message ADD COLUMN contact TEXT;
";

const VERSION_3: &str = "
-- The row of outbox it was published by. NULL: none, for its sender is denied. 0: of version 2, and not known.
ALTER TABLE received ADD COLUMN outbox INTEGER DEFAULT 0;
";

/// Brings a store of version `found` up to the newest.
pub(super) fn migrate(connection: &mut Connection, found: i64) -> Result<(), OpenError> {
    let steps = (1..).zip(MIGRATIONS).filter(|(version, _)| *version > found);
    for (version, step) in steps.collect::<Vec<(i64, &str)>>() {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}

/// The version of a store, 0 for an empty file; refuses what this program cannot read.
pub(super) fn check_version(connection: &Connection, file: &Path) -> Result<i64, OpenError> {
    let number = |sql: &str| {
        connection
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .map_err(|error| OpenError::Broken { file: file.to_owned(), error })
    };
    let (application, found) = (number("PRAGMA application_id")?, number("PRAGMA user_version")?);
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    if application != APPLICATION_ID && tables > 0 {
        return Err(OpenError::Foreign(file.to_owned()));
    }
    let known = MIGRATIONS.len() as i64;
    if found > known {
        return Err(OpenError::Newer { file: file.to_owned(), found, known });
    }
    Ok(found)
}
