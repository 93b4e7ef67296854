//! All keys of the configuration: their tables, kinds, and meanings. docs/configuration.md is made of this and of the
//! defaults in `file.rs`; a test holds them together.

use super::kinds::Kind::{self, Flag, OneOf, Text, TextOrTexts, Texts, Whole};

/// A key.
#[derive(Debug)]
pub(super) struct Key {
    /// Its name.
    pub(super) name: &'static str,
    /// What its value has to be.
    pub(super) kind: Kind,
    /// What it means, in a sentence or two.
    #[cfg_attr(not(test), expect(dead_code, reason = "only the reference has it"))]
    pub(super) words: &'static str,
}

/// A table, or what stands before all tables.
#[derive(Debug)]
pub(super) struct Table {
    /// Its name; empty for what stands before all tables.
    pub(super) name: &'static str,
    /// Whether it can stand several times, as `[[name]]`.
    pub(super) is_several: bool,
    /// What it is for.
    #[cfg_attr(not(test), expect(dead_code, reason = "only the reference has it"))]
    pub(super) words: &'static str,
    /// Its keys.
    pub(super) keys: &'static [Key],
}

impl Table {
    /// How it is written.
    pub(super) fn header(&self) -> String {
        match self.is_several {
            true => format!("[[{}]]", self.name),
            false => format!("[{}]", self.name),
        }
    }

    /// The key of that name.
    pub(super) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

/// What stands before all tables.
pub(super) fn top() -> &'static Table {
    &TABLES[0]
}

/// The table of that name.
pub(super) fn table(name: &str) -> Option<&'static Table> {
    TABLES[1..].iter().find(|table| table.name == name)
}

const fn key(name: &'static str, kind: Kind, words: &'static str) -> Key {
    Key { name, kind, words }
}

const ANY: u32 = u32::MAX;

