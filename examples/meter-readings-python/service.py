"""Takes meter readings by SMS: receives them from smsbridge over MQTT, stores them, answers by SMS.

Loses nothing and answers once, killed at any instant: a message is acknowledged to the broker after the commit that
stores it, and its answer is stored in the same transaction and published until the gateway accepts it. So there is no
shutdown to get right, and one way out of any fault: drop both connections and start over. The broker then delivers
again what was not acknowledged, and the database knows by its id what it has.
"""

import json
import logging
import os
import time

import paho.mqtt.client as mqtt
import psycopg
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import MQTTException, Properties

from readings import read_message
from store import REPLY, Store

PREFIX = os.environ.get("SMS_PREFIX", "sms")
START_OVER_SECONDS = 3
SESSION_EXPIRY_SECONDS = 7 * 24 * 3600
log = logging.getLogger("meter-readings")


def main() -> None:
    logging.basicConfig(level=os.environ.get("LOG_LEVEL", "INFO"), format="%(levelname)s %(message)s")
    while True:
        try:
            serve()
        except (OSError, psycopg.Error, MQTTException) as error:
            # The first line alone: the next ones of PostgreSQL's may quote what somebody wrote.
            log.warning("starting over in %d s: %s", START_OVER_SECONDS, str(error).partition("\n")[0])
        time.sleep(START_OVER_SECONDS)


def serve() -> None:
    """One life of both connections. Ends with the error of one of them."""
    store = Store(os.environ["DATABASE_URL"])
    client = connect(store)
    try:
        # One thread does everything, so nothing is acknowledged before its commit. paho's own loops would
        # connect again by themselves and leave us with acknowledgements of the connection before.
        while True:
            code = client.loop(timeout=1)
            if code != mqtt.MQTT_ERR_SUCCESS:
                raise ConnectionError(mqtt.error_string(code))
            if client.is_connected():
                publish_due(client, store)
    finally:
        client.disconnect()
        store.close()


def connect(store: Store) -> mqtt.Client:
    """A client with a session that the broker keeps while we are away."""
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2,
        client_id=os.environ.get("MQTT_CLIENT_ID", "meter-readings"),
        userdata=store,
        protocol=mqtt.MQTTv5,
        manual_ack=True,
    )
    client.on_connect, client.on_subscribe, client.on_message = on_connect, on_subscribe, on_message
    if os.environ.get("MQTT_USERNAME"):
        client.username_pw_set(os.environ["MQTT_USERNAME"], os.environ.get("MQTT_PASSWORD"))
    port = 1883
    if os.environ.get("MQTT_TLS"):
        client.tls_set()
        port = 8883
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = SESSION_EXPIRY_SECONDS
    host = os.environ.get("MQTT_HOST", "127.0.0.1")
    port = int(os.environ.get("MQTT_PORT", port))
    client.connect(host, port, keepalive=30, clean_start=False, properties=properties)
    return client


def on_connect(client, store, flags, reason_code, properties) -> None:
    if reason_code.is_failure:
        raise ConnectionError(f"the broker refuses the connection: {reason_code}")
    log.info("connected, session %s", "resumed" if flags.session_present else "new")
    client.subscribe([(f"{PREFIX}/received/+", 1), (f"{PREFIX}/result", 1)])


def on_subscribe(client, store, mid, reason_codes, properties) -> None:
    if any(code.is_failure for code in reason_codes):
        raise ConnectionError(
            f"the broker refuses: may this user read {PREFIX}/received/+ and {PREFIX}/result?"
        )
    log.info("subscribed")


def on_message(client, store, message) -> None:
    """What it raises ends the connection before the acknowledgement: then the broker delivers again."""
    if message.topic == f"{PREFIX}/result":
        take_result(store, message.payload)
    else:
        take_message(store, message.payload)
    client.ack(message.mid, message.qos)


def take_message(store: Store, payload: bytes) -> None:
    try:
        message = read_message(payload)
    except ValueError as error:
        # It will never be readable: acknowledged, or it would come again for ever.
        log.error("dropped: %s", error)
        return
    if message:
        log.info("message %s: %s", message.id, store.take(message))


def take_result(store: Store, payload: bytes) -> None:
    """The gateway publishes every step of every request; ours are known by their ids."""
    try:
        result = json.loads(payload)
        id, state = result["id"], result["state"]
        # With `conflict` the id is another request's: there is no use in repeating ours.
        done = result["final"] or result.get("conflict", False)
        if not isinstance(id, str) or not id.startswith(REPLY):
            return
    except (ValueError, KeyError, TypeError) as error:
        log.error("dropped: not a result: %s", type(error).__name__)
        return
    store.settle(id, state, done)
    if done and state not in ("sent", "delivered"):
        log.warning("reply %s: %s %s", id, state, (result.get("error") or {}).get("code", ""))


def publish_due(client: mqtt.Client, store: Store) -> None:
    for reply in store.due():
        if reply.tries > 1:
            log.warning("reply %s is not accepted yet: try %d", reply.id, reply.tries)
        request = {"id": reply.id, "to": reply.recipient, "modem": reply.modem, "text": reply.text}
        client.publish(f"{PREFIX}/send", json.dumps(request, ensure_ascii=False), qos=1)


if __name__ == "__main__":
    main()
