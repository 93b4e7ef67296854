//! What `--help` says at its end, and the manual pages with it: for each command examples and exit codes.

macro_rules! configuration {
    () => {
        "Configuration:
  The file named by --config or SMSBRIDGE_CONFIG, else ./smsbridge.toml, else
  /etc/smsbridge/smsbridge.toml. Variables such as SMSBRIDGE_MQTT__URL override single keys;
  with that one, no file is needed.

"
    };
}

pub(super) const SMSBRIDGE: &str = "\
Examples:
  smsbridge demo              Try it: no hardware, no broker
  smsbridge detect            Find the modem
  smsbridge check --connect   Try the configuration, the broker and the modems
  smsbridge run               Run the gateway
  smsbridge status            See how it is
  smsbridge send --to +4915112345678 Hello

Environment:
  SMSBRIDGE_CONFIG            The configuration file, as --config
  SMSBRIDGE_LOG               What is logged: error, warn, info, debug, trace; -v and -q do not count then
  SMSBRIDGE_<TABLE>__<KEY>    A key of the configuration, such as SMSBRIDGE_MQTT__URL
  NO_COLOR                    No colours

Exit codes:
  0  done
  1  failed
  2  wrong usage or configuration
  3  of `send`: no answer in time, the message may still be sent";

pub(super) const RUN: &str = concat!(
    configuration!(),
    "\
Examples:
  smsbridge run
  smsbridge run --config /etc/smsbridge/cellar.toml
  smsbridge run -v --trace at.log     Log more, and record what is said to the modems

Exit codes:
  0  stopped by SIGINT, SIGTERM or SIGHUP
  1  failed: the log says why
  2  wrong usage or configuration
  A second signal ends it at once, with 130; nothing is lost then either."
);

#[cfg(feature = "demo")]
pub(super) const DEMO: &str = "\
Examples:
  smsbridge demo
  SMSBRIDGE_MQTT__URL=mqtt://127.0.0.1:1883 smsbridge send --to +4915112345678 Hello
                              From another terminal: the demo shows what becomes of it
  smsbridge demo --port 0     At any free port
  smsbridge demo --broker mqtt://homeassistant.local:1883 --user demo --password-file demo-password
                              On a broker of yours, with topics that begin with smsdemo

Exit codes:
  0  stopped
  1  failed, as where the port is taken";

#[cfg(unix)]
pub(super) const STATUS: &str = concat!(
    configuration!(),
    "\
Examples:
  smsbridge status
  smsbridge status --watch
  smsbridge status --json | jq .modems[].signal
  smsbridge status --live             Whether the gateway lives, for containers

Exit codes:
  0  gateway, broker and all modems are well; with --live: the gateway lives
  1  something is wrong, or no gateway answers; with --live: only a restart helps
  2  wrong usage or configuration"
);

pub(super) const CHECK: &str = concat!(
    configuration!(),
    "\
Examples:
  smsbridge check
  smsbridge check --connect
  smsbridge check --rule 'Meter 12345, reading 678'

Exit codes:
  0  nothing is wrong
  1  a file, the store, the broker or a modem is not as a gateway needs it
  2  wrong usage or configuration"
);

pub(super) const DETECT: &str = "\
Examples:
  smsbridge detect
  smsbridge detect --all                  Try every serial port there is
  smsbridge detect --port /dev/ttyUSB0

Exit codes:
  0  a modem answered
  1  none did
  2  wrong usage";

pub(super) const IMPORT: &str = "\
The configuration goes to standard output. Its comments say from which line each setting comes, what has no
counterpart here and what to do instead; at its top stands what has to be filled in. Lists of numbers that the
file names are read where they are on this machine. Nothing is changed, run or expanded.

Examples:
  smsbridge import /etc/gammu-smsdrc > smsbridge.toml
  smsbridge import /etc/smsd.conf
  smsbridge import docker-compose.yml
  docker exec sms2mqtt env | smsbridge import --from sms2mqtt -

