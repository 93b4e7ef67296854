//! From a typed byte to a said answer, with the fault that strikes on the way.
//!
//! Owns the three moments of a command ([`Moment`]): received, acted, answered.

use super::{Line, World};
use crate::fault::{Fault, Moment, Occasion, Trouble};
use crate::modem::answer::{Answer, Refusal};
use crate::modem::parser::Input;
use crate::modem::{Step, Uplink};
use crate::now::Now;
use crate::options::Reports;

impl World {
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
                let answer = self.me.finish_submit(verdict);
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
                let (echoed, input) = self.me.take_byte(byte);
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
                Some(input) => self.meet(&input, now),
                None => return,
            }
        }
    }

    /// A complete input: its fault first, then the modem.
    fn meet(&mut self, input: &Input, now: Now) {
        let (words, struck) = match input {
            Input::Line(line) => (line.clone(), self.plan.strike(Occasion::Command(line))),
            Input::Payload(text) => (format!("{text}^Z"), self.plan.strike(Occasion::Payload)),
            Input::Cancelled => ("^[".into(), None),
        };
        self.note(now, &format!("-> {words}"));
        self.commands.push(words);
        if let Some(fault) = &struck {
            self.note(now, &format!("fault: {:?} ({:?})", fault.trouble, fault.moment));
        }
        match struck {
            Some(Fault { moment: Moment::Received, trouble, .. }) => match trouble {
                Trouble::HangFor(time) => {
                    self.deferred = Some(input.clone());
                    self.line = Line::HungUntil(now.elapsed + time);
                }
                Trouble::Cms(n) => self.refuse(input, Refusal::Cms(n), now),
                Trouble::Cme(n) => self.refuse(input, Refusal::Cme(n), now),
                ref trouble if self.break_down(trouble, now) => {}
                trouble => {
                    self.armed = Some(Fault::on("", trouble).acted());
                    self.act(input, now);
                }
            },
            armed => {
                self.armed = armed;
                self.act(input, now);
            }
        }
    }

    /// The troubles that end what the modem was doing; whether it was one.
    fn break_down(&mut self, trouble: &Trouble, now: Now) -> bool {
        match trouble {
            Trouble::Hang => self.hang(now),
            Trouble::Reset => self.restart(now),
            Trouble::Vanish(time) => self.unplug(now, Some(now.elapsed + *time)),
            _ => return false,
        }
        true
    }

    fn refuse(&mut self, input: &Input, refusal: Refusal, now: Now) {
        if matches!(input, Input::Payload(_)) {
            self.me.forget_payload();
        }
        let answer = Answer { blocks: Vec::new(), result: Some(self.me.refuse(refusal)) };
        self.answer(answer, now);
    }

    fn act(&mut self, input: &Input, now: Now) {
        let step = self.me.execute(input, now);
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
        while let Some(uplink) = self.me.take_uplink() {
            match uplink {
                Uplink::Submit { mr, pdu } => {
                    let (at, verdict, words) = self.network.submit(mr, &pdu, now);
                    self.note(now, &words);
                    if matches!(self.network.reports, Reports::BeforeAnswer(_)) {
                        self.radio(now);
                        self.say_urcs(now);
                    }
                    self.submit_answer = Some((at, verdict));
                }
                Uplink::Ussd(code) => match self.network.ussd.get(&code) {
                    Some(answer) => self.me.ussd(&answer.text.clone(), answer.more),
                    None => self.me.ussd_ended(),
                },
                Uplink::UssdCancel => self.me.ussd_ended(),
                Uplink::HangUp => self.ringing = None,
            }
        }
    }

    /// Says an answer, as the armed fault has it.
    fn answer(&mut self, mut answer: Answer, now: Now) {
        let armed = self.armed.take();
        let (moment, trouble) = match &armed {
            Some(fault) => (fault.moment, Some(&fault.trouble)),
            None => (Moment::Acted, None),
        };
        let mut at = now.elapsed.max(self.answers_from).max(self.saying_until);
        let mut pause = None;
        let mut noisy = false;
        if moment != Moment::Answered || trouble.is_some_and(|t| !breaks(t)) {
            match trouble {
                Some(Trouble::Swallow) => return,
                Some(Trouble::Late(time)) => {
                    at += *time;
                    self.answers_from = at;
                }
                Some(Trouble::HangFor(time)) => {
                    at += *time;
                    self.line = Line::HungUntil(at);
                }
                Some(Trouble::Cms(n)) => {
                    answer = Answer { blocks: vec![], result: Some(self.me.refuse(Refusal::Cms(*n))) };
                }
                Some(Trouble::Cme(n)) => {
                    answer = Answer { blocks: vec![], result: Some(self.me.refuse(Refusal::Cme(*n))) };
                }
                Some(Trouble::Split(time)) => pause = Some(*time),
                Some(Trouble::Noise) => noisy = true,
                Some(Trouble::Junk(bytes)) => self.put(at, bytes.clone()),
                Some(trouble) if self.break_down(trouble, now) => return,
                _ => {}
            }
        }
        for line in answer.blocks.iter().flatten().chain(&answer.result) {
            self.note(now, &format!("<- {line}"));
        }
        let bytes = answer.render(|| noisy.then(|| self.me.next_noise()));
        match pause {
            None => self.put(at, bytes),
            Some(pause) => {
                for byte in bytes {
                    self.put(at, vec![byte]);
                    at += pause;
                }
                self.saying_until = at;
            }
        }
        if moment == Moment::Answered {
            match trouble {
                Some(Trouble::HangFor(time)) => self.line = Line::HungUntil(now.elapsed + *time),
                Some(trouble) => drop(self.break_down(trouble, now)),
                None => {}
            }
        }
    }
}

/// Troubles that begin after the answer, if that is their moment.
fn breaks(trouble: &Trouble) -> bool {
    matches!(trouble, Trouble::Hang | Trouble::HangFor(_) | Trouble::Reset | Trouble::Vanish(_))
}
