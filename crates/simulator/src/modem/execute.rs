//! What was typed, carried out: a line with its commands, the text after a prompt, the end of a submission.
//!
//! Owns how the results of the commands become one answer.

use super::answer::{self, Answer, Refusal};
use super::parser::{self, Input};
use super::storage::Status;
use super::{Done, Modem, Step};
use crate::now::Now;

impl Modem {
    /// Does what was typed.
    pub(crate) fn execute(&mut self, input: &Input, now: Now) -> Step {
        match input {
            Input::Line(line) => self.execute_line(line, now),
            Input::Payload(text) => {
                let payload = self.payload.take();
                let mut blocks = Vec::new();
                match self.take_payload(payload, text, &mut blocks) {
                    Ok(Done::Waiting) => Step::Waiting,
                    Ok(_) => Step::Answer(self.finish(blocks, Ok(()))),
                    Err(refusal) => Step::Answer(self.finish(blocks, Err(refusal))),
                }
            }
            Input::Cancelled => {
                self.payload = None;
                Step::Answer(self.finish(Vec::new(), Ok(())))
            }
        }
    }

    fn execute_line(&mut self, line: &str, now: Now) -> Step {
        let body = line.get(2..).unwrap_or("");
        let mut blocks = Vec::new();
        for command in parser::split_line(body) {
            match self.command(command, now, &mut blocks) {
                Ok(Done::Fine) => {}
                Ok(Done::Prompt) => {
                    self.parser.expect_payload();
                    return Step::Answer(Answer::prompt());
                }
                Ok(Done::Waiting) => return Step::Waiting,
                Ok(Done::Restart) => return Step::Restart(self.finish(blocks, Ok(()))),
                Err(refusal) => return Step::Answer(self.finish(blocks, Err(refusal))),
            }
        }
        Step::Answer(self.finish(blocks, Ok(())))
    }

    fn finish(&self, blocks: Vec<Vec<String>>, result: Result<(), Refusal>) -> Answer {
        let result = match result {
            Ok(()) => "OK".into(),
            Err(refusal) => self.refuse(refusal),
        };
        Answer { blocks, result: Some(result) }
    }

    /// The result line for a refusal, by `+CMEE`.
    pub(crate) fn refuse(&self, refusal: Refusal) -> String {
        let cme = |n: u16| match self.set.cmee {
            0 => "ERROR".into(),
            1 => format!("+CME ERROR: {n}"),
            _ => answer::cme_text(n)
                .map_or_else(|| format!("+CME ERROR: {n}"), |text| format!("+CME ERROR: {text}")),
        };
        match refusal {
            Refusal::Plain => "ERROR".into(),
            Refusal::Cme(n) => cme(n),
            Refusal::Cms(n) => format!("+CMS ERROR: {n}"),
            Refusal::Unknown => self.profile.unknown.map_or_else(|| cme(4), Into::into),
        }
    }

    /// The network's verdict on the message being submitted: a reference, or a CMS error.
    pub(crate) fn finish_submit(&mut self, verdict: Result<(), u16>) -> Answer {
        let Some((mr, slot)) = self.submitting.take() else {
            return self.finish(Vec::new(), Err(Refusal::Plain));
        };
        match verdict {
            Ok(()) => {
                let name = if let Some((storage, n)) = slot {
                    self.storages.set_status(storage, n, Status::Sent);
                    "+CMSS"
                } else {
                    "+CMGS"
                };
                let mut blocks = vec![vec![format!("{name}: {mr}")]];
                if self.profile.early_ok {
                    blocks.insert(0, vec!["OK".into()]);
                }
                self.finish(blocks, Ok(()))
            }
            Err(code) => self.finish(Vec::new(), Err(Refusal::Cms(code))),
        }
    }
}
