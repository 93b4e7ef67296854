// Which characters of a text nobody would see, and what is shown in their place. Pure.
//
// A stranger's text may hold characters that turn the direction of writing round, that are there and cannot be seen, or
// that mean something to a terminal. They are shown as what they are. The joiners of emoji and of Persian and Indian
// words stay: without them the text would read differently.

const HIDDEN = new RegExp(
  "[\\p{Cc}\\u{AD}\\u{34F}\\u{61C}\\u{115F}\\u{1160}\\u{17B4}\\u{17B5}\\u{180B}-\\u{180E}\\u{200B}\\u{200E}\\u{200F}" +
    "\\u{2028}-\\u{202E}\\u{2060}-\\u{206F}\\u{3164}\\u{FEFF}\\u{FFA0}\\u{FFF9}-\\u{FFFB}\\p{Cs}" +
    "\\u{E0000}-\\u{E001F}]",
  "u",
);
const JOINER = /[\u200C\u200D]/u;
// What a flag of a part of a country is spelled with; alone it spells what nobody sees.
const TAG = /[\u{E0020}-\u{E007F}]/u;
const FLAG = /[\u{1F3F4}\u{E0020}-\u{E007E}]/u;
const JOINS_NOTHING = /[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}\p{N}\p{P}\p{Z}\p{Cc}\p{Cf}]/u;

const CONTROLS = (
  "NUL SOH STX ETX EOT ENQ ACK BEL BS TAB LF VT FF CR SO SI " +
  "DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US"
).split(" ");

// What is written in its place: the name that every table of ASCII has, else its number.
function name(character) {
  const code = character.codePointAt(0);
  return CONTROLS[code] ?? (code === 0x7f ? "DEL" : "U+" + code.toString(16).toUpperCase().padStart(4, "0"));
}

// The text in pieces: {text} as it is, {hidden, count} in the place of a character that is there so often.
export function pieces(text, keepsLines = true) {
  const found = [];
  let before = "";
  // A line break of another system is one line break.
  for (const character of String(text).replaceAll("\r\n", "\n")) {
    const isLine = character === "\n" || character === "\t";
    const isHidden = isLine
      ? !keepsLines
      : HIDDEN.test(character) ||
        (JOINER.test(character) && (before === "" || JOINS_NOTHING.test(before))) ||
        (TAG.test(character) && !FLAG.test(before));
    const last = found.at(-1);
    if (!isHidden) {
      if (last?.text !== undefined) last.text += character;
      else found.push({ text: character });
    } else if (last?.hidden === name(character)) {
      last.count += 1;
    } else {
      found.push({ hidden: name(character), count: 1 });
    }
    before = character;
  }
  return found;
}

// The same as one text, for places that hold no elements: labels, titles, options.
export function plain(text) {
  return pieces(text, false)
    .map((piece) => piece.text ?? piece.hidden)
    .join("");
}
