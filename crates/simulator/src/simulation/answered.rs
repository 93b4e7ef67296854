//! An answer on its way out, with the fault of its command.
//!
//! Owns what a fault does to an answer: replaced, cut, delayed, repeated, disturbed.

use super::{Line, Simulation};
use crate::fault::{FaultKind, Moment};
use crate::modem::answer::{Answer, Refusal};
use crate::now::Now;

/// How an answer is written.
#[derive(Default)]
struct Manner {
    /// Byte by byte, with this pause.
    pause: Option<std::time::Duration>,
    noisy: bool,
    /// After the first line.
    inside: Vec<u8>,
    /// After the answer.
    behind: Vec<u8>,
}

impl Simulation {
    /// Sends an answer, changed as the armed fault wants it.
    pub(super) fn answer(&mut self, mut answer: Answer, now: Now) {
        let armed = self.armed.take();
        let (moment, kind) = match armed {
            Some(fault) => (fault.moment, Some(fault.kind)),
            None => (Moment::Acted, None),
        };
        let mut at = now.elapsed.max(self.answers_from).max(self.sending_until);
        let mut manner = Manner::default();
        if moment != Moment::Answered || kind.as_ref().is_some_and(|kind| !comes_after(kind)) {
            match &kind {
                Some(FaultKind::Swallow) => return,
                Some(FaultKind::Late(time)) => {
                    at += *time;
                    self.answers_from = at;
                }
                Some(FaultKind::HangFor(time)) => {
                    at += *time;
                    self.line = Line::HungUntil(at);
                }
                Some(FaultKind::Junk(bytes)) => self.put(at, bytes.clone()),
                Some(FaultKind::Behind) => match self.kept_answer.replace(answer) {
                    Some(kept) => answer = kept,
                    None => return,
                },
                Some(kind) if self.break_down(kind, now) => return,
                Some(kind) => {
                    answer = self.changed(answer, kind);
                    match kind {
                        FaultKind::Split(time) => manner.pause = Some(*time),
                        FaultKind::Noise => manner.noisy = true,
                        FaultKind::Inside(bytes) => manner.inside.clone_from(bytes),
                        _ => {}
                    }
                }
                None => {}
            }
        } else if let Some(FaultKind::Junk(bytes)) = &kind {
            manner.behind.clone_from(bytes);
        }
        self.send_answer(&answer, manner, at, now);
        if moment == Moment::Answered {
            match &kind {
                Some(FaultKind::HangFor(time)) => self.line = Line::HungUntil(now.elapsed + *time),
                Some(kind) => drop(self.break_down(kind, now)),
                None => {}
            }
        }
    }

    /// The answer with another content.
    fn changed(&self, mut answer: Answer, kind: &FaultKind) -> Answer {
        let refused = |refusal| Answer { blocks: vec![], result: Some(self.modem.refuse(refusal)) };
        match kind {
            FaultKind::Cms(n) => return refused(Refusal::Cms(*n)),
            FaultKind::Cme(n) => return refused(Refusal::Cme(*n)),
            FaultKind::Error => return refused(Refusal::Plain),
            FaultKind::Pretend => return Answer { blocks: vec![], result: Some("OK".into()) },
            FaultKind::Instead(lines) => answer.blocks = vec![vec![lines.clone()]],
            FaultKind::NoLines => answer.blocks.clear(),
            FaultKind::NoResult => answer.result = answer.result.map(|_| String::new()),
            FaultKind::Results(times) => {
                let result = answer.result.clone();
                let more = times.saturating_sub(1);
                answer.blocks.extend(std::iter::repeat_n(result, more).flatten().map(|line| vec![line]));
            }
            _ => {}
        }
        answer
    }

    fn send_answer(&mut self, answer: &Answer, manner: Manner, mut at: std::time::Duration, now: Now) {
        for line in answer.blocks.iter().flatten().chain(&answer.result) {
            self.note(now, &format!("<- {line}"));
        }
        if answer.result.is_none() {
            self.hearing.prompt(at);
        }
        let form = self.modem.result_form();
        let mut bytes = answer.render(form, || manner.noisy.then(|| self.modem.next_noise()));
        if !manner.inside.is_empty() {
            let first = bytes.iter().skip(2).position(|b| *b == b'\n').map_or(bytes.len(), |at| at + 3);
            bytes.splice(first..first, manner.inside);
        }
        bytes.extend(manner.behind);
        match manner.pause {
            None => self.put(at, bytes),
            Some(pause) => {
                for byte in bytes {
                    self.put(at, vec![byte]);
                    at += pause;
                }
                self.sending_until = at;
            }
        }
    }
}

/// Faults that begin after the answer, if that is their moment.
fn comes_after(kind: &FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::Hang
            | FaultKind::HangFor(_)
            | FaultKind::Reset
            | FaultKind::Restart(_)
            | FaultKind::Vanish(_)
            | FaultKind::Junk(_)
    )
}
