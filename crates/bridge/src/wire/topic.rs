//! Topics: the one place that knows how they are spelled (docs/contract.md, "Topics").
//!
//! Pure. Input: the configured prefix and names, and topics as the broker delivers them.

use crate::event::{Event, Subject};
use crate::message::Name;
use crate::request::{ReplyTo, Route};

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

    /// What they begin with.
    pub fn prefix(&self) -> &str {
        &self.prefix
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

    /// The retained `online`/`offline` of either.
    pub fn availability(&self, subject: &Subject) -> String {
        match subject {
            Subject::Modem(modem) => self.modem_availability(modem),
            Subject::Gateway => self.gateway_availability(),
        }
    }

    /// Where a modem's restart is asked for.
    pub fn restart(&self, modem: &Name) -> String {
        format!("{}/restart/{modem}", self.prefix)
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
        filters.extend(modems.iter().map(|m| self.restart(m)));
        filters
    }

    /// The filters of the gateways' retained topics, ours among them.
    pub fn gateway_filters(&self) -> [String; 2] {
        [format!("{}/gateway/+", self.prefix), format!("{}/gateway/+/availability", self.prefix)]
    }

    /// The topic of a gateway that cannot be: no gateway has such a name, so none heeds it.
    pub fn of_no_gateway(&self) -> String {
        format!("{}/gateway/CHECK", self.prefix)
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
            Some(("restart", modem)) => Some(Route::Restart { modem: modem.parse().ok()? }),
            Some(("ussd", modem)) => Some(Route::Ussd { modem: modem.parse().ok()? }),
            Some(("send", modem)) => Some(Route::Send { modem: Some(modem.parse().ok()?) }),
            _ => None,
        }
    }
}

/// Octets of a response topic.
const MAX_RESPONSE_TOPIC: usize = 256;

/// Levels of a response topic: some brokers close the connection on a topic of more than 200.
const MAX_RESPONSE_LEVELS: usize = 20;

/// Octets of correlation data.
const MAX_CORRELATION: usize = 1024;

/// Which response topics are honoured.
#[derive(Debug, Clone)]
pub struct ResponseTopics {
    beginning: String,
}

impl ResponseTopics {
    /// Those that begin with `beginning`, which is outside of our own topics; none where it is empty.
    pub fn new(beginning: &str) -> Self {
        ResponseTopics { beginning: beginning.to_owned() }
    }

    /// Whether results may be published there too.
    pub fn allow(&self, reply_to: &ReplyTo) -> bool {
        let ReplyTo { topic, correlation } = reply_to;
        !self.beginning.is_empty()
            && topic.len() > self.beginning.len()
            && topic.starts_with(&self.beginning)
            && topic.len() <= MAX_RESPONSE_TOPIC
            && topic.split('/').count() <= MAX_RESPONSE_LEVELS
            && !topic.contains(['+', '#'])
            && !topic.contains(char::is_control)
            && correlation.as_ref().is_none_or(|data| data.len() <= MAX_CORRELATION)
    }
}

/// A response topic of a caller's own, `<beginning><user>/<name>`, as access lists have it: `answers/%u/#`. Without the
/// user where there is none, or its name can be no part of a topic. None where no response topic is honoured.
pub fn response_topic(beginning: &str, user: Option<&str>, name: &str) -> Option<String> {
    let with_user = user.map(|user| format!("{beginning}{user}/{name}"));
    let without = format!("{beginning}{name}");
    let honoured = ResponseTopics::new(beginning);
    let is_allowed = |topic: &String| honoured.allow(&ReplyTo { topic: topic.clone(), correlation: None });
    with_user.into_iter().chain([without]).find(is_allowed)
}

/// Whether response topics may begin so: no wildcard, no leading `$`, and neither below `prefix` nor above it.
pub fn is_legal_response_prefix(beginning: &str, prefix: &str) -> bool {
    let own = format!("{prefix}/");
    !beginning.starts_with('$')
        && !beginning.contains(['+', '#'])
        && !beginning.contains(char::is_control)
        && beginning != prefix
        && !beginning.starts_with(&own)
        && !own.starts_with(beginning)
}

