//! `smsbridge send`: publishes a request to the configured broker and waits for its last result.
//!
//! It asks as any user of the broker may: its results come on a response topic of its own.

use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};
use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use jiff::tz::TimeZone;

use super::columns::{padded, time_of_day, with_contact};
use super::config_arg::ConfigArg;
use super::output::{say, say_json};
use super::progress::Progress;
use crate::config::{Config, ConfigError, SecretFile};
use crate::contact::{self, Contacts};
use crate::escape::field;
use crate::failure::quoted;
use crate::intake::MAX_PAYLOAD;
use crate::log;
use crate::message::new_id;
use crate::mqtt::{Call, Caller, CallerError, Heard};
use crate::policy;
use crate::signals::Signals;
use crate::terminal::Style;
use crate::wire::caller::{ResultSummary, SendCommand};
use crate::wire::request::is_legal_id;
use crate::wire::topic::{Topics, response_topic};

/// The options that give a login, in words.
pub(super) const LOGIN_OPTIONS: &str = "--user and --password-file";

/// The key of the configured password's file.
const PASSWORD_FILE: &str = "mqtt.password_file";

/// Send one SMS through the running gateway.
#[derive(Debug, Args)]
pub struct Send {
    #[command(flatten)]
    config: ConfigArg,
    /// Recipient, such as +4915112345678 or the name of a contact; may be given several times
    #[arg(long, required = true, value_name = "NUMBER")]
    to: Vec<String>,
    /// Modem to send by
    #[arg(long, value_name = "NAME")]
    modem: Option<String>,
    /// Ask for a delivery report and wait for it
    #[arg(long)]
    report: bool,
    /// Seconds to wait for the last result
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=604_800))]
    timeout: u64,
    /// Seconds after which the gateway gives up [default: its configuration's]
    #[arg(long, value_name = "SECONDS")]
    ttl: Option<u32>,
    /// Show it at once on the phone, and do not keep it there
    #[arg(long)]
    flash: bool,
    /// Send nothing, and say what would be sent
    #[arg(long)]
    dry_run: bool,
    /// Id of the request, 1 to 64 of A-Z a-z 0-9 . _ ~ : - [default: a new one]
    ///
    /// The same request with the same id is sent once: repeated, it only brings the last result again.
    #[arg(long, value_parser = id)]
    id: Option<String>,
    /// Log in at the broker as this user, not as the gateway does
    #[arg(long, value_name = "NAME", requires = "password_file")]
    user: Option<String>,
    /// File with the password for the broker, in place of the configuration's
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Print each result as the gateway publishes it, one JSON object a line
    #[arg(long)]
    json: bool,
    /// The text; - reads it from standard input. Put -- before one that could be taken for an option
    #[arg(allow_hyphen_values = true, value_parser = text)]
    text: String,
}

/// What is to be sent. A word that looks like an option is a misspelt one, unless `--` stands before it.
fn text(text: &str) -> Result<String, String> {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let is_option = text.strip_prefix("--").is_some_and(|word| {
        let name = word.split('=').next().unwrap_or_default();
        name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(is_letter)
    });
    match text {
        "" => Err("an empty text is not sent".to_owned()),
        _ if is_option && std::env::args_os().all(|argument| argument != "--") => {
            Err("there is no such option; to send it as a text, write -- before it".to_owned())
        }
        text => Ok(text.to_owned()),
    }
}

/// The request may be carried out, and what becomes of it is not known.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NoAnswer(String);

