//! From a typed byte to a sent answer, with the fault that happens on the way.
//!
//! Owns the three moments of a command ([`Moment`]): received, acted, answered.

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
                if input.is_some() {
                    complete = input;
                    break;
                }
            }
            if !echo.is_empty() {
                self.put(now.elapsed.max(self.answers_from), echo);
            }
            match complete {
                Some(input) => self.handle_input(&input, now),
                None => return,
            }
        }
    }

    /// A complete input: its fault first, then the modem.
    fn handle_input(&mut self, input: &Input, now: Now) {
        let words = match input {
            Input::Line(line) => line.clone(),
            Input::Payload(text) => format!("{text}^Z"),
            Input::Cancelled => "^[".into(),
        };
        let due = self.faults.set_off_by(input);
        self.note(now, &format!("-> {words}"));
        self.commands.push(words);
        if let Some(fault) = &due {
            self.note(now, &format!("fault: {:?} ({:?})", fault.kind, fault.moment));
        }
        match due {
            Some(Fault { moment: Moment::Received, kind, .. }) => match kind {
                FaultKind::HangFor(time) => {
                    self.deferred = Some(input.clone());
                    self.line = Line::HungUntil(now.elapsed + time);
                }
                FaultKind::Cms(n) => self.refuse(input, Refusal::Cms(n), now),
                FaultKind::Cme(n) => self.refuse(input, Refusal::Cme(n), now),
                ref kind if self.break_down(kind, now) => {}
                kind => {
                    self.armed = Some(Fault::on("", kind).acted());
                    self.act(input, now);
                }
            },
            armed => {
                self.armed = armed;
                self.act(input, now);
            }
        }
    }

    /// Carries out a fault that ends what the modem was doing; whether it is of that kind.
    fn break_down(&mut self, kind: &FaultKind, now: Now) -> bool {
        match kind {
            FaultKind::Hang => self.hang(now),
            FaultKind::Reset => self.restart(now),
            FaultKind::Vanish(time) => self.unplug(now, Some(now.elapsed + *time)),
            _ => return false,
        }
        true
    }

    fn refuse(&mut self, input: &Input, refusal: Refusal, now: Now) {
        if matches!(input, Input::Payload(_)) {
            self.modem.forget_payload();
        }
        let answer = Answer { blocks: Vec::new(), result: Some(self.modem.refuse(refusal)) };
        self.answer(answer, now);
    }

    fn act(&mut self, input: &Input, now: Now) {
        let step = self.modem.execute(input, now);
        self.carry_uplink(now);
        match step {
            Step::Answer(answer) => self.answer(answer, now),
            Step::Waiting => {}
            Step::Restart(answer) => {
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
                Uplink::Ussd(code) => match self.network.ussd.get(&code) {
                    Some(answer) => self.modem.ussd(&answer.text.clone(), answer.more),
                    None => self.modem.ussd_ended(),
                },
                Uplink::UssdCancel => self.modem.ussd_ended(),
                Uplink::HangUp => self.ringing = None,
            }
        }
    }

    /// Sends an answer, changed as the armed fault wants it.
    fn answer(&mut self, mut answer: Answer, now: Now) {
        let armed = self.armed.take();
        let (moment, kind) = match &armed {
            Some(fault) => (fault.moment, Some(&fault.kind)),
            None => (Moment::Acted, None),
        };
        let mut at = now.elapsed.max(self.answers_from).max(self.sending_until);
        let mut pause = None;
        let mut noisy = false;
        if moment != Moment::Answered || kind.is_some_and(|t| !breaks(t)) {
            match kind {
                Some(FaultKind::Swallow) => return,
                Some(FaultKind::Late(time)) => {
                    at += *time;
                    self.answers_from = at;
                }
                Some(FaultKind::HangFor(time)) => {
                    at += *time;
                    self.line = Line::HungUntil(at);
                }
                Some(FaultKind::Cms(n)) => {
                    answer = Answer { blocks: vec![], result: Some(self.modem.refuse(Refusal::Cms(*n))) };
                }
                Some(FaultKind::Cme(n)) => {
                    answer = Answer { blocks: vec![], result: Some(self.modem.refuse(Refusal::Cme(*n))) };
                }
                Some(FaultKind::Split(time)) => pause = Some(*time),
                Some(FaultKind::Noise) => noisy = true,
                Some(FaultKind::Junk(bytes)) => self.put(at, bytes.clone()),
                Some(kind) if self.break_down(kind, now) => return,
                _ => {}
            }
        }
        for line in answer.blocks.iter().flatten().chain(&answer.result) {
            self.note(now, &format!("<- {line}"));
        }
        let bytes = answer.render(|| noisy.then(|| self.modem.next_noise()));
        match pause {
            None => self.put(at, bytes),
            Some(pause) => {
                for byte in bytes {
                    self.put(at, vec![byte]);
                    at += pause;
                }
                self.sending_until = at;
            }
        }
        if moment == Moment::Answered {
            match kind {
                Some(FaultKind::HangFor(time)) => self.line = Line::HungUntil(now.elapsed + *time),
                Some(kind) => drop(self.break_down(kind, now)),
                None => {}
            }
        }
    }
}

/// Faults that begin after the answer, if that is their moment.
fn breaks(kind: &FaultKind) -> bool {
    matches!(kind, FaultKind::Hang | FaultKind::HangFor(_) | FaultKind::Reset | FaultKind::Vanish(_))
}
