//! Where the network has registered the modem, domain by domain.

/// A domain of the network, with a command of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// `+CREG`: circuit switched.
    Cs,
    /// `+CGREG`: packet switched (GPRS, UMTS).
    Ps,
    /// `+CEREG`: LTE.
    Eps,
    /// `+C5GREG`: 5G; the command is unknown until this domain is set.
    FiveG,
}

impl Domain {
    pub(crate) const ALL: [Self; 4] = [Self::Cs, Self::Ps, Self::Eps, Self::FiveG];

    pub(crate) fn command(self) -> &'static str {
        match self {
            Self::Cs => "+CREG",
            Self::Ps => "+CGREG",
            Self::Eps => "+CEREG",
            Self::FiveG => "+C5GREG",
        }
    }

    pub(crate) fn of_command(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|domain| domain.command() == name)
    }
}

/// `<stat>` of each domain, in the order of [`Domain::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Registration {
    stat: [u8; 4],
    pub(super) has_5g: bool,
}

impl Registration {
    /// At nothing.
    pub(super) const NONE: Self = Self { stat: [0; 4], has_5g: false };
    pub(super) const HOME: Self = Self { stat: [1, 1, 1, 0], has_5g: false };

    /// All domains there are.
    pub(super) fn set_all(&mut self, stat: u8) {
        let count = if self.has_5g { 4 } else { 3 };
        self.stat.iter_mut().take(count).for_each(|s| *s = stat);
    }

    pub(super) fn set(&mut self, domain: Domain, stat: u8) {
        self.has_5g |= domain == Domain::FiveG;
        self.stat[domain as usize] = stat;
    }

    pub(super) fn of(self, domain: Domain) -> u8 {
        self.stat[domain as usize]
    }

    /// One domain suffices for messages.
    pub(super) fn is_registered(self) -> bool {
        self.stat.iter().any(|stat| matches!(stat, 1 | 5))
    }
}