impl Send {
    /// True when every recipient's last result is a good one.
    pub async fn run(self) -> anyhow::Result<bool> {
        let config = self.config()?;
        let text = if self.text == "-" { text_of_standard_input()? } else { self.text.clone() };
        let topics = Topics::new(&config.mqtt.prefix, &config.name);
        let id = self.id.clone().unwrap_or_else(new_id);
        let request = SendCommand {
            id: &id,
            to: &self.to,
            text: &text,
            modem: self.modem.as_deref(),
            delivery_report: self.report,
            ttl_s: self.ttl,
            flash: self.flash,
            dry_run: self.dry_run,
        };
        // Its own, so that nobody else's results are taken for these.
        let secret = new_id();
        let user = config.mqtt.login.as_ref().map(|(user, _)| user.as_str());
        let name = format!("smsbridge-cli-{}", secret[14..].to_ascii_lowercase());
        let call = Call {
            topic: topics.send(),
            payload: request.payload(),
            response_topic: response_topic(&config.mqtt.response_prefix, user, &name),
            correlation: secret,
            results: topics.result(),
        };
        let progress = Progress::new("waiting for the broker");
        let is_out = Cell::new(false);
        let mut results = Results::new(&id, &self.to, &config, self.json);
        let limit = Duration::from_secs(self.timeout);
        let caller = Caller::new(&config.mqtt).map_err(in_commands)?;
        let mut signals = Signals::new()?;
        let called = progress.during(async {
            tokio::select! {
                called = caller.call(&call, limit, |heard| {
                    is_out.set(is_out.get() || matches!(heard, Heard::Published));
                    results.hear(heard, &progress)
                }) => called.map_err(in_commands),
                () = signals.next() => bail!(Interrupted),
            }
        });
        let outcome = called.await;
        let ask_again = match config.mqtt.share.as_str() {
            "" => format!(
                "the request {id} may still be sent; the same command with --id {id} sends nothing twice, and brings \
                 its last result"
            ),
            // Each gateway of a group remembers the ids of its own requests.
            group => format!(
                "the request {id} may still be sent by one of the gateways of the group {group}; asked again, another \
                 of them may send it too"
            ),
        };
        match outcome {
            Ok(()) => Ok(results.all_good),
            Err(error) if error.is::<Interrupted>() && !is_out.get() => {
                bail!("interrupted: nothing was sent")
            }
            Err(error) if error.is::<Interrupted>() => bail!(NoAnswer(format!("interrupted: {ask_again}"))),
            Err(error) if error.is::<NoAnswer>() && !results.is_ours => {
                let words = format!(
                    "{error}, nor any other: does a gateway run on this prefix, and may this user read results? \
                     {ask_again}"
                );
                bail!(NoAnswer(words))
            }
            Err(error) if error.is::<NoAnswer>() => bail!(NoAnswer(format!("{error}: {ask_again}"))),
            Err(error) => Err(error),
        }
    }

    /// The configuration, logging in as asked. Of the files with secrets only the one that is needed is read: who sends
    /// need not be let read the others.
    fn config(&self) -> anyhow::Result<Config> {
        let mut config = self.config.load_without_secrets()?;
        let configured = config.source.secret_files.iter().find(|file| file.key == PASSWORD_FILE);
        let unreadable = |key: &str, path: &Path, e| {
            ConfigError::new(key, format!("{} cannot be read ({e})", path.display()))
        };
        let read = match (&self.password_file, configured) {
            (Some(path), _) => {
                let file = SecretFile { key: String::new(), written: path.clone(), path: path.clone() };
                Some(file.read().map_err(|e| unreadable("--password-file", path, e))?)
            }
            (None, Some(file)) => {
                Some(file.read().map_err(|e| unreadable(&file.shown_key(), &file.path, e))?)
            }
            (None, None) => None,
        };
        if self.password_file.is_some() {
            config.mqtt.login_place = LOGIN_OPTIONS;
        }
        let (configured_user, configured_password) = config.mqtt.login.take().unzip();
        let password = read.or(configured_password);
        config.mqtt.login = match (self.user.clone().or(configured_user), password) {
            (Some(user), password) => Some((user, password.unwrap_or_default())),
            (None, Some(_)) => {
                let words = "a password needs a user name: give --user NAME too";
                bail!(ConfigError::new("--password-file", words));
            }
            (None, None) => None,
        };
        Ok(config)
    }
}

/// Somebody asked us to stop.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
struct Interrupted;

/// As `main` tells the exit code by it.
fn in_commands(error: CallerError) -> anyhow::Error {
    match error {
        CallerError::Config(error) => error.into(),
        CallerError::Unanswered(words) => NoAnswer(words).into(),
        refused @ CallerError::Broker(_) => refused.into(),
    }
}

/// The results so far, shown as they come.
struct Results<'a> {
    id: &'a str,
    /// The numbers that are to have a last result, and whether they had it.
    recipients: BTreeMap<String, bool>,
    /// Names that no contact of ours has, and whether the gateway has told whom they reach.
    names: BTreeMap<String, bool>,
    /// Last results of other numbers: the gateway may dial ours in another way.
    others: usize,
    /// No other result is waited for.
    is_over: bool,
    all_good: bool,
    /// The gateway has taken our request under this id.
    is_ours: bool,
    /// Payloads shown: one may come on two topics, and twice on each.
    shown: HashSet<Vec<u8>>,
    as_json: bool,
    style: Style,
    zone: TimeZone,
}

