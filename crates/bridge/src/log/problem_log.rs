//! Says in the log what is wrong, when it begins and when it is over; not once a try.
//!
//! A fault that stays is reported again and again, in the same words or in turns of them, and a link that comes up and
//! breaks at once reports nothing wrong in between. So each wording is said once until nothing was wrong for a while,
//! and only then that it is over.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::message::Name;

/// Nothing has to be wrong for so long before a problem counts as over.
const OVER_AFTER: Duration = Duration::from_secs(10);

/// Before words that were said are said again, while others stand.
const FIRST_PAUSE: Duration = Duration::from_secs(60);

/// Wordings remembered of one problem; what comes beyond is not said.
const MAX_WORDINGS: usize = 32;

/// What has a problem.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProblemSubject {
    /// The modem, where it is one.
    modem: Option<Name>,
    /// What of it, for it may have several problems at once.
    about: String,
    /// What is done about it, said behind it.
    and_then: &'static str,
}

impl ProblemSubject {
    /// Something about a modem.
    pub fn of_modem(modem: &Name, about: &str) -> Self {
        ProblemSubject { modem: Some(modem.clone()), about: about.to_owned(), and_then: "" }
    }

    /// Something else.
    pub fn of(about: &str) -> Self {
        ProblemSubject { modem: None, about: about.to_owned(), and_then: "" }
    }

    /// The same, of which is said what is done about it.
    pub fn and_then(self, and_then: &'static str) -> Self {
        ProblemSubject { and_then, ..self }
    }
}

/// The problems there are.
#[derive(Debug, Default)]
pub struct ProblemLog(Mutex<BTreeMap<ProblemSubject, Problem>>);

#[derive(Debug)]
struct Problem {
    since: Instant,
    /// Since when nothing is wrong.
    quiet_since: Option<Instant>,
    /// The newest words.
    words: String,
    /// Wordings that were said, without their figures: a count that changes is no other problem.
    said: BTreeMap<String, Said>,
}

/// What was said, and may be said again when it is news.
#[derive(Debug)]
struct Said {
    /// When these were the words last.
    stood_at: Instant,
    /// How long others have to have stood before it is: longer each time, for words that take turns are no news.
    pause: Duration,
}

impl ProblemLog {
    /// What is wrong now; none when nothing is. Says what is new.
    pub fn set(&self, subject: &ProblemSubject, problem: Option<&str>) {
        if let Some(words) = self.change(subject, problem, Instant::now()) {
            tracing::warn!(modem = subject.modem.as_ref().map(Name::as_str), "{words}{}", subject.and_then);
        }
    }

    /// Says what is over. To be called every second or so.
    pub fn tick(&self) {
        for (modem, words) in self.over(Instant::now()) {
            tracing::info!(modem = modem.as_ref().map(Name::as_str), "{words}");
        }
    }

    /// The words to say.
    fn change<'a>(
        &self,
        subject: &ProblemSubject,
        problem: Option<&'a str>,
        now: Instant,
    ) -> Option<&'a str> {
        let mut problems = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(words) = problem else {
            let known = problems.get_mut(subject)?;
            known.quiet_since.get_or_insert(now);
            return None;
        };
        let known = problems.entry(subject.clone()).or_insert_with(|| Problem {
            since: now,
            quiet_since: None,
            words: String::new(),
            said: BTreeMap::new(),
        });
        known.quiet_since = None;
        if let Some(before) = known.said.get_mut(&without_figures(&known.words)) {
            before.stood_at = now;
        }
        words.clone_into(&mut known.words);
        let wording = without_figures(words);
        let is_room = known.said.len() < MAX_WORDINGS;
        match known.said.get_mut(&wording) {
            None if is_room => {
                known.said.insert(wording, Said { stood_at: now, pause: FIRST_PAUSE });
                Some(words)
            }
            Some(said) if now.duration_since(said.stood_at) >= said.pause => {
                *said = Said { stood_at: now, pause: said.pause * 2 };
                Some(words)
            }
            _ => None,
        }
    }

    /// The problems that are over, in words, and whose they were.
    fn over(&self, now: Instant) -> Vec<(Option<Name>, String)> {
        let mut problems = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = |problem: &Problem| {
            problem.quiet_since.is_some_and(|quiet| now.duration_since(quiet) >= OVER_AFTER)
        };
        let over = problems.extract_if(.., |_, problem| is_over(problem));
        over.map(|(subject, problem)| {
            let lasted = problem.quiet_since.unwrap_or(now).duration_since(problem.since);
            (subject.modem, format!("well again after {}; it was: {}", in_words(lasted), problem.words))
        })
        .collect()
    }
}

