//! `smsbridge status`: how the running gateway, its broker and its modems are.

use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use unicode_width::UnicodeWidthStr as _;

use super::columns::padded;
use super::config_arg::ConfigArg;
use super::output::{say, say_json, write_as_it_is};
use super::running::ask;
use crate::escape::field;
use crate::log::in_words;
use crate::terminal::{self, Style};
use crate::wire;
use crate::wire::status::{ModemStatus, SignalStatus, Status};

/// Between two looks of `--watch`.
const WATCH_INTERVAL: Duration = Duration::from_secs(2);

/// Show how the running gateway, its broker and its modems are.
#[derive(Debug, Args)]
pub struct StatusArgs {
    #[command(flatten)]
    config: ConfigArg,
    /// Everything, as one line of JSON
    #[arg(long)]
    json: bool,
    /// Look again every two seconds, until Ctrl-C
    #[arg(long)]
    watch: bool,
    /// Only whether the gateway lives, whatever its broker and its modems do: for containers
    #[arg(long, conflicts_with_all = ["json", "watch"])]
    live: bool,
}

impl StatusArgs {
    /// True when everything is well; with `--live`, when a restart would mend nothing.
    pub fn run(self) -> anyhow::Result<bool> {
        let config = self.config.load_without_secrets()?;
        if self.live {
            let (_, status) = ask(&config)?;
            return Ok(say(shown_as_live(&status)) && status.gateway.live);
        }
        let is_cleared = self.watch && !self.json && terminal::is_there();
        loop {
            let answer = ask(&config);
            if is_cleared {
                write_as_it_is(b"\x1b[H\x1b[2J");
            }
            let (is_well, is_read) = match answer {
                Ok((document, status)) if self.json => (status.is_well(), say_json(document.trim_end())),
                Ok((_, status)) => (status.is_well(), say(shown(&status, Style::stdout(), Timestamp::now()))),
                Err(no_answer) if self.json => {
                    (false, say_json(&wire::status::no_answer(&no_answer.to_string())))
                }
                Err(no_answer) if self.watch => (false, say(no_answer)),
                Err(no_answer) => return Err(no_answer.into()),
            };
            if !self.watch || !is_read {
                return Ok(is_well);
            }
            std::thread::sleep(WATCH_INTERVAL);
        }
    }
}

/// A line without what a supervisor need not keep, such as the SIM's number.
fn shown_as_live(status: &Status) -> String {
    let gateway = &status.gateway;
    match (gateway.live, &gateway.problem) {
        (true, _) => format!("{}: live", field(&gateway.name)),
        (false, problem) => {
            let problem = problem.as_deref().unwrap_or("only a restart helps");
            format!("{}: not live: {}", field(&gateway.name), field(problem))
        }
    }
}

/// The columns of the table of modems.
const TITLES: [&str; 7] = ["modem", "state", "signal", "network", "SIM", "storage", "since the start"];

fn shown(status: &Status, style: Style, now: Timestamp) -> String {
    let (gateway, broker, queue) = (&status.gateway, &status.broker, &status.gateway.queue);
    let started = gateway.started_at.parse::<Timestamp>().ok();
    let age = started.and_then(|at| Duration::try_from(now.duration_since(at)).ok());
    let age = age.map(|age| format!(", up {}", in_words(age))).unwrap_or_default();
    let mut lines = vec![
        format!(
            "gateway  {}  {}  {}",
            style.strong(&field(&gateway.name)),
            verdict(style, status.is_well(), "well", "not well"),
            style.weak(&format!("smsbridge {}, process {}{age}", field(&gateway.version), gateway.pid)),
        ),
        style.weak(&format!(
            "         configuration {}, store {}",
            field(&gateway.configuration),
            field(&gateway.store)
        )),
    ];
    lines.extend(problem(style, gateway.problem.as_deref()));
    lines.push(match &broker.connected_to {
        Some(address) => format!("broker   {}  {}", field(address), style.good("connected")),
        None => format!("broker   {}  {}", field(&broker.servers.join(", ")), style.bad("not connected")),
    });
    let parked = format!("{} parked", queue.parked);
    let parked = if queue.parked > 0 { style.bad(&parked) } else { parked };
    lines.push(format!("queue    {} to send, {} to publish, {parked}", queue.send, queue.publish));
    lines.push(String::new());
    lines.extend(modems(&status.modems, style));
    lines.join("\n")
}

/// A table of the modems, and below each what is wrong with it.
fn modems(modems: &[ModemStatus], style: Style) -> Vec<String> {
    let rows: Vec<[String; TITLES.len()]> = modems.iter().map(row).collect();
    let titles = TITLES.map(str::to_owned);
    let widths: [usize; TITLES.len()] = std::array::from_fn(|column| {
        rows.iter().chain([&titles]).map(|row| row[column].width()).max().unwrap_or_default()
    });
    let padded = |row: &[String; TITLES.len()]| -> Vec<String> {
        row.iter().zip(widths).map(|(text, width)| padded(text, width)).collect()
    };
    let mut lines = vec![style.weak(padded(&titles).join("  ").trim_end())];
    for (modem, row) in modems.iter().zip(&rows) {
        let is_well = modem.online && modem.problem.is_none();
        let mut cells = padded(row);
        cells[0] = style.strong(&cells[0]);
        cells[1] = verdict(style, is_well, &cells[1], &cells[1]);
        lines.push(cells.join("  ").trim_end().to_owned());
        lines.extend(problem(style, modem.problem.as_deref()));
    }
    lines
}

