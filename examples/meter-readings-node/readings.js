// What a message says, and what is answered. Pure: it knows neither MQTT nor the database.

// A name cannot be answered, even one that looks like a number; nor should a short code be.
const ANSWERABLE_TYPES = ['international', 'national', 'unknown'];
const ANSWERABLE = /^\+?[0-9]{7,15}$/;

// The one for an unreadable text has no digits: if another such service received it, it would not be a reading.
const ANSWERS = {
  en: {
    stored: ({ account, reading }) => `Thank you. Account ${account}, reading ${reading}`,
    corrected: ({ account, reading, before }) =>
      `Corrected. Account ${account}, reading ${reading} instead of ${before}`,
    'unknown account': ({ account }) => `There is no account ${account}. Please look at your bill`,
    unreadable: () => 'Please send the account, a space and the reading as a whole number, nothing else',
  },
  ru: {
    stored: ({ account, reading }) => `Принято. Абонент ${account}, показание ${reading}`,
    corrected: ({ account, reading, before }) =>
      `Исправлено. Абонент ${account}, показание ${reading} вместо ${before}`,
    'unknown account': ({ account }) => `Нет абонента ${account}. Проверьте номер на квитанции`,
    unreadable: () => 'Пришлите номер абонента, пробел и показание целым числом',
  },
};

/**
 * Reads a payload of sms/received. Null: not a text that waits for an answer. Throws what is not of this contract.
 * `account` and `reading` are missing where they cannot be read.
 */
export function readMessage(payload) {
  const received = JSON.parse(payload);
  if (!('text' in received) || 'kind' in received || 'late_for' in received) return null;
  const { id, modem, from: sender, text, received_at: receivedAt, sent_at: sentAt } = received;
  if (![id, modem, sender, text, receivedAt].every((value) => typeof value === 'string')) {
    throw new TypeError('a field is no string');
  }
  if (Number.isNaN(Date.parse(receivedAt))) throw new TypeError('received_at is no time');
  // Part of a text may be a part of a number.
  const isWhole = received.complete && !received.truncated;
  return {
    id,
    modem,
    sender: storable(sender),
    text: storable(text),
    receivedAt,
    // On the sender's clock, where the network told it.
    month: (sentAt ?? receivedAt).slice(0, 7),
    isAnswerable: ANSWERABLE_TYPES.includes(received.from_type) && ANSWERABLE.test(sender),
    ...(isWhole ? readReading(text, received.fields ?? {}) : {}),
  };
}

/** The account and the reading: of the gateway's rule where it captured both, else the two numbers of the text. */
function readReading(text, fields) {
  const isCaptured = 'account' in fields && 'reading' in fields;
  const numbers = (isCaptured ? `${fields.account} ${fields.reading}` : text).match(/[0-9]+/g) ?? [];
  const [account, reading] = numbers;
  if (numbers.length !== 2 || account.length > 12 || reading.length > 9) return {};
  return { account, reading: Number(reading) };
}

/** The words for an outcome, in Russian to whom wrote in Cyrillic. */
export function answer(outcome, message, before) {
  const language = /[\u0400-\u04ff]/.test(message.text) ? 'ru' : 'en';
  return ANSWERS[language][outcome]({ ...message, before });
}

/** PostgreSQL takes any text but U+0000. */
function storable(text) {
  return text.replaceAll('\0', '\ufffd');
}
