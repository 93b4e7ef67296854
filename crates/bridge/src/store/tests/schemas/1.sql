-- A store as version 1 of the schema made it, with messages in both directions. Never edited: a change of the
-- schema is a migration, and a released version leaves another file here.

BEGIN TRANSACTION;
CREATE TABLE fact (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;
INSERT INTO fact VALUES('client_id','smsbridge-ecx5zxhp1h99');
INSERT INTO fact VALUES('published_topics',replace('sms/gateway/demo\nsms/gateway/demo/availability\nsms/modem/main\nsms/modem/main/availability\nsms/last/main','\n',char(10)));
INSERT INTO fact VALUES('mqtt_session','1');
INSERT INTO fact VALUES('mqtt_filters',replace('sms/send\nsms/send/main\nsms/cancel','\n',char(10)));
INSERT INTO fact VALUES('newest_time','1795354363793');
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
CREATE TABLE part (
  set_id   INTEGER NOT NULL REFERENCES part_set ON DELETE CASCADE,
  sequence INTEGER NOT NULL,
  pdu      TEXT NOT NULL,
  PRIMARY KEY (set_id, sequence)
) STRICT, WITHOUT ROWID;
CREATE TABLE slot (
  sim     TEXT NOT NULL,
  storage TEXT NOT NULL,
  slot    INTEGER NOT NULL,
  pdu     TEXT NOT NULL,
  PRIMARY KEY (sim, storage, slot)
) STRICT, WITHOUT ROWID;
CREATE TABLE received (
  id          TEXT PRIMARY KEY,
  modem       TEXT NOT NULL,
  sender      TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  payload     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO received VALUES('01M81QB5V92F8GXP0W42XCP1VP','main','+4915112345678',1795354367849,'{"id":"01M81QB5V92F8GXP0W42XCP1VP","modem":"main","from":"+4915112345678","text":"Grüße aus Köln! Water is fine, 21 degrees.","sent_at":"2026-11-22T16:32:47+03:00","received_at":"2026-11-22T13:32:47.849Z","encoding":"gsm7","parts":1,"complete":true,"class":null,"service_center":"+79210000000"}');
INSERT INTO received VALUES('01M81QB9RSJ17Q31BYTN5SJF6M','main','+79211234567',1795354371863,'{"id":"01M81QB9RSJ17Q31BYTN5SJF6M","modem":"main","from":"+79211234567","text":"Счёт 12345, показание 678","sent_at":"2026-11-22T16:32:51+03:00","received_at":"2026-11-22T13:32:51.863Z","encoding":"ucs2","parts":1,"complete":true,"class":null,"service_center":"+79210000000"}');
CREATE TABLE direct (
  sim TEXT NOT NULL,
  pdu TEXT NOT NULL,
  at  INTEGER NOT NULL,
  PRIMARY KEY (sim, pdu)
) STRICT, WITHOUT ROWID;
CREATE TABLE request (
  row         INTEGER PRIMARY KEY AUTOINCREMENT,
  id          TEXT NOT NULL UNIQUE,
  content     TEXT NOT NULL,        -- what makes two requests the same
  body        TEXT NOT NULL,        -- JSON of what is sent
  respond_to  TEXT,
  correlation BLOB,
  packet_id   INTEGER,              -- of the PUBLISH, only where the caller gave no id
  session     INTEGER,              -- the MQTT session that packet id belongs to
  accepted_at INTEGER NOT NULL
) STRICT;
INSERT INTO request VALUES(1,'order-17','{"body":{"class":null,"content":{"text":"Hello"},"encoding":"auto","transliterate":false},"delivery_report":null,"modem":null,"priority":0,"send_at":null,"to":["+4915112345678"],"ttl_s":null}','{"content":{"text":"Hello"},"class":null,"encoding":"auto","transliterate":false}',NULL,NULL,NULL,NULL,1795354369592);
INSERT INTO request VALUES(2,'later-1','{"body":{"class":null,"content":{"text":"In a year"},"encoding":"auto","transliterate":false},"delivery_report":null,"modem":null,"priority":0,"send_at":2082758400000,"to":["+4915112345679"],"ttl_s":null}','{"content":{"text":"In a year"},"class":null,"encoding":"auto","transliterate":false}',NULL,NULL,NULL,NULL,1795354372676);
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
INSERT INTO message VALUES(1,'order-17','+4915112345678','delivered',1,NULL,NULL,0,1,1795354369592,1795440769592,0,0,NULL,1,1,1795354369980,'{"id":"order-17","to":"+4915112345678","state":"delivered","final":true,"modem":"main","parts":1,"delivered_at":"2026-11-22T16:32:49+03:00","at":"2026-11-22T13:32:50.991Z"}');
INSERT INTO message VALUES(2,'later-1','+4915112345679','accepted',0,NULL,NULL,0,1,2082758400000,2082844800000,0,0,NULL,2,1,NULL,'{"id":"later-1","to":"+4915112345679","state":"accepted","final":false,"parts":1,"at":"2026-11-22T13:32:52.676Z"}');
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
INSERT INTO message_part VALUES(1,1,'submitted','main','8970101234567890120',0,1795354369651,'delivered','2026-11-22T16:32:49+03:00',0,0);
INSERT INTO message_part VALUES(2,1,'queued',NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
CREATE TABLE avoid (
  message_id INTEGER NOT NULL REFERENCES message ON DELETE CASCADE,
  modem      TEXT NOT NULL,
  until      INTEGER NOT NULL,
  PRIMARY KEY (message_id, modem)
) STRICT, WITHOUT ROWID;
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
CREATE TABLE outbox (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  topic       TEXT NOT NULL,
  payload     TEXT NOT NULL,
  retain      INTEGER NOT NULL,
  correlation BLOB,
  parked      INTEGER NOT NULL DEFAULT 0,
  why_parked  TEXT
) STRICT;
CREATE TABLE hook_run (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  hook        TEXT NOT NULL,
  payload     TEXT NOT NULL,
  environment TEXT NOT NULL,
  attempts    INTEGER NOT NULL DEFAULT 0,
  not_before  INTEGER NOT NULL
) STRICT;
CREATE TABLE pin_attempt (
  sim    TEXT NOT NULL,
  digest TEXT NOT NULL,
  state  TEXT NOT NULL CHECK (state IN ('tried','again','wrong')),
  PRIMARY KEY (sim, digest)
) STRICT, WITHOUT ROWID;
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('outbox',8);
INSERT INTO sqlite_sequence VALUES('request',2);
CREATE INDEX part_set_key ON part_set (sim, sender, reference, wide, total);
CREATE INDEX part_set_open ON part_set (last_at) WHERE message_id IS NULL;
CREATE INDEX received_at ON received (received_at);
CREATE INDEX request_packet ON request (packet_id, session) WHERE packet_id IS NOT NULL;
CREATE INDEX message_waiting ON message (priority DESC, id) WHERE final = 0 AND state = 'accepted';
CREATE INDEX message_recipient ON message (recipient);
CREATE INDEX message_claimed ON message (claimed_by) WHERE claimed_by IS NOT NULL;
CREATE INDEX message_reported ON message (sent_at) WHERE final = 0 AND state = 'sent';
CREATE TRIGGER message_forward_only BEFORE UPDATE OF state, final ON message
WHEN OLD.final = 1 OR (OLD.state = 'sent' AND NEW.state = 'accepted')
BEGIN
  SELECT RAISE(ABORT, 'a state went backwards');
END;
CREATE INDEX message_part_mr ON message_part (sim, mr, submitted_at) WHERE mr IS NOT NULL;
CREATE INDEX message_part_time ON message_part (modem, submitted_at);
CREATE INDEX outbox_topic ON outbox (topic) WHERE retain = 1;
COMMIT;
PRAGMA user_version = 1;
