//! Whether the modem's answers belong to what was asked.
//!
//! Pure. AT answers carry no number: that they are out of step shows only in answers that nothing was asked for, and in
//! questions that are answered without an answer. Two such signs call for a check, which is the session's. Input: how each
//! command ended.

/// Signs in a row that call for a check.
const MAX_SIGNS: u32 = 2;

/// What speaks against the answers being in step.
#[derive(Debug, Default)]
pub(crate) struct Step {
    signs: u32,
    was_doubtful: bool,
    says_ok_to_all: bool,
}

impl Step {
    /// A final result code that belongs to no command.
    pub(crate) fn stray(&mut self) {
        self.signs += 1;
        self.was_doubtful = true;
    }

    /// A question was answered; whether there was anything in the answer but `OK`.
    pub(crate) fn answered(&mut self, is_empty: bool) {
        match is_empty && !self.says_ok_to_all {
            true => self.stray(),
            false => self.signs = 0,
        }
    }

    /// Whether a check is called for.
    pub(crate) fn is_doubtful(&self) -> bool {
        self.signs >= MAX_SIGNS
    }

    /// A check begins: only signs from now on count.
    pub(crate) fn forget_signs(&mut self) {
        self.signs = 0;
    }

    /// Whether there was a sign since.
    pub(crate) fn has_signs(&self) -> bool {
        self.signs > 0
    }

    /// The modem answers `OK` to whatever it does not know: that is no sign.
    pub(crate) fn says_ok_to_all(&mut self) {
        self.says_ok_to_all = true;
    }

    /// Whether there was no sign in all of the session.
    pub(crate) fn was_never_doubtful(&self) -> bool {
        !self.was_doubtful
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_signs_in_a_row_are_doubtful_and_an_answer_between_them_is_not() {
        let mut step = Step::default();
        step.stray();
        step.answered(false);
        step.stray();
        assert!(!step.is_doubtful() && !step.was_never_doubtful());
        step.answered(true);
        assert!(step.is_doubtful());
        step.forget_signs();
        step.says_ok_to_all();
        (0..9).for_each(|_| step.answered(true));
        assert!(!step.has_signs());
    }
}
