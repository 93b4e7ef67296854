"""What a message says, and what is answered. Pure: it knows neither MQTT nor the database."""

import json
import re
from dataclasses import dataclass
from datetime import datetime

# A name cannot be answered, even one that looks like a number; nor should a short code be.
ANSWERABLE_TYPES = {"international", "national", "unknown"}
ANSWERABLE = re.compile(r"\+?[0-9]{7,15}")

# The one for an unreadable text has no digits: if another such service received it, it would not be a reading.
ANSWERS = {
    "en": {
        "stored": "Thank you. Account {account}, reading {reading}",
        "corrected": "Corrected. Account {account}, reading {reading} instead of {before}",
        "unknown account": "There is no account {account}. Please look at your bill",
        "unreadable": "Please send the account, a space and the reading as a whole number, nothing else",
    },
    "ru": {
        "stored": "Принято. Абонент {account}, показание {reading}",
        "corrected": "Исправлено. Абонент {account}, показание {reading} вместо {before}",
        "unknown account": "Нет абонента {account}. Проверьте номер на квитанции",
        "unreadable": "Пришлите номер абонента, пробел и показание целым числом",
    },
}


@dataclass(frozen=True)
class Message:
    """A text that somebody sent. `reading` is (account, reading), or None where it cannot be read."""

    id: str
    modem: str
    sender: str
    text: str
    received_at: datetime
    month: str
    reading: tuple[str, int] | None
    answerable: bool


def read_message(payload: bytes) -> Message | None:
    """Reads a payload of sms/received. None: not a text that waits for an answer. ValueError: not of this contract."""
    try:
        received = json.loads(payload)
        if "text" not in received or "kind" in received or "late_for" in received:
            return None
        whole = received["complete"] and not received.get("truncated")
        sender = storable(received["from"])
        return Message(
            id=received["id"],
            modem=received["modem"],
            sender=sender,
            text=storable(received["text"]),
            received_at=datetime.fromisoformat(received["received_at"]),
            # On the sender's clock, where the network told it.
            month=(received["sent_at"] or received["received_at"])[:7],
            # Part of a text may be a part of a number.
            reading=read_reading(received["text"], received.get("fields", {})) if whole else None,
            answerable=received["from_type"] in ANSWERABLE_TYPES and bool(ANSWERABLE.fullmatch(sender)),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a received message: {type(error).__name__} {error}") from error


def read_reading(text: str, fields: dict[str, str]) -> tuple[str, int] | None:
    """The account and the reading: of the gateway's rule where it captured both, else the two numbers of the text."""
    if "account" in fields and "reading" in fields:
        text = f"{fields['account']} {fields['reading']}"
    match re.findall("[0-9]+", text):
        case [account, reading] if len(account) <= 12 and len(reading) <= 9:
            return account, int(reading)
    return None


def answer(outcome: str, message: Message, before: int | None) -> str:
    """The words for an outcome, in Russian to whom wrote in Cyrillic."""
    account, reading = message.reading or (None, None)
    language = "ru" if re.search("[\u0400-\u04ff]", message.text) else "en"
    return ANSWERS[language][outcome].format(account=account, reading=reading, before=before)


def storable(text: str) -> str:
    """PostgreSQL takes any text but U+0000 and halves of surrogate pairs."""
    return text.replace("\0", "\ufffd").encode(errors="replace").decode()