impl<'a> Results<'a> {
    fn new(id: &'a str, to: &[String], config: &Config, as_json: bool) -> Self {
        let contacts = Contacts::new(&config.contacts, &config.outbound.default_country);
        let (mut recipients, mut names) = (BTreeMap::new(), BTreeMap::new());
        for written in to {
            match policy::dialled(written, &contacts, &config.outbound) {
                Ok(dialled) => recipients.extend(dialled.numbers.into_iter().map(|number| (number, false))),
                // As the gateway quotes it.
                Err(_) => drop(names.insert(contact::key(&quoted(written)), false)),
            }
        }
        Results {
            id,
            recipients,
            names,
            others: 0,
            is_over: false,
            all_good: true,
            is_ours: false,
            shown: HashSet::new(),
            as_json,
            style: Style::stdout(),
            zone: TimeZone::system(),
        }
    }

    /// True: nothing more is waited for.
    fn hear(&mut self, heard: Heard<'_>, progress: &Progress) -> bool {
        match heard {
            Heard::NoResponseTopic => {
                progress.clear();
                log::say(
                    "the broker lets this user read no response topic: results come on the topic of all results",
                );
            }
            Heard::Published => progress.now("waiting for the gateway"),
            Heard::Result(payload) => return self.take(payload, progress),
        }
        false
    }

    fn take(&mut self, payload: &[u8], progress: &Progress) -> bool {
        let Some(result) = ResultSummary::read(payload) else { return false };
        if result.id.as_deref() != Some(self.id) || !self.shown.insert(payload.to_vec()) {
            return false;
        }
        progress.clear();
        progress.now(if result.state == "sent" {
            "waiting for the delivery report"
        } else {
            "waiting for the modem"
        });
        match self.as_json {
            true => say_json(&String::from_utf8_lossy(payload)),
            false => say(self.line(&result)),
        };
        if result.conflict {
            // A dry run's answer under an id that another request has; or, once our request is stored, another's that
            // is refused.
            if !self.is_ours {
                (self.is_over, self.all_good) = (true, result.is_success());
            }
            return self.is_over;
        }
        self.is_ours = true;
        self.all_good &= !result.r#final || result.is_success();
        match &result.to {
            Some(to) => self.note(to, result.contact.as_deref(), result.r#final),
            // One result answers for all recipients where the request could not be read.
            None => self.is_over |= result.r#final,
        }
        let open = self.recipients.values().filter(|has_last| !**has_last).count();
        self.is_over |= open <= self.others && self.names.values().all(|is_known| *is_known);
        self.is_over
    }

    /// Notes a result of a number, or of a name that no contact has.
    fn note(&mut self, to: &str, contact: Option<&str>, is_last: bool) {
        if let Some(is_known) = self.names.get_mut(&contact::key(contact.unwrap_or(to))) {
            *is_known = true;
            self.recipients.entry(to.to_owned()).or_default();
        }
        match self.recipients.get_mut(to) {
            Some(has_last) => *has_last |= is_last,
            None => self.others += usize::from(is_last),
        }
    }

    fn line(&self, result: &ResultSummary) -> String {
        let state = padded(&field(&result.state), 9);
        let state = match (result.r#final || result.conflict, result.is_success()) {
            (true, true) => self.style.good(&state),
            (true, false) => self.style.bad(&state),
            (false, _) => state,
        };
        let at = self.style.weak(&time_of_day(result.at.as_deref(), self.zone.clone()));
        let to = with_contact(result.contact.as_deref(), result.to.as_deref().unwrap_or("all"));
        let to = padded(&field(&to), 16);
        format!("{at}  {to}  {state}  {}", field(&result.details())).trim_end().to_owned()
    }
}

fn text_of_standard_input() -> anyhow::Result<String> {
    let stdin = std::io::stdin().lock();
    if stdin.is_terminal() {
        log::say("type the text; Ctrl-D ends it");
    }
    let wrong = |words: String| ConfigError::new("standard input", words);
    let mut octets = Vec::new();
    stdin.take(MAX_PAYLOAD as u64 + 1).read_to_end(&mut octets).map_err(|e| wrong(e.to_string()))?;
    if octets.len() > MAX_PAYLOAD {
        bail!(wrong(format!("the text is too long: a request may have {} KiB", MAX_PAYLOAD / 1024)));
    }
    let text = String::from_utf8(octets).map_err(|e| wrong(format!("the text is not UTF-8 ({e})")))?;
    let text = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    if text.is_empty() {
        bail!(wrong("there is no text".to_owned()));
    }
    Ok(text.to_owned())
}

fn id(text: &str) -> Result<String, String> {
    let words = "expected 1 to 64 of A-Z a-z 0-9 . _ ~ : -";
    is_legal_id(text).then(|| text.to_owned()).ok_or_else(|| words.to_owned())
}
