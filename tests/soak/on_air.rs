//! Decides whether a text may have been on air twice.
//!
//! It may, where the gateway or the modem went down before the gateway could write down the answer. The modem's journal
//! shows it: whatever the gateway typed next proves that it had, and closes the window.

use std::collections::HashMap;
use std::time::Duration;

use smsbridge_simulator::Simulator;

use super::phase::Death;
use super::soak_rig::Modem;

/// Between the answer of a modem and its commit, on a busy disk.
const COMMIT: Duration = Duration::from_secs(5);
/// How much later the gateway knows of an answer whose final result never comes.
const FINAL_RESULT: Duration = Duration::from_secs(5);
/// Between a death and the modem's notice of it, on a busy machine.
const NOTICE: Duration = Duration::from_secs(2);

/// All that happened at a modem: its own journal forgets the oldest.
#[derive(Default)]
pub struct Journal {
    pub lines: Vec<String>,
    next: u64,
}

impl Journal {
    pub fn read(&mut self, simulator: &Simulator) {
        let (lines, next) = simulator.journal_from(self.next);
        assert_eq!(next - self.next, lines.len() as u64, "the journal was read too late");
        self.lines.extend(lines);
        self.next = next;
    }
}

/// A part on air.
pub struct Submission {
    pub modem: usize,
    pub at: Duration,
    pub to: String,
    pub text: String,
    /// Total and sequence.
    pub part: (u8, u8),
    /// Gateway or modem went down before the answer was written down; where in the journal.
    pub interrupted: Option<usize>,
}

/// Everything both modems put on air, in order.
pub fn submissions(modems: &[Modem; 2], journals: &[Journal; 2], deaths: &[Death]) -> Vec<Submission> {
    let mut all = Vec::new();
    for (number, (modem, journal)) in modems.iter().zip(journals).enumerate() {
        let places =
            journal.lines.iter().enumerate().filter(|(_, line)| words(line).starts_with("submitted to "));
        let sent = modem.simulator.sent();
        let places: Vec<usize> = places.map(|(place, _)| place).collect();
        assert_eq!(places.len(), sent.len(), "the journal tells of every message on air");
        let deaths: Vec<Duration> =
            deaths.iter().map(|death| death.at.saturating_duration_since(modem.started)).collect();
        for (sent, place) in sent.into_iter().zip(places) {
            all.push(Submission {
                modem: number,
                at: sent.at,
                to: sent.to,
                text: sent.text.unwrap_or_default(),
                part: sent.concatenation.map_or((1, 1), |(_, total, sequence)| (total, sequence)),
                interrupted: interruption(&journal.lines, place, &deaths),
            });
        }
    }
    all.sort_by_key(|submission| submission.at);
    all
}

/// Reads on from a message submitted to what ended its window.
fn interruption(lines: &[String], place: usize, deaths: &[Duration]) -> Option<usize> {
    let typed = lines[..place].iter().rposition(|line| words(line).starts_with("-> "))?;
    let struck = lines[typed..place].iter().any(|line| words(line).starts_with("fault: "));
    let is_unfinished = lines[typed..place].iter().any(|line| words(line).starts_with("fault: NoResult"));
    let commit = if is_unfinished { FINAL_RESULT + COMMIT } else { COMMIT };
    let mut answered = None;
    let mut in_doubt = None;
    for (at, line) in lines.iter().enumerate().skip(place + 1) {
        let (time, words) = (time(line), words(line));
        if words.starts_with("<- +CMGS") {
            (answered, in_doubt) = (Some(time), None);
        } else if struck && answered.is_none() && says_nothing(words) {
            in_doubt.get_or_insert(at);
        } else if words.starts_with("-> ") {
            // After a fault that swallowed the answer nothing is typed but on a new connection.
            return in_doubt;
        } else if matches!(words, "hangs" | "restarts" | "unplugged" | "terminal gone") {
            let in_time = answered.is_none_or(|answered| time < answered + commit);
            let died = deaths.iter().any(|death| death.abs_diff(time) < NOTICE);
            let excused = words != "terminal gone" || struck || died;
            return in_doubt.or((in_time && excused).then_some(at));
        }
    }
    in_doubt
}

/// Whether an answer does not tell that the message is on air: a code that leaves it open, or no reference.
fn says_nothing(words: &str) -> bool {
    matches!(words, "<- ERROR" | "<- +CMS ERROR: 332" | "<- +CMS ERROR: 500" | "<- OK")
}

