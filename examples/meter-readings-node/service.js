// Takes meter readings by SMS: receives them from smsbridge over MQTT, stores them, answers by SMS.
//
// Loses nothing and answers once, killed at any instant: a message is acknowledged to the broker after the commit that
// stores it, and its answer is stored in the same transaction and published until the gateway accepts it. So there is
// no shutdown to get right, and one way out of any fault: drop both connections and start over. The broker then
// delivers again what was not acknowledged, and the database knows by its id what it has.

import { setTimeout as sleep } from 'node:timers/promises';

import mqtt from 'mqtt';

import { readMessage } from './readings.js';
import { REPLY, Store } from './store.js';

const env = process.env;
const PREFIX = env.SMS_PREFIX ?? 'sms';
const START_OVER_SECONDS = 3;
const SESSION_EXPIRY_SECONDS = 7 * 24 * 3600;

for (;;) {
  try {
    await serve();
  } catch (error) {
    // PostgreSQL's `detail`, which may quote what somebody wrote, is not in the message.
    console.error(`starting over in ${START_OVER_SECONDS} s: ${error.message || error.code}`);
  }
  await sleep(START_OVER_SECONDS * 1000);
}

/** One life of both connections. Rejects with the error of one of them. */
async function serve() {
  const store = new Store(env.DATABASE_URL);
  let client;
  try {
    await new Promise((_, fail) => {
      client = mqtt.connect({
        protocol: env.MQTT_TLS ? 'mqtts' : 'mqtt',
        host: env.MQTT_HOST ?? '127.0.0.1',
        port: Number(env.MQTT_PORT ?? (env.MQTT_TLS ? 8883 : 1883)),
        username: env.MQTT_USERNAME,
        password: env.MQTT_PASSWORD,
        clientId: env.MQTT_CLIENT_ID ?? 'meter-readings',
        protocolVersion: 5,
        clean: false,
        properties: { sessionExpiryInterval: SESSION_EXPIRY_SECONDS },
        keepalive: 30,
        // A new client for each connection: it must not send acknowledgements of the one before.
        reconnectPeriod: 0,
        // mqtt.js acknowledges when `done` is called, and hands over the next message then. Without it the
        // connection ends before the acknowledgement, and the broker delivers again.
        customHandleAcks: (topic, payload, packet, done) => {
          take(store, topic, payload)
            .then(() => done(0))
            .catch(fail);
        },
      });
      client.on('error', fail);
      client.on('close', () => fail(new Error('the connection to the broker is lost')));
      client.on('connect', ({ sessionPresent }) => {
        console.log(`connected, session ${sessionPresent ? 'resumed' : 'new'}`);
        publishForEver(client, store).catch(fail);
      });
    });
  } finally {
    client?.end(true);
    store.close().catch(() => {});
  }
}

async function take(store, topic, payload) {
  if (topic === `${PREFIX}/result`) return takeResult(store, payload);
  let message;
  try {
    message = readMessage(payload);
  } catch (error) {
    // It will never be readable: acknowledged, or it would come again for ever.
    console.error(`dropped: not a received message: ${error.name}`);
    return;
  }
  if (message) console.log(`message ${message.id}: ${await store.take(message)}`);
}

/** The gateway publishes every step of every request; ours are known by their ids. */
async function takeResult(store, payload) {
  let result;
  try {
    result = JSON.parse(payload) ?? {};
  } catch {
    return;
  }
  const { id, state, error } = result;
  if (typeof id !== 'string' || !id.startsWith(REPLY)) return;
  // With `conflict` the id is another request's: there is no use in repeating ours.
  const isDone = Boolean(result.final || result.conflict);
  await store.settle(id, state, isDone);
  if (isDone && state !== 'sent' && state !== 'delivered') {
    console.error(`reply ${id}: ${state} ${error?.code ?? ''}`);
  }
}

/** Publishes what is due, every second: new answers, and those that the gateway has not accepted yet. */
async function publishForEver(client, store) {
  await client.subscribeAsync([`${PREFIX}/received/+`, `${PREFIX}/result`], { qos: 1 });
  console.log('subscribed');
  while (client.connected) {
    for (const { id, recipient, modem, text, tries } of await store.due()) {
      if (tries > 1) console.error(`reply ${id} is not accepted yet: try ${tries}`);
      const request = JSON.stringify({ id, to: recipient, modem, text });
      await client.publishAsync(`${PREFIX}/send`, request, { qos: 1 });
    }
    await sleep(1000);
  }
}
