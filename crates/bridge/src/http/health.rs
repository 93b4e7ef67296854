//! How the gateway is, for whoever supervises it: whether it is alive, and whether it can do its work. Pure but for the
//! states it reads.

use std::sync::Arc;

use crate::event::{ModemConnection, State};
use crate::mqtt::LinkState;
use crate::retained_state::RetainedState;
use crate::timer_state::TimerState;

/// Knows how the parts of the gateway are.
#[derive(Debug, Clone)]
pub struct Health {
    /// How store and timer are.
    pub timer: Arc<TimerState>,
    /// How the link to the broker is.
    pub link: Arc<LinkState>,
    /// How the modems are.
    pub retained: Arc<RetainedState>,
}

impl Health {
    /// What only a restart would mend, in words; nothing while it is alive.
    pub(super) fn deadly_problems(&self) -> Vec<String> {
        self.timer.deadly_problem().map(|words| format!("gateway: {words}")).into_iter().collect()
    }

    /// What keeps it from taking and sending messages, in words; nothing while it does.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = self.deadly_problems();
        match self.timer.store_problem() {
            None => problems.push("gateway: it starts".to_owned()),
            Some(Some(words)) => problems.push(format!("store: {words}")),
            Some(None) => {}
        }
        if self.link.address().is_none() {
            let words = self.link.current().unwrap_or_else(|| "it is not connected yet".to_owned());
            problems.push(format!("broker: {words}"));
        }
        problems.extend(without_modem(&self.retained.all()));
        problems
    }
}

/// Why there is no modem to work with; nothing where there is one.
fn without_modem(states: &[State]) -> Vec<String> {
    let modems: Vec<_> = states
        .iter()
        .filter_map(|state| match state {
            State::Modem(modem) => Some(modem),
            _ => None,
        })
        .collect();
    if modems.iter().any(|modem| modem.connection == ModemConnection::Online) {
        return Vec::new();
    }
    let words = modems.iter().map(|modem| {
        let problem = modem.problem.as_deref().unwrap_or("it is not connected yet");
        format!("modem {}: {problem}", modem.modem)
    });
    let words: Vec<String> = words.collect();
    if words.is_empty() { vec!["modems: none is connected yet".to_owned()] } else { words }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::event::ModemState;

    fn health() -> Health {
        Health { timer: Arc::default(), link: Arc::default(), retained: Arc::default() }
    }

    fn modem(name: &str, connection: ModemConnection, problem: Option<&str>) -> State {
        let state = ModemState::new(name.parse().unwrap());
        State::Modem(Box::new(ModemState { connection, problem: problem.map(str::to_owned), ..state }))
    }

    #[test]
    fn a_gateway_that_starts_is_alive_and_not_ready() {
        let health = health();
        assert_eq!(health.deadly_problems(), Vec::<String>::new());
        let problems = health.problems().join("\n");
        for words in ["gateway: it starts", "broker: it is not connected yet", "modems: none"] {
            assert!(problems.contains(words), "{words:?} is missing in {problems}");
        }
    }

    #[test]
    fn one_modem_that_works_is_enough_and_each_says_why_none_does() {
        let health = health();
        health.timer.looked(None);
        health.retained.set(modem("main", ModemConnection::Offline, Some("no SIM")));
        health.retained.set(modem("other", ModemConnection::Connecting, None));
        let problems = health.problems().join("\n");
        assert!(problems.contains("modem main: no SIM\nmodem other: it is not connected yet"), "{problems}");
        health.retained.set(modem("other", ModemConnection::Online, Some("budget is spent")));
        assert!(!health.problems().join("\n").contains("modem"), "{:?}", health.problems());
    }

    #[test]
    fn a_store_that_takes_nothing_is_said_until_it_does() {
        let health = health();
        health.timer.looked(Some("disk full".to_owned()));
        assert!(health.problems().contains(&"store: disk full".to_owned()), "{:?}", health.problems());
        health.timer.looked(None);
        assert!(!health.problems().join("\n").contains("store"), "{:?}", health.problems());
    }

    #[tokio::test(start_paused = true)]
    async fn a_timer_that_hangs_is_deadly() {
        let health = health();
        health.timer.looked(None);
        tokio::time::advance(Duration::from_secs(59)).await;
        assert_eq!(health.deadly_problems(), Vec::<String>::new());
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(health.deadly_problems(), ["gateway: it has not looked at its store for 61 s"]);
        health.timer.looked(None);
        assert_eq!(health.deadly_problems(), Vec::<String>::new());
    }
}