/// `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`.
pub fn in_words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{:.1} s", duration.as_secs_f32()),
        1..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3600 % 24),
    }
}

fn without_figures(words: &str) -> String {
    words.chars().filter(|c| !c.is_ascii_digit()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn main() -> ProblemSubject {
        ProblemSubject::of_modem(&"main".parse().unwrap(), "state")
    }

    #[test]
    fn a_lasting_fault_is_said_once_and_so_is_its_end() {
        let (log, start) = (ProblemLog::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut said = Vec::new();
        for n in 0..500 {
            let words =
                format!("no answer at try {n}; next: {}", if n % 2 == 0 { "reopen" } else { "reset" });
            said.extend(log.change(&main(), Some(&words), at(n)).map(str::to_owned));
            // It comes up, and breaks within a second.
            said.extend(log.change(&main(), None, at(n)).map(str::to_owned));
            assert!(log.over(at(n) + Duration::from_millis(900)).is_empty(), "it is not over");
        }
        assert_eq!(said, ["no answer at try 0; next: reopen", "no answer at try 1; next: reset"]);
        let over = log.over(at(499) + OVER_AFTER);
        assert_eq!(over.len(), 1);
        assert_eq!(over[0].1, "well again after 8 min 19 s; it was: no answer at try 499; next: reset");
        assert!(log.over(at(1000)).is_empty(), "it is said once that it is over");
        assert!(
            log.change(&main(), Some("no answer at try 0; next: reopen"), at(1001)).is_some(),
            "it is another one"
        );
    }

    #[test]
    fn words_that_come_back_after_others_are_news_and_words_that_take_turns_are_not() {
        let (log, start) = (ProblemLog::default(), Instant::now());
        let said =
            |words, seconds| log.change(&main(), Some(words), start + Duration::from_secs(seconds)).is_some();
        assert!(said("nothing listens", 0) && said("refused", 10));
        assert!(!said("nothing listens", 20), "they take turns");
        assert!(!said("refused", 30) && !said("refused", 95));
        assert!(said("nothing listens", 100), "the log's last words would be wrong");
        let again = (10..400)
            .filter(|n| said(if n % 2 == 0 { "refused" } else { "nothing listens" }, n * 70))
            .count();
        assert!((1..20).contains(&again), "{again} lines of words that take turns for hours");
    }

    #[test]
    fn problems_of_different_subjects_do_not_hide_each_other() {
        let (log, now) = (ProblemLog::default(), Instant::now());
        let other = ProblemSubject::of_modem(&"other".parse().unwrap(), "state");
        assert!(log.change(&main(), Some("no SIM"), now).is_some());
        assert!(log.change(&other, Some("no SIM"), now).is_some());
        log.change(&other, None, now);
        assert_eq!(log.over(now + OVER_AFTER).len(), 1);
    }

    #[test]
    fn durations_are_in_words() {
        for (seconds, expected) in [
            (0.4, "0.4 s"),
            (12.9, "12 s"),
            (200.0, "3 min 20 s"),
            (7500.0, "2 h 5 min"),
            (274_000.0, "3 d 4 h"),
        ] {
            assert_eq!(in_words(Duration::from_secs_f64(seconds)), expected);
        }
    }
}
