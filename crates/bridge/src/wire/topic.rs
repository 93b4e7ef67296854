//! Topics: the one place that knows how they are spelled (docs/contract.md, "Topics").
//!
//! Pure. Input: the configured prefix and names, and topics as the broker delivers them.

use crate::event::{Event, State, Subject};
use crate::failure::{Failure, FailureCode};
use crate::message::Name;
use crate::request::Route;

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

impl Topics {
    /// Topics of `gateway` below `prefix`.
    pub fn new(prefix: &str, gateway: &Name) -> Self {
        Topics { prefix: prefix.to_owned(), gateway: gateway.clone() }
    }

    /// The gateway's own name.
    pub fn gateway_name(&self) -> &Name {
        &self.gateway
    }

    /// The topic an event is published on.
    pub fn of_event(&self, event: &Event) -> String {
        match event {
            Event::Received(received) => self.received(&received.modem),
            Event::Result(_) => self.result(),
            Event::Call(call) => self.call(&call.modem),
            Event::Broadcast(broadcast) => self.broadcast(&broadcast.modem),
            Event::UssdReply(reply) => self.ussd_reply(&reply.modem),
        }
    }

    /// The topic a state is retained on.
    pub fn of_state(&self, state: &State) -> String {
        match state {
            State::Modem(state) => self.modem(&state.modem),
            State::Gateway(_) => self.gateway(),
            State::Availability(Subject::Modem(modem), _) => self.modem_availability(modem),
            State::Availability(Subject::Gateway, _) => self.gateway_availability(),
        }
    }

    /// All our retained topics. One that leaves this list is cleared at the broker.
    pub fn retained(&self, modems: &[Name], retain_last: bool) -> Vec<String> {
        let mut topics = vec![self.gateway(), self.gateway_availability()];
        for modem in modems {
            topics.extend([self.modem(modem), self.modem_availability(modem)]);
            topics.extend(retain_last.then(|| self.last(modem)));
        }
        topics
    }

    /// Complete incoming messages of a modem.
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

    /// Cell broadcasts a modem receives.
    pub fn broadcast(&self, modem: &Name) -> String {
        format!("{}/broadcast/{modem}", self.prefix)
    }

    /// Replies to USSD requests.
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

    /// The filters of requests. Those that any modem may send are shared where `share` names a group.
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

    /// The filters of the gateways' own retained topics.
    pub fn gateway_filters(&self) -> [String; 2] {
        [format!("{}/gateway/+", self.prefix), format!("{}/gateway/+/availability", self.prefix)]
    }

    /// Which gateway's retained topic this is, if it is one.
    pub fn parse_gateway(&self, topic: &str) -> Option<OfGateway> {
        let rest = topic.strip_prefix(&self.prefix)?.strip_prefix("/gateway/")?;
        match rest.split_once('/') {
            None => Some(OfGateway::State(rest.to_owned())),
            Some((name, "availability")) => Some(OfGateway::Availability(name.to_owned())),
            Some(_) => None,
        }
    }

    /// What is asked for on a topic; none if it is not one of ours.
    pub fn parse(&self, topic: &str) -> Option<Route> {
        let rest = topic.strip_prefix(&self.prefix)?.strip_prefix('/')?;
        match rest.split_once('/') {
            None if rest == "send" => Some(Route::Send { modem: None }),
            None if rest == "cancel" => Some(Route::Cancel),
            Some(("ussd", modem)) => Some(Route::Ussd { modem: modem.parse().ok()? }),
            Some(("send", modem)) => Some(Route::Send { modem: Some(modem.parse().ok()?) }),
            _ => None,
        }
    }

    /// Whether results may also be published to a response topic: it has no wildcard and no leading `$`, and is not
    /// below our own prefix.
    pub fn check_response_topic(&self, topic: &str) -> Result<(), Failure> {
        let is_below_prefix =
            topic.strip_prefix(&self.prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if topic.is_empty() || topic.starts_with('$') || topic.contains(['+', '#', '\0']) || is_below_prefix {
            return Err(Failure::permanent(
                FailureCode::ResponseTopic,
                "the response topic must have no wildcard and no leading $, and must not be below our own prefix",
            ));
        }
        Ok(())
    }
}

/// Whether topics may begin with `prefix`: no wildcard, no empty level at its ends, no leading `$`.
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
    fn topics_are_those_of_the_contract() {
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
    fn a_topic_is_parsed_into_its_route() {
        assert_eq!(topics().parse("sms/send"), Some(Route::Send { modem: None }));
        let modem = Some("b-2".parse().unwrap());
        assert_eq!(topics().parse("sms/send/b-2"), Some(Route::Send { modem }));
        assert_eq!(topics().parse("sms/cancel"), Some(Route::Cancel));
        let modem = "main".parse().unwrap();
        assert_eq!(topics().parse("sms/ussd/main"), Some(Route::Ussd { modem }));
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
            assert!(topics().check_response_topic(bad).is_err(), "{bad:?} was allowed");
        }
        assert_eq!(topics().check_response_topic("smsx/answers/7"), Ok(()));
    }
}
