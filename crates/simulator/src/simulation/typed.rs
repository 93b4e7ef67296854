//! From a typed byte to an answer, with the fault that happens on the way.
//!
//! Owns the moments of a command ([`Moment`]) up to its answer, which `answered.rs` sends.

use super::{Line, Simulation};
use crate::fault::{Fault, FaultKind, Moment};
use crate::modem::answer::{Answer, Refusal};
use crate::modem::parser::Input;
use crate::modem::{Step, Uplink};
use crate::now::Now;
use crate::options::Reports;

impl Simulation {
    /// Reads what is typed, as far as the modem is free to.
    pub(super) fn work(&mut self, now: Now) {
        loop {
            if self.line != Line::Up {
                return;
            }
            if let Some((at, verdict)) = self.submit_answer {
                if at > now.elapsed {
                    return;
                }
                self.submit_answer = None;
                let answer = self.modem.finish_submit(verdict);
                self.answer(answer, now);
                continue;
            }
            if let Some(input) = self.deferred.take() {
                self.act(&input, now);
                continue;
            }
            let mut echo = Vec::new();
            let mut complete = None;
            while let Some(byte) = self.typed.pop_front() {
                let (echoed, input) = self.modem.take_byte(byte);
                echo.extend(echoed);
                if let Some(count) = self.modem.typed_payload()
                    && let Some(fault) = self.faults.set_off_by_octet(count, now.elapsed)
                {
                    self.note(now, &format!("fault: {:?} (octet {count} of a text)", fault.kind));
                    self.put_echo(&mut echo, now);
                    if self.break_down(&fault.kind, now) {
                        break;
                    }
                    self.armed = Some(fault.acted());
                }
                if input.is_some() {
                    complete = input;
                    break;
                }
            }
            self.put_echo(&mut echo, now);
            match complete {
                Some(input) => self.handle_input(&input, now),
                None => return,
            }
        }
    }

    fn put_echo(&mut self, echo: &mut Vec<u8>, now: Now) {
        self.put(now.elapsed.max(self.answers_from), std::mem::take(echo));
    }

    /// A complete input: its fault first, then the modem.
    fn handle_input(&mut self, input: &Input, now: Now) {
        let words = match input {
            Input::Line(line) => line.clone(),
            Input::Payload(text) => format!("{text}^Z"),
            Input::Cancelled => "^[".into(),
        };
        let due = self.faults.set_off_by(input, now.elapsed);
        self.note(now, &format!("-> {words}"));
        self.commands.push(words);
        if let Some(fault) = &due {
            self.note(now, &format!("fault: {:?} ({:?})", fault.kind, fault.moment));
        }
        match due {
            Some(Fault { moment: Moment::Before, kind, .. }) if self.break_down(&kind, now) => {
                // A modem that is not back yet does not hear it, and knows no prompt it gave before.
                let is_heard = self.line == Line::Up && matches!(input, Input::Line(_));
                self.deferred = is_heard.then(|| input.clone());
            }
            Some(Fault { moment: Moment::Before, kind: FaultKind::Junk(bytes), .. }) => {
                self.put(now.elapsed.max(self.sending_until), bytes);
                self.act(input, now);
            }
            Some(Fault { moment: Moment::Received | Moment::Before, kind, .. }) => match kind {
                FaultKind::HangFor(time) => {
                    self.deferred = Some(input.clone());
                    self.line = Line::HungUntil(now.elapsed + time);
                }
                FaultKind::Cms(n) => self.refuse(input, Refusal::Cms(n), now),
                FaultKind::Cme(n) => self.refuse(input, Refusal::Cme(n), now),
                FaultKind::Error => self.refuse(input, Refusal::Plain, now),
                FaultKind::Pretend => self.pretend(input, Vec::new(), now),
                FaultKind::Instead(lines) => self.pretend(input, vec![vec![lines]], now),
                ref kind if self.break_down(kind, now) => {}
                kind => {
                    self.armed = Some(Fault::on("", kind).acted());
                    self.act(input, now);
                }
            },
            armed => {
                self.armed = armed.or(self.armed.take());
                self.act(input, now);
            }
        }
    }

    /// Carries out a fault that ends what the modem was doing; whether it is of that kind.
    pub(super) fn break_down(&mut self, kind: &FaultKind, now: Now) -> bool {
        match kind {
            FaultKind::Hang => self.hang(now),
            FaultKind::Reset => self.restart(now),
            FaultKind::Restart(words) => self.restart_saying(words, now),
            FaultKind::Vanish(time) => self.unplug(now, Some(now.elapsed + *time)),
            _ => return false,
        }
        true
    }

    fn refuse(&mut self, input: &Input, refusal: Refusal, now: Now) {
        let result = self.modem.refuse(refusal);
        self.answer_undone(input, Answer { blocks: Vec::new(), result: Some(result) }, now);
    }

    fn pretend(&mut self, input: &Input, blocks: Vec<Vec<String>>, now: Now) {
        self.answer_undone(input, Answer { blocks, result: Some("OK".into()) }, now);
    }

    fn answer_undone(&mut self, input: &Input, answer: Answer, now: Now) {
        if matches!(input, Input::Payload(_)) {
            self.modem.forget_payload();
        }
        self.answer(answer, now);
    }

    fn act(&mut self, input: &Input, now: Now) {
        let step = self.modem.execute(input, now);
        self.carry_uplink(now);
        match step {
            Step::Answer(answer) => self.answer(answer, now),
            Step::Waiting => {}
            Step::Restart(answer) => {
                self.resets += 1;
                self.answer(answer, now);
                self.restart(now);
            }
        }
    }

    fn carry_uplink(&mut self, now: Now) {
        while let Some(uplink) = self.modem.take_uplink() {
            match uplink {
                Uplink::Submit { mr, pdu } => {
                    let (at, verdict, words) = self.network.submit(mr, &pdu, now);
                    self.note(now, &words);
                    if matches!(self.network.reports, Reports::BeforeAnswer(_)) {
                        self.radio(now);
                        self.send_urcs(now);
                    }
                    self.submit_answer = Some((at, verdict));
                }
                Uplink::SubmitText { mr, to, text } => {
                    self.note(now, &format!("submitted as text to {to}: {text}"));
                    self.submit_answer = Some((self.network.submit_text(mr, to, text, now), Ok(())));
                }
                Uplink::Ussd(code) => match self.network.ussd.get(&code) {
                    Some(answer) => self.modem.ussd(&answer.text.clone(), answer.more),
                    None => self.modem.ussd_ended(),
                },
                Uplink::UssdCancel => self.modem.ussd_ended(),
                Uplink::HangUp => self.ringing = None,
            }
        }
    }
}
