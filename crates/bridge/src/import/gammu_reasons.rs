//! Why an option of gammu or gammu-smsd has no counterpart, and what to do instead.

const BY_ITSELF: &str = "Nothing to set: the gateway is told of messages, looks for others each minute, sends at once, and \
                         brings a modem that hangs back by itself.";
const STORE: &str = "Messages do not lie in files or tables: they come on sms/received/<modem>, and applications send on \
                     sms/send. What the gateway keeps, `smsbridge history --json` shows.";
const LOG: &str = "The log goes to standard error, which is the journal under systemd; SMSBRIDGE_LOG or -v says more. For \
                   what is said to the modem: trace = \"FILE\" at the top.";
const OF_GAMMU: &str = "Only of gammu itself: not needed.";
const UNLOCK: &str =
    "The gateway enters a SIM's PIN and no other code: unlock the device with another program first.";

/// A line of gammu's own configuration that SMS2MQTT passes on.
pub(super) const GAMMUOPTION: &str = "A line for gammu, which is not used here. Where it is atgen_setcnmi and messages come late without: \
                                      init = [\"AT+CNMI=…\"] below [[modem]].";

/// The sentences for an option in `section`, both in small letters.
pub(super) fn why(section: &str, key: &str) -> &'static str {
    match section {
        "" => "It stands before the first section, where gammu reads nothing.",
        "sql" | "tables" => STORE,
        "include_smsc" | "exclude_smsc" => SERVICE_CENTRES,
        "smsd" => of_smsd(key),
        _ if is_of_modem(section) => of_modem(key),
        _ => "gammu-smsd has no such section: it did nothing.",
    }
}

/// `gammu`, `gammu1`, …
pub(super) fn is_of_modem(section: &str) -> bool {
    section.strip_prefix("gammu").is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit()))
}

const SERVICE_CENTRES: &str = "The service centre of a message is not looked at: no counterpart.";

fn of_smsd(key: &str) -> &'static str {
    match key {
        "commtimeout" | "sendtimeout" | "receivefrequency" | "statusfrequency" | "loopsleep"
        | "checksecurity" | "checkbattery" | "checksignal" | "checknetwork" | "resetfrequency"
        | "hardresetfrequency" => BY_ITSELF,
        "service" | "user" | "password" | "host" | "pc" | "database" | "driver" | "sql" | "driverspath"
        | "dbdir" | "backendretries" | "inboxpath" | "outboxpath" | "sentsmspath" | "errorsmspath"
        | "inboxformat" | "outboxformat" | "transmitformat" => STORE,
        "logfile" | "logfacility" | "debuglevel" => LOG,
        "maxretries" | "retrytimeout" => {
            "What may pass is tried again by itself, with growing pauses, until ttl_s below [outbound] is over."
        }
        "phonecode" | "networkcode" => UNLOCK,
        "deliveryreportdelay" | "skipsmscnumber" => {
            "A report is matched with its message by reference and number, however late and from whichever service centre."
        }
        "includesmscfile" | "excludesmscfile" => SERVICE_CENTRES,
        _ => "gammu-smsd 1.42 has no such option: it did nothing.",
    }
}

/// An option of a section that describes a phone.
pub(super) fn of_modem(key: &str) -> &'static str {
    match key {
        "model" | "features" => {
            "The modem's family is found by itself; where it is not, set profile below [[modem]] (docs/modems.md)."
        }
        "logfile" | "logformat" => LOG,
        "use_locking" => "The port is locked while it is used: nothing to set.",
        "atgen_setcnmi" => {
            "The gateway chooses AT+CNMI from what the modem offers. Only where messages come late, try \
             init = [\"AT+CNMI=…\"] below [[modem]]."
        }
        "synchronizetime" => "The modem's clock is not used.",
        "startinfo" | "gammucoding" | "gammuloc" | "usephonedb" | "datapath" | "reminder" | "meeting"
        | "call" | "birthday" | "memo" => OF_GAMMU,
        _ => "gammu 1.42 has no such option here: it did nothing.",
    }
}
