//! Names <-> topics: the one place that knows how topics are spelled (docs/contract.md, "Topics").
//!
//! Pure. Input: the configured prefix and names, and topics as the broker delivers them.

use crate::message::Name;

/// The topics below one prefix.
#[derive(Debug, Clone)]
pub struct Topics {
    prefix: String,
    gateway: Name,
}

/// A retained topic of a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OfGateway {
    /// `gateway/<name>`.
    State(String),
    /// `gateway/<name>/availability`.
    Availability(String),
}

/// What an inbound topic asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inbound {
    /// `send`, or `send/<modem>`.
    Send {
        /// The modem named in the topic.
        modem: Option<Name>,
    },
    /// `cancel`.
    Cancel,
    /// `ussd/<modem>`.
    Ussd {
        /// The modem named in the topic.
        modem: Name,
    },
}

impl Topics {
    /// Topics of `gateway` below `prefix`.
    pub fn new(prefix: &str, gateway: &Name) -> Self {
        Topics { prefix: prefix.to_owned(), gateway: gateway.clone() }
    }

    /// The gateway's own name.
    pub fn gateway_name(&self) -> &Name {
        &self.gateway
    }

    /// Whole incoming messages of a modem.
    pub fn received(&self, modem: &Name) -> String {
        format!("{}/received/{modem}", self.prefix)
    }

    /// The last of them, retained.
    pub fn last(&self, modem: &Name) -> String {
        format!("{}/last/{modem}", self.prefix)
    }

    /// Every step of every request.
    pub fn result(&self) -> String {
        format!("{}/result", self.prefix)
    }

    /// Incoming calls of a modem.
    pub fn call(&self, modem: &Name) -> String {
        format!("{}/call/{modem}", self.prefix)
    }

    /// Cell broadcasts heard by a modem.
    pub fn broadcast(&self, modem: &Name) -> String {
        format!("{}/broadcast/{modem}", self.prefix)
    }

    /// What the network says to USSD codes.
    pub fn ussd_reply(&self, modem: &Name) -> String {
        format!("{}/ussd/{modem}/reply", self.prefix)
    }

    /// A modem's retained state.
    pub fn modem(&self, modem: &Name) -> String {
        format!("{}/modem/{modem}", self.prefix)
    }

    /// A modem's retained `online`/`offline`.
    pub fn modem_availability(&self, modem: &Name) -> String {
        format!("{}/modem/{modem}/availability", self.prefix)
    }

    /// The gateway's retained state.
    pub fn gateway(&self) -> String {
        format!("{}/gateway/{}", self.prefix, self.gateway)
    }

    /// The gateway's retained `online`/`offline`, also its last will.
    pub fn gateway_availability(&self) -> String {
        format!("{}/availability", self.gateway())
    }

    /// The topic for requests to any modem.
    pub fn send(&self) -> String {
        format!("{}/send", self.prefix)
    }

    /// The filters the gateway wants. Requests to no modem in particular are shared where `share` names a group.
    pub fn filters(&self, share: &str, modems: &[Name]) -> Vec<String> {
        let any = match share {
            "" => self.send(),
            group => format!("$share/{group}/{}", self.send()),
        };
        let mut filters = vec![any];
        filters.extend(modems.iter().map(|m| format!("{}/{m}", self.send())));
        filters.push(format!("{}/cancel", self.prefix));
        filters.extend(modems.iter().map(|m| format!("{}/ussd/{m}", self.prefix)));
        filters
    }

    /// The filters on which gateways of this prefix hear each other.
    pub fn gateway_filters(&self) -> [String; 2] {
        [format!("{}/gateway/+", self.prefix), format!("{}/gateway/+/availability", self.prefix)]
    }

    /// Which gateway's topic this is; none if it is no gateway's.
    pub fn parse_gateway(&self, topic: &str) -> Option<OfGateway> {
        let rest = topic.strip_prefix(&self.prefix)?.strip_prefix("/gateway/")?;
        match rest.split_once('/') {
            None => Some(OfGateway::State(rest.to_owned())),
            Some((name, "availability")) => Some(OfGateway::Availability(name.to_owned())),
            Some(_) => None,
        }
    }

    /// What a topic the broker delivered asks for; none if it is not one of ours.
    pub fn parse(&self, topic: &str) -> Option<Inbound> {
        let rest = topic.strip_prefix(&self.prefix)?.strip_prefix('/')?;
        match rest.split_once('/') {
            None if rest == "send" => Some(Inbound::Send { modem: None }),
            None if rest == "cancel" => Some(Inbound::Cancel),
            Some(("ussd", modem)) => Some(Inbound::Ussd { modem: modem.parse().ok()? }),
            Some(("send", modem)) => Some(Inbound::Send { modem: Some(modem.parse().ok()?) }),
            _ => None,
        }
    }

    /// Whether results may also go to `topic`: no wildcard, no leading `$`, not below our own prefix.
    pub fn allows_response(&self, topic: &str) -> bool {
        let below_us =
            topic.strip_prefix(&self.prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        !topic.is_empty() && !topic.starts_with('$') && !topic.contains(['+', '#', '\0']) && !below_us
    }
}

/// Whether `prefix` can stand before our topics: no wildcard, no empty level at its ends, no leading `$`.
pub fn is_legal_prefix(prefix: &str) -> bool {
    !prefix.is_empty()
        && !prefix.starts_with(['$', '/'])
        && !prefix.ends_with('/')
        && !prefix.contains(['+', '#', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topics() -> Topics {
        Topics::new("sms", &"attic".parse().unwrap())
    }

    #[test]
    fn topics_are_spelled_as_the_contract_says() {
        let main = "main".parse().unwrap();
        assert_eq!(topics().received(&main), "sms/received/main");
        assert_eq!(topics().gateway_availability(), "sms/gateway/attic/availability");
        assert_eq!(topics().modem_availability(&main), "sms/modem/main/availability");
        assert_eq!(
            topics().filters("", std::slice::from_ref(&main)),
            ["sms/send", "sms/send/main", "sms/cancel", "sms/ussd/main"]
        );
        assert_eq!(topics().filters("g", &[main])[0], "$share/g/sms/send");
    }

    #[test]
    fn inbound_topics_are_told_apart() {
        assert_eq!(topics().parse("sms/send"), Some(Inbound::Send { modem: None }));
        let modem = Some("b-2".parse().unwrap());
        assert_eq!(topics().parse("sms/send/b-2"), Some(Inbound::Send { modem }));
        assert_eq!(topics().parse("sms/cancel"), Some(Inbound::Cancel));
        let modem = "main".parse().unwrap();
        assert_eq!(topics().parse("sms/ussd/main"), Some(Inbound::Ussd { modem }));
        assert_eq!(topics().parse_gateway("sms/gateway/b"), Some(OfGateway::State("b".into())));
        let availability = OfGateway::Availability("b".into());
        assert_eq!(topics().parse_gateway("sms/gateway/b/availability"), Some(availability));
        assert_eq!(topics().parse_gateway("sms/gateway/b/c"), None);
        for other in
            ["sms/send/a/b", "sms/received/main", "smsx/send", "sms", "sms/send/UPPER", "sms/ussd/main/reply"]
        {
            assert_eq!(topics().parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_response_topic_cannot_reach_our_own_topics_or_match_many() {
        for bad in ["", "sms", "sms/send", "$SYS/x", "a/+", "a/#"] {
            assert!(!topics().allows_response(bad), "{bad:?} was allowed");
        }
        assert!(topics().allows_response("smsx/answers/7"));
    }
}