Exit codes:
  0  done
  1  the file cannot be read, or is none of these
  2  wrong usage";

pub(super) const PDU: &str = "\
Examples:
  smsbridge pdu decode 00040B911346610089F600002080629173144800
  echo '{\"to\":\"+4915112345678\",\"text\":\"Hello\"}' | smsbridge pdu encode

Exit codes:
  0  every line was decoded or encoded
  1  some were not: their answers say why
  2  wrong usage";

pub(super) const DECODE: &str = "\
Examples:
  smsbridge pdu decode 00040B911346610089F600002080629173144800
  smsbridge pdu decode --json < pdus.txt
  smsbridge pdu decode --direction mo 0001000D91945101000000F2000002E834

Exit codes:
  0  every line was a PDU
  1  some were none: their answers say where
  2  wrong usage";

pub(super) const ENCODE: &str = "\
A request:
  {\"to\":\"+4915112345678\",\"text\":\"Hello\",\"encoding\":\"auto\",\"delivery_report\":false,
   \"validity_minutes\":null,\"flash\":false,\"reference\":0}
  on one line; only `to` and `text` are needed. The answer: {\"pdus\":[{\"hex\":\"…\",\"length\":17}]}, where
  the length is the number in AT+CMGS=.

Examples:
  echo '{\"to\":\"+4915112345678\",\"text\":\"Hello\"}' | smsbridge pdu encode

Exit codes:
  0  every line was encoded
  1  some could not be: their answers say why
  2  wrong usage";

pub(super) const HISTORY: &str = concat!(
    configuration!(),
    "\
Examples:
  smsbridge history --since 36h
  smsbridge history --from +4915112345678
  smsbridge history --json --since 2026-11-22T10:00:00Z

Exit codes:
  0  done, whether there is anything to show or not
  1  the store cannot be read
  2  wrong usage or configuration"
);

pub(super) const FORGET: &str = concat!(
    configuration!(),
    "\
What is deleted: all messages from and to the number that are over, the ids of its requests with them, so
that a repeated request would be sent again. What still waits is left and counted.

Examples:
  smsbridge forget --number +4915112345678
  smsbridge forget --number InfoBank

Exit codes:
  0  nothing of it is left
  1  something waits and is left, or the store cannot be used
  2  wrong usage or configuration"
);

pub(super) const PARKED: &str = concat!(
    configuration!(),
    "\
Examples:
  smsbridge parked
  smsbridge parked --drop 17

Exit codes:
  0  done
  1  one to be dropped is not there, or the store cannot be used
  2  wrong usage or configuration"
);

pub(super) const SEND: &str = concat!(
    configuration!(),
    "\
Examples:
  smsbridge send --to +4915112345678 'Water is 21 degrees'
  df -h / | smsbridge send --to +4915112345678 -
  smsbridge send --to +4915112345678 --to +4915112345679 --report 'To both, and wait for delivery'
  smsbridge send --to +4915112345678 -- '--json is only text here'
  smsbridge send --user alarm --password-file ~/alarm.password --to +4915112345678 Fire

Exit codes:
  0  sent to every recipient; with --report, delivered
  1  not sent to one of them: rejected, failed, expired, cancelled, unknown; or the broker refuses
  2  wrong usage or configuration
  3  no answer in time, or interrupted: the message may still be sent"
);

pub(super) const COMPLETIONS: &str = "\
Examples:
  smsbridge completions bash > ~/.local/share/bash-completion/completions/smsbridge
  smsbridge completions zsh > \"${fpath[1]}/_smsbridge\"
  smsbridge completions fish > ~/.config/fish/completions/smsbridge.fish

Exit codes:
  0  done
  1  standard output cannot be written
  2  wrong usage";

pub(super) const MAN: &str = "\
Examples:
  smsbridge man | man -l -
  smsbridge man /usr/local/share/man/man1

Exit codes:
  0  done
  1  the pages cannot be written
  2  wrong usage";