/// A journal line is seconds and words.
fn words(line: &str) -> &str {
    line.trim_start().split_once(' ').map_or("", |(_, words)| words)
}

fn time(line: &str) -> Duration {
    let seconds = line.trim_start().split_once(' ').and_then(|(seconds, _)| seconds.parse().ok());
    Duration::from_secs_f64(seconds.unwrap_or_default())
}

/// What was on air more than once, in the window and outside of it.
#[derive(Default)]
pub struct Doubles<'a> {
    pub inside: Vec<&'a Submission>,
    pub outside: Vec<&'a Submission>,
    /// On air more than twice.
    pub thrice: Vec<&'a Submission>,
}

impl<'a> Doubles<'a> {
    pub fn among(submissions: &'a [Submission]) -> Self {
        let mut by_text: HashMap<(&str, &str), Vec<&Submission>> = HashMap::new();
        for submission in submissions {
            by_text.entry((&submission.to, &submission.text)).or_default().push(submission);
        }
        let mut doubles = Self::default();
        for times in by_text.into_values() {
            if let [_, _, third, ..] = times.as_slice() {
                doubles.thrice.push(third);
            }
            // Each but the last was followed by another: for each there has to be a reason.
            for earlier in &times[..times.len() - 1] {
                let kind =
                    if earlier.interrupted.is_some() { &mut doubles.inside } else { &mut doubles.outside };
                kind.push(earlier);
            }
        }
        doubles
    }
}

/// Journal lines about a recipient and text, or with one of `pdus`, each with some around it.
pub fn excerpt(journal: &Journal, to: &str, name: &str, pdus: &[String]) -> String {
    let mut wanted = vec![false; journal.lines.len()];
    for (place, line) in journal.lines.iter().enumerate() {
        if line.contains(to) && line.contains(name) || pdus.iter().any(|pdu| line.contains(pdu)) {
            let end = (place + 14).min(wanted.len());
            wanted[place.saturating_sub(6)..end].fill(true);
        }
    }
    let lines: Vec<&str> = journal
        .lines
        .iter()
        .zip(wanted)
        .filter(|(_, wanted)| *wanted)
        .map(|(line, _)| line.as_str())
        .collect();
    lines.join("\n")
}

#[test]
fn a_window_is_closed_by_what_is_typed_next() {
    let lines = |tail: &[&str]| -> Vec<String> {
        let head = ["    1.000 -> 0011^Z", "    1.001 submitted to +49: <o1.0> x"];
        head.iter().chain(tail).map(|line| (*line).to_owned()).collect()
    };
    let dies = [Duration::from_millis(1200)];
    let answered = ["    1.100 <- +CMGS: 1", "    1.101 -> AT+CMGS=20", "    1.200 terminal gone"];
    assert_eq!(interruption(&lines(&answered), 1, &dies), None, "the answer was written down");
    let killed = ["    1.100 <- +CMGS: 1", "    1.200 terminal gone", "    2.000 -> AT"];
    assert_eq!(interruption(&lines(&killed), 1, &dies), Some(3), "killed before it was");
    assert_eq!(interruption(&lines(&killed), 1, &[Duration::from_secs(9)]), None, "left for no reason");
    let late = ["    1.100 <- +CMGS: 1", "    9.000 restarts"];
    assert_eq!(interruption(&lines(&late), 1, &[]), None, "there was time enough");
    assert_eq!(interruption(&lines(&["    1.050 restarts"]), 1, &[]), Some(2), "a reset before the answer");
    let struck = |answer: &'static str| -> Vec<String> {
        let head =
            ["    1.000 -> 0011^Z", "    1.000 fault: Error (Acted)", "    1.001 submitted to +49: <o1.0> x"];
        let tail = [answer, "    2.000 -> AT"];
        head.into_iter().chain(tail).map(str::to_owned).collect()
    };
    assert_eq!(interruption(&struck("    1.050 <- +CMS ERROR: 332"), 2, &[]), Some(3), "it says nothing");
    assert_eq!(interruption(&struck("    1.050 <- OK"), 2, &[]), Some(3), "without a reference");
    assert_eq!(interruption(&struck("    1.050 <- +CMS ERROR: 38"), 2, &[]), None, "it was refused");
    assert_eq!(interruption(&struck("    1.050 <- +CMGS: 7"), 2, &[]), None, "it was answered");
    let by_itself = lines(&["    1.050 <- +CMS ERROR: 332", "    2.000 -> AT"]);
    assert_eq!(interruption(&by_itself, 1, &[]), None, "nothing had struck it");
}