/// All tables, in the order of the reference; the first is what stands before all tables.
pub(super) static TABLES: [Table; 12] = [
    Table {
        name: "",
        is_several: false,
        words: "These stand at the top of the file, before all tables.",
        keys: &[
            key(
                "name",
                Text("gateway"),
                "The gateway's name in `sms/gateway/<name>`: 1 to 32 of `a-z 0-9 _ -`.",
            ),
            key(
                "trace",
                Text("/var/lib/smsbridge/trace.txt"),
                "A file the dialogue with the modems is appended to, with numbers, texts and PINs masked. Empty: none.",
            ),
            key("trace_unmasked", Flag, "Numbers and texts stand in it too; PINs never do."),
        ],
    },
    Table {
        name: "mqtt",
        is_several: false,
        words: "The broker, and how to connect to it.",
        keys: &[
            key(
                "url",
                TextOrTexts("mqtt://HOST:PORT"),
                "`mqtt://HOST:PORT`, or `mqtts://HOST:PORT` for TLS; without a port 1883 and 8883. No user name and \
                 password in it. Of a cluster, the list of its addresses (as a variable: with commas); the next is \
                 tried where one fails. The broker has to speak MQTT 5.",
            ),
            key("username", Text("smsbridge"), "Without it the gateway logs in as nobody."),
            key("password", Text("…"), "The password itself; only this or `password_file`."),
            key(
                "password_file",
                Text("mqtt-password"),
                "A file with the password, so that it stands in no configuration; see [Secrets](#secrets).",
            ),
            key(
                "ca_file",
                Text("/etc/smsbridge/ca.pem"),
                "For `mqtts`: PEM file of the authority that signed the broker's certificate. Without it the system's \
                 authorities count.",
            ),
            key(
                "client_cert",
                Text("/etc/smsbridge/client.pem"),
                "For a broker that asks its clients for certificates: PEM file of ours. Needs `client_key`.",
            ),
            key(
                "client_key",
                Text("/etc/smsbridge/client.key"),
                "PEM file of that certificate's private key.",
            ),
            key("prefix", Text("sms"), "What all topics begin with."),
            key(
                "share",
                Text("gateways"),
                "The name of a group, the same in each of its gateways: they share the requests on `sms/send`. Empty: \
                 this one takes all.",
            ),
            key("retain_last", Flag, "Keep the last message retained at `sms/last/<modem>`, for dashboards."),
            key(
                "response_prefix",
                Text("answers/"),
                "What MQTT 5 response topics begin with. A request with another one is carried out, and answered on \
                 `sms/result` alone. Empty: none are honoured.",
            ),
            key(
                "on_stale",
                OneOf(&["reject", "send"]),
                "What becomes of requests that waited at the broker while another gateway of this name ran, which may \
                 have sent them.",
            ),
        ],
    },
    Table {
        name: "modem",
        is_several: true,
        words: "One table a modem. Without any there is one with these defaults.",
        keys: &[
            key(
                "name",
                Text("main"),
                "In topics: 1 to 32 of `a-z 0-9 _ -`, unique among all gateways that share a prefix.",
            ),
            key(
                "port",
                Text("/dev/serial/by-id/…"),
                "`auto`: the first modem found. Or a path that survives re-plugging, such as \
                 `/dev/serial/by-id/…-if02-port0`, `COM6`, or `tcp://HOST:PORT`. `smsbridge detect` prints the lines \
                 to paste.",
            ),
            key("baud", Whole(1, ANY), "The serial port's speed in bits a second; USB modems take any."),
            key("pin", Text("0000"), "The SIM's PIN, 4 to 8 digits in quotes; only this or `pin_file`."),
            key(
                "pin_file",
                Text("sim-pin"),
                "A file with the SIM's PIN; see [Secrets](#secrets). A wrong PIN is tried once, never a second time on \
                 the same SIM.",
            ),
            key(
                "imei",
                Text("490154203237518"),
                "15 digits: which modem it is, where several are on `auto`. It survives re-plugging and renumbering.",
            ),
            key(
                "service_center",
                Text("+491710760000"),
                "The service centre's number; only where the SIM has none.",
            ),
            key(
                "profile",
                Text("huawei"),
                "The modem's family, where it does not identify itself: see [modems.md](modems.md).",
            ),
            key(
                "init",
                Texts("AT+CNMI=2,1"),
                "Commands sent after the family's own at each start of the modem; refused ones are skipped.",
            ),
            key(
                "reset",
                Text("AT+CFUN=1,1"),
                "The command that restarts the modem when nothing else helps. Without it the family's; empty: never.",
            ),
            key("hang_up", Flag, "End every call that comes in, after its `ringing` was published."),
            key(
                "broadcast",
                Texts("4370-4383"),
                "Cell broadcast channels to receive, such as `\"50\"` or `\"4370-4383\"`.",
            ),
        ],
    },
    Table {
        name: "store",
        is_several: false,
        words: "The database of messages and requests.",
        keys: &[
            key(
                "path",
                Text("/var/lib/smsbridge"),
                "Its folder, not on a network file system. Empty: `$STATE_DIRECTORY`, else `/var/lib/smsbridge` where \
                 that can be written, else `$XDG_STATE_HOME/smsbridge`; on Windows `%ProgramData%\\smsbridge`.",
            ),
            key(
                "keep_days",
                Whole(0, ANY),
                "Days that messages and requests are remembered after they are done; 0: for ever.",
            ),
        ],
    },
    Table {
        name: "inbound",
        is_several: false,
        words: "Messages that come in.",
        keys: &[
            key(
                "reassembly_timeout_s",
                Whole(0, ANY),
                "Seconds to wait for the rest of a message in parts, since the last part that came. Then it is \
                 published with `complete` false.",
            ),
            key("include_pdu", Flag, "Add the raw PDUs to each message, as hex."),
            key(
                "deny",
                Texts("+49900*"),
                "Senders, numbers or names, whose messages are stored and shown by `smsbridge history`, but not \
                 published. `\"+49900*\"` and `\"Casino*\"` are patterns.",
            ),
        ],
    },
    Table {
        name: "outbound",
        is_several: false,
        words: "Messages that go out: defaults of requests, and what is allowed.",
        keys: &[
            key(
                "delivery_report",
                Flag,
                "Ask the network for a delivery report, unless a request says otherwise.",
            ),
            key(
                "report_timeout_s",
                Whole(0, ANY),
                "Seconds after which a request without its report ends as `sent`, with `\"report\":\"missing\"`.",
            ),
            key(
                "ttl_s",
                Whole(0, ANY),
                "Seconds after which a request is given up, unless it says otherwise; 0: never.",
            ),
            key(
                "on_unknown",
                OneOf(&["resend", "report"]),
                "What to do where nobody knows whether a message went out: send it again (one or two SMS), or end as \
                 `unknown` (none or one).",
            ),
            key(
                "default_country",
                Text("49"),
                "Country calling code for numbers without one: with `\"49\"`, 0151… becomes +49151….",
            ),
            key(
                "allow",
                Texts("+49*"),
                "Number patterns that may be sent to, such as `\"+49*\"`. Empty: all but those of `deny`.",
            ),
            key(
                "deny",
                Texts("+49900*"),
                "Number patterns that may never be sent to. With `allow` or `deny`, a number needs a country code: its \
                 own, or the default one.",
            ),
            key(
                "short_codes",
                Texts("10086"),
                "Numbers without a country code that may be sent to all the same, such as `\"10086\"`.",
            ),
            key("max_parts", Whole(1, 255), "Parts a message may take; a longer one is rejected."),
            key("max_recipients", Whole(1, ANY), "Recipients a request may have; one to more is rejected."),
            key(
                "message_expiry",
                OneOf(&["honour", "ignore"]),
                "Whether the MQTT message expiry of a request ends it; `\"ignore\"` where the broker gives every \
                 message one.",
            ),
            key(
                "per_minute",
                Whole(0, ANY),
                "Parts a modem may send in a rolling minute; beyond it messages wait, and the modem's `problem` says \
                 so. 0: no limit.",
            ),
            key("per_day", Whole(0, ANY), "The same in 24 hours. Replies of rules count too."),
        ],
    },
    Table {
        name: "contact",
        is_several: true,
        words: "Somebody to send to by name: in `to` of a request it stands for all the numbers. \
                `allow`, `deny` and the limits of `[outbound]` hold for the numbers as they do for any other.",
        keys: &[
            key(
                "name",
                Text("Anna"),
                "A letter first, of any script, then letters, digits, spaces and `. _ - '`, 64 characters at most; \
                 unique, whatever its capitals. Required.",
            ),
            key("number", Text("+4915112345678"), "The number; this or `numbers` is required."),
            key(
                "numbers",
                Texts("+4915112345678"),
                "The numbers of several phones, or of a group of people, each of which gets the message.",
            ),
        ],
    },
    Table {
        name: "ussd",
        is_several: false,
        words: "USSD codes: they can forward calls or cost money.",
        keys: &[
            key("allow", Texts("*100#"), "Codes that may be sent, each exactly so. Empty: USSD is off."),
            key(
                "per_day",
                Whole(0, ANY),
                "Codes and replies to menus a modem may send in 24 hours; beyond it `failed`. 0: no limit.",
            ),
        ],
    },
    Table {
        name: "homeassistant",
        is_several: false,
        words: "What Home Assistant is told, so that modems and contacts appear there by themselves.",
        keys: &[
            key(
                "discovery",
                Flag,
                "Announce gateway, modems and contacts by MQTT discovery. Off, they disappear there, with whatever \
                 was renamed.",
            ),
            key(
                "prefix",
                Text("homeassistant"),
                "The discovery prefix, the same as in the options of Home Assistant's MQTT integration.",
            ),
        ],
    },
    Table {
        name: "http",
        is_several: false,
        words: "A page for people ([page.md](page.md)), metrics and health ([monitoring.md](monitoring.md)) over HTTP; \
                who may do what: [security.md](security.md#http).",
        keys: &[
            key(
                "listen",
                Text("127.0.0.1:9142"),
                "Address and port to listen at. On `127.0.0.1` and `[::1]` reading needs no token; any other address \
                 needs one. Empty: nothing listens.",
            ),
            key(
                "token",
                Text("…"),
                "What a client has to know, 16 to 128 characters, such as `openssl rand -hex 32` makes; only this or \
                 `token_file`. Without one nothing can be done from there but read.",
            ),
            key("token_file", Text("http-token"), "A file with the token; see [Secrets](#secrets)."),
            key(
                "trusted_proxy",
                TextOrTexts("172.30.32.2"),
                "Addresses or networks, such as `\"172.30.32.0/23\"`, of reverse proxies (as a variable: with commas): \
                 what they say of a client (`X-Forwarded-Host`, `-Proto`) is believed, and nothing is \
                 free for it.",
            ),
        ],
    },
    Table {
        name: "rule",
        is_several: true,
        words: "What to make of an incoming text. The first rule that matches counts. Try one with \
                `smsbridge check --rule TEXT`.",
        keys: &[
            key("name", Text("meter"), "Published as `rule` with each message it matches. Required."),
            key(
                "match",
                Text("(?<reading>[0-9]+)"),
                "A regular expression; its named captures are published as `fields`. Required.",
            ),
            key(
                "reply",
                Text("Thank you. Reading {reading}"),
                "What to answer; `{name}` stands for a capture, `{{` and `}}` for braces. Names and short numbers get \
                 no reply.",
            ),
            key(
                "replies_per_hour",
                Whole(0, ANY),
                "Replies to one sender in an hour, those of all rules: two gateways must not answer each other for \
                 ever.",
            ),
            key(
                "reply_max_age_h",
                Whole(0, ANY),
                "Hours; older messages, such as those found on a SIM, get no reply. 0: any age.",
            ),
        ],
    },
    Table {
        name: "hook",
        is_several: true,
        words: "A program run for each event: see [rules-and-hooks.md](rules-and-hooks.md).",
        keys: &[
            key(
                "on",
                OneOf(&["received", "result", "call"]),
                "The event: a complete message, a step of a request, or a call. Required.",
            ),
            key(
                "command",
                Texts("/usr/local/bin/on-sms"),
                "The program and its arguments; no shell. It gets JSON on its standard input, and gammu-smsd's \
                 variables. Required.",
            ),
            key("timeout_s", Whole(1, ANY), "Seconds it may take; then it is ended, and run again later."),
        ],
    },
];