/// Whether no topic begins with one prefix and with the other.
pub fn is_beside(one: &str, other: &str) -> bool {
    let (one, other) = (format!("{one}/"), format!("{other}/"));
    !one.starts_with(&other) && !other.starts_with(&one)
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
            ["sms/send", "sms/send/main", "sms/cancel", "sms/ussd/main", "sms/restart/main"]
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
        let modem = "main".parse().unwrap();
        assert_eq!(topics().parse("sms/restart/main"), Some(Route::Restart { modem }));
        assert_eq!(topics().parse_gateway("sms/gateway/b"), Some(OfGateway::State("b".into())));
        let availability = OfGateway::Availability("b".into());
        assert_eq!(topics().parse_gateway("sms/gateway/b/availability"), Some(availability));
        assert_eq!(topics().parse_gateway("sms/gateway/b/c"), None);
        for other in [
            "sms/send/a/b",
            "sms/received/main",
            "smsx/send",
            "sms",
            "sms/send/UPPER",
            "sms/ussd/main/reply",
            "sms/restart",
        ] {
            assert_eq!(topics().parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_response_topic_is_honoured_below_its_prefix_and_within_bounds() {
        let allow = |topic: &str, octets: usize| {
            let reply_to = ReplyTo { topic: topic.to_owned(), correlation: Some(vec![0; octets]) };
            ResponseTopics::new("answers/").allow(&reply_to)
        };
        assert!(allow("answers/app/7", 1024) && !allow("answers/app/7", 1025));
        let levels = |n: usize| format!("answers{}", "/x".repeat(n - 1));
        assert!(allow(&levels(20), 0) && !allow(&levels(21), 0));
        let long = |n: usize| format!("answers/{}", "x".repeat(n - 8));
        assert!(allow(&long(256), 0) && !allow(&long(257), 0));
        for other in
            ["", "answers/", "answers", "app/7", "sms/send", "answers/+", "answers/#", "answers/\u{1}"]
        {
            assert!(!allow(other, 0), "{other:?}");
        }
        let nowhere = ReplyTo { topic: "answers/7".to_owned(), correlation: None };
        assert!(!ResponseTopics::new("").allow(&nowhere));
    }

    #[test]
    fn a_callers_response_topic_is_one_that_is_honoured() {
        let topic = |beginning: &str, user: Option<&str>| response_topic(beginning, user, "cli-7");
        assert_eq!(topic("answers/", Some("alarm")).as_deref(), Some("answers/alarm/cli-7"));
        assert_eq!(topic("answers/", None).as_deref(), Some("answers/cli-7"));
        // No level of a topic.
        for user in ["a+b", "#", "a\nb", &"x".repeat(300), &"/".repeat(30)] {
            assert_eq!(topic("answers/", Some(user)).as_deref(), Some("answers/cli-7"), "{user:?}");
        }
        assert_eq!(topic("", Some("alarm")), None);
    }

    #[test]
    fn prefixes_stand_beside_each_other_where_neither_has_the_others_topics() {
        assert!(is_beside("homeassistant", "sms") && is_beside("smsx", "sms") && is_beside("a/b", "a/c"));
        for (one, other) in [("sms", "sms"), ("sms/ha", "sms"), ("home", "home/sms")] {
            assert!(!is_beside(one, other), "{one} and {other}");
        }
    }

    #[test]
    fn response_topics_never_reach_our_own() {
        for beginning in ["answers/", "home/answers/", "smsx", "sms2/answers/"] {
            assert!(is_legal_response_prefix(beginning, "sms"), "{beginning:?}");
        }
        for beginning in ["sms", "sms/", "sms/answers/", "s", "", "$SYS/", "a/+/", "a/#"] {
            assert!(!is_legal_response_prefix(beginning, "sms"), "{beginning:?}");
        }
    }
}
