"""The database: what came in, the readings, and the answers that still have to reach the gateway."""

from dataclasses import dataclass

import psycopg

from readings import Message, answer

# What the id of a reply begins with; the id of its message follows.
REPLY = "meter-"

# Two machines that answer each other stop at this many; an SMS costs money.
REPLIES_PER_HOUR = 6

# An answer that is not accepted is published again after this, then after twice as long, up to ten minutes.
REPEAT_SECONDS = 2


@dataclass(frozen=True)
class Reply:
    """A request for the gateway. The same id always has the same content: that makes it safe to repeat."""

    id: str
    recipient: str
    modem: str
    text: str
    tries: int


class Store:
    """Every method is one transaction, and has committed when it returns. Raises psycopg.Error."""

    def __init__(self, url: str) -> None:
        # Nobody waits for ever for a server that has gone without a word.
        self._db = psycopg.connect(url, autocommit=True, connect_timeout=10, tcp_user_timeout=30_000)

    def close(self) -> None:
        self._db.close()

    def take(self, message: Message) -> str:
        """Stores a message, its reading and the answer. Says what became of it."""
        with self._db.transaction():
            account, reading = message.reading or (None, None)
            before = self._current(account, message.month)
            if message.reading is None:
                outcome = "unreadable"
            elif not self._db.execute("select from accounts where account = %s", [account]).rowcount:
                outcome = "unknown account"
            else:
                outcome = "stored" if before in (None, reading) else "corrected"
            # The key decides: of a message that is delivered again nothing is stored again.
            inserted = self._db.execute(
                "insert into messages (id, sender, text, received_at, outcome) values (%s, %s, %s, %s, %s)"
                " on conflict do nothing",
                [message.id, message.sender, message.text, message.received_at, outcome],
            )
            if not inserted.rowcount:
                return "known already"
            if outcome in ("stored", "corrected"):
                self._db.execute(
                    "insert into readings (message, account, month, reading) values (%s, %s, %s, %s)",
                    [message.id, account, message.month, reading],
                )
            if not message.answerable:
                return f"{outcome}, no reply to this sender"
            if self._replies_in_an_hour(message.sender) >= REPLIES_PER_HOUR:
                return f"{outcome}, no reply: too many in an hour"
            self._db.execute(
                "insert into outbox (id, recipient, modem, text) values (%s, %s, %s, %s)",
                [f"{REPLY}{message.id}", message.sender, message.modem, answer(outcome, message, before)],
            )
            return outcome

    def due(self) -> list[Reply]:
        """The answers to publish now. Each comes again, after longer and longer, until the gateway has it."""
        rows = self._db.execute(
            "update outbox set tries = tries + 1,"
            " publish_at = now() + least(interval '10 min', %s * interval '1 s' * 2 ^ least(tries, 10))"
            " where id in (select id from outbox where state = 'waiting' and publish_at <= now()"
            " order by publish_at limit 20) returning id, recipient, modem, text, tries",
            [REPEAT_SECONDS],
        )
        return [Reply(*row) for row in rows]

    def settle(self, id: str, state: str, done: bool) -> None:
        """Notes a result. After the last one, nothing changes it: a result may be delivered again."""
        self._db.execute(
            "update outbox set state = %s, done = %s where id = %s and not done", [state, done, id]
        )

    def _current(self, account: str | None, month: str) -> int | None:
        row = self._db.execute(
            "select reading from current_readings where account = %s and month = %s", [account, month]
        ).fetchone()
        return row[0] if row else None

    def _replies_in_an_hour(self, recipient: str) -> int:
        row = self._db.execute(
            "select count(*) from outbox where recipient = %s and created_at > now() - interval '1 hour'",
            [recipient],
        ).fetchone()
        return row[0]