fn row(modem: &ModemStatus) -> [String; TITLES.len()] {
    let network = [modem.operator.as_deref(), modem.technology.as_deref(), modem.registration.as_deref()];
    let storage = modem.storage.iter().map(|s| format!("{} {}/{}", field(&s.name), s.used, s.total));
    let counters = &modem.counters;
    [
        field(&modem.name),
        field(&modem.state),
        signal(&modem.signal),
        network.into_iter().flatten().map(field).collect::<Vec<_>>().join(", "),
        modem.number.as_deref().or(modem.iccid.as_deref()).map(field).unwrap_or_default(),
        storage.collect::<Vec<_>>().join(" "),
        format!("{} in, {} out, {} not sent", counters.received, counters.sent, counters.not_sent),
    ]
}

/// `▂▄▆·  64 %  -73 dBm`: a bar for each begun quarter.
fn signal(signal: &SignalStatus) -> String {
    let Some(percent) = signal.percent else { return String::new() };
    let bars = ['▂', '▄', '▆', '█'].iter().zip([0, 25, 50, 75]);
    let bars: String = bars.map(|(bar, above)| if percent > above { *bar } else { '·' }).collect();
    let dbm = signal.dbm.map(|dbm| format!("  {dbm} dBm")).unwrap_or_default();
    format!("{bars}  {percent:>3} %{dbm}")
}

fn verdict(style: Style, is_well: bool, good: &str, bad: &str) -> String {
    if is_well { style.good(good) } else { style.bad(bad) }
}

fn problem(style: Style, problem: Option<&str>) -> Option<String> {
    problem.map(|words| style.bad(&format!("         {}", field(words))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> Status {
        let modem = |name: &str, online: bool, problem: &str, percent: &str| {
            format!(
                r#"{{"name":"{name}","online":{online},"state":"online","problem":{problem},"operator":"E\u001b[2Jplus",
                "technology":"LTE","registration":"home","signal":{{"dbm":-73,"percent":{percent}}},"number":null,
                "iccid":"8949","model":null,"storage":[{{"name":"SM","used":1,"total":30}}],
                "counters":{{"received":3,"sent":2,"not_sent":0}}}}"#
            )
        };
        let modems =
            [modem("main", true, "null", "64"), modem("cellar", false, "\"no SIM\"", "null")].join(",");
        Status::read(&format!(
            r#"{{"gateway":{{"name":"attic","version":"0.1.0 (abc)","pid":7,"configuration":"a.toml","store":"/store",
            "started_at":"2026-11-22T07:00:00.000Z","live":true,"queue":{{"publish":1,"send":2,"parked":0}},"problem":null}},
            "broker":{{"servers":["h:1883"],"connected_to":null}},"modems":[{modems}]}}"#
        ))
        .unwrap()
    }

    #[test]
    fn everything_is_in_columns_and_what_is_wrong_stands_below() {
        let now = "2026-11-22T09:05:00Z".parse().unwrap();
        let expected = "\
gateway  attic  not well  smsbridge 0.1.0 (abc), process 7, up 2 h 5 min
         configuration a.toml, store /store
broker   h:1883  not connected
queue    2 to send, 1 to publish, 0 parked

modem   state   signal                network                    SIM   storage  since the start
main    online  ▂▄▆·   64 %  -73 dBm  E\\u{1b}[2Jplus, LTE, home  8949  SM 1/30  3 in, 2 out, 0 not sent
cellar  online                        E\\u{1b}[2Jplus, LTE, home  8949  SM 1/30  3 in, 2 out, 0 not sent
         no SIM";
        assert_eq!(shown(&status(), Style::plain(), now), expected);
    }

    #[test]
    fn whether_it_lives_is_one_line_without_modems() {
        let mut status = status();
        assert_eq!(shown_as_live(&status), "attic: live");
        status.gateway.live = false;
        status.gateway.problem = Some("it has not looked\u{1b}[2J".to_owned());
        assert_eq!(shown_as_live(&status), "attic: not live: it has not looked\\u{1b}[2J");
    }

    #[test]
    fn a_signal_has_a_bar_for_each_begun_quarter() {
        for (percent, bars) in
            [(0, "····"), (1, "▂···"), (25, "▂···"), (26, "▂▄··"), (75, "▂▄▆·"), (100, "▂▄▆█")]
        {
            let shown = signal(&SignalStatus { dbm: None, percent: Some(percent) });
            assert!(shown.starts_with(bars), "{percent} %: {shown}");
        }
    }
}
