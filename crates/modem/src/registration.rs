//! Registration with the network (TS 27.007 7.2, 10.1.20, 10.1.22 and 10.1.47).

use std::fmt;

/// Which network a registration is with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Domain {
    /// Circuit switched, `+CREG`.
    Circuit,
    /// GPRS, `+CGREG`.
    Packet,
    /// LTE, `+CEREG`.
    Eps,
    /// 5G, `+C5GREG`.
    FiveG,
}

/// Registration with the network (TS 27.007 7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Registration {
    /// Not registered and not looking for a network.
    NotRegistered,
    /// In the home network.
    Home,
    /// Looking for a network.
    Searching,
    /// The network refused.
    Denied,
    /// The modem does not know.
    Unknown,
    /// In another network.
    Roaming,
    /// In the home network, for messages only.
    SmsOnlyHome,
    /// In another network, for messages only.
    SmsOnlyRoaming,
    /// Emergency calls only.
    EmergencyOnly,
}

impl Registration {
    /// All of them.
    pub const ALL: [Registration; 9] = [
        Self::NotRegistered,
        Self::Home,
        Self::Searching,
        Self::Denied,
        Self::Unknown,
        Self::Roaming,
        Self::SmsOnlyHome,
        Self::SmsOnlyRoaming,
        Self::EmergencyOnly,
    ];

    /// From the number `<stat>`.
    pub fn from_number(number: u8) -> Self {
        match number {
            0 => Self::NotRegistered,
            // 9 and 10 are 1 and 5 where circuit switched fallback is not preferred.
            1 | 9 => Self::Home,
            2 => Self::Searching,
            3 => Self::Denied,
            5 | 10 => Self::Roaming,
            6 => Self::SmsOnlyHome,
            7 => Self::SmsOnlyRoaming,
            8 => Self::EmergencyOnly,
            _ => Self::Unknown,
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::NotRegistered => "not registered",
            Self::Home => "home",
            Self::Searching => "searching",
            Self::Denied => "denied",
            Self::Unknown => "unknown",
            Self::Roaming => "roaming",
            Self::SmsOnlyHome => "home, SMS only",
            Self::SmsOnlyRoaming => "roaming, SMS only",
            Self::EmergencyOnly => "emergency calls only",
        }
    }

    /// Whether messages can be sent and received.
    pub fn is_registered(self) -> bool {
        matches!(self, Self::Home | Self::Roaming | Self::SmsOnlyHome | Self::SmsOnlyRoaming)
    }
}

impl fmt::Display for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// A registration of one domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegistrationReport {
    /// With which network.
    pub domain: Domain,
    /// What it is now.
    pub state: Registration,
    /// The network's reject cause, where the modem reports it.
    pub cause: Option<u16>,
}

/// What each domain said last. They are registered each on its own, and messages go by any that is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Registrations {
    /// At most one of each domain.
    reports: Vec<RegistrationReport>,
}

impl Registrations {
    /// Replaces what is known of the report's domain.
    pub fn update(&mut self, report: RegistrationReport) {
        match self.reports.iter_mut().find(|known| known.domain == report.domain) {
            Some(known) => *known = report,
            None => self.reports.push(report),
        }
    }

    /// The one that counts: the first that is registered, else a refusal, else the first; none where no domain is known.
    pub fn best(&self) -> Option<RegistrationReport> {
        let first = |is_such: fn(Registration) -> bool| self.reports.iter().find(|r| is_such(r.state));
        first(Registration::is_registered)
            .or_else(|| first(|state| state == Registration::Denied))
            .or(self.reports.first())
            .copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_registered_domain_suffices() {
        let report = |domain, number| RegistrationReport {
            domain,
            state: Registration::from_number(number),
            cause: None,
        };
        let rows = [
            ("nothing known", vec![], None),
            ("searching", vec![(Domain::Circuit, 2)], Some((Domain::Circuit, 2))),
            (
                "denied by one, home in another",
                vec![(Domain::Circuit, 3), (Domain::Eps, 1)],
                Some((Domain::Eps, 1)),
            ),
            ("roaming in the last", vec![(Domain::Circuit, 0), (Domain::FiveG, 5)], Some((Domain::FiveG, 5))),
            ("denied by one", vec![(Domain::Circuit, 2), (Domain::Eps, 3)], Some((Domain::Eps, 3))),
            (
                "a domain that changes",
                vec![(Domain::Circuit, 1), (Domain::Eps, 1), (Domain::Circuit, 3)],
                Some((Domain::Eps, 1)),
            ),
            (
                "all domains lost",
                vec![(Domain::Circuit, 1), (Domain::Eps, 1), (Domain::Circuit, 2), (Domain::Eps, 0)],
                Some((Domain::Circuit, 2)),
            ),
        ];
        for (name, reports, expect) in rows {
            let mut known = Registrations::default();
            reports.into_iter().for_each(|(domain, number)| known.update(report(domain, number)));
            assert_eq!(known.best(), expect.map(|(domain, number)| report(domain, number)), "{name}");
        }
    }
}
