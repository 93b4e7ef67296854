// The database: what came in, the readings, and the answers that still have to reach the gateway.

import pg from 'pg';

import { answer } from './readings.js';

/** What the id of a reply begins with; the id of its message follows. */
export const REPLY = 'meter-';

/** Two machines that answer each other stop at this many; an SMS costs money. */
const REPLIES_PER_HOUR = 6;

/** An answer that is not accepted is published again after this, then after twice as long, up to ten minutes. */
const REPEAT_SECONDS = 2;

/** Every method is one transaction, and has committed when it resolves. Rejects with the database's error. */
export class Store {
  #pool;

  constructor(url) {
    // Nobody waits for ever for a server that has gone without a word.
    const patience = { connectionTimeoutMillis: 10_000, query_timeout: 30_000 };
    this.#pool = new pg.Pool({ connectionString: url, max: 2, ...patience });
    // A connection that ends while nobody uses it: the next query has a new one.
    this.#pool.on('error', () => {});
  }

  close() {
    return this.#pool.end();
  }

  /** Stores a message, its reading and the answer. Says what became of it. */
  async take(message) {
    // A connection of its own: what is published meanwhile must not be in this transaction.
    const db = await this.#pool.connect();
    try {
      await db.query('begin');
      const outcome = await this.#take(db, message);
      await db.query('commit');
      db.release();
      return outcome;
    } catch (error) {
      // Closes the connection, and with it the transaction.
      db.release(error);
      throw error;
    }
  }

  async #take(db, message) {
    const { id, modem, sender, text, receivedAt, month, account, reading } = message;
    const before = await value(
      db,
      'select reading as value from current_readings where account = $1 and month = $2',
      [account, month],
    );
    let outcome = before === undefined || before === reading ? 'stored' : 'corrected';
    if (account === undefined) outcome = 'unreadable';
    else if (!(await value(db, 'select 1 as value from accounts where account = $1', [account]))) {
      outcome = 'unknown account';
    }
    // The key decides: of a message that is delivered again nothing is stored again.
    const inserted = await db.query(
      `insert into messages (id, sender, text, received_at, outcome) values ($1, $2, $3, $4, $5)
       on conflict do nothing`,
      [id, sender, text, receivedAt, outcome],
    );
    if (inserted.rowCount === 0) return 'known already';
    if (outcome === 'stored' || outcome === 'corrected') {
      await db.query('insert into readings (message, account, month, reading) values ($1, $2, $3, $4)', [
        id,
        account,
        month,
        reading,
      ]);
    }
    if (!message.isAnswerable) return `${outcome}, no reply to this sender`;
    const replies = await value(
      db,
      `select count(*)::integer as value from outbox
       where recipient = $1 and created_at > now() - interval '1 hour'`,
      [sender],
    );
    if (replies >= REPLIES_PER_HOUR) return `${outcome}, no reply: too many in an hour`;
    await db.query('insert into outbox (id, recipient, modem, text) values ($1, $2, $3, $4)', [
      `${REPLY}${id}`,
      sender,
      modem,
      answer(outcome, message, before),
    ]);
    return outcome;
  }

  /** The answers to publish now. Each comes again, after longer and longer, until the gateway has it. */
  async due() {
    const { rows } = await this.#pool.query(
      `update outbox set tries = tries + 1,
         publish_at = now() + least(interval '10 min', $1 * interval '1 s' * 2 ^ least(tries, 10))
       where id in (select id from outbox where state = 'waiting' and publish_at <= now()
                    order by publish_at limit 20)
       returning id, recipient, modem, text, tries`,
      [REPEAT_SECONDS],
    );
    return rows;
  }

  /** Notes a result. After the last one, nothing changes it: a result may be delivered again. */
  async settle(id, state, done) {
    await this.#pool.query('update outbox set state = $2, done = $3 where id = $1 and not done', [id, state, done]);
  }
}

async function value(db, query, parameters) {
  return (await db.query(query, parameters)).rows[0]?.value;
}
