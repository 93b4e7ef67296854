//! Which of a cluster's addresses is tried next. Pure.

use super::options::Server;

/// The addresses of one cluster, in turn.
pub(super) struct Servers {
    /// At least one.
    all: Vec<Server>,
    present: usize,
    /// Attempts in a row that failed.
    failed: usize,
}

impl Servers {
    /// Begins with the first.
    pub(super) fn new(all: Vec<Server>) -> Self {
        Servers { all, present: 0, failed: 0 }
    }

    /// The one that is tried or connected to.
    pub(super) fn present(&self) -> &Server {
        &self.all[self.present]
    }

    /// It lets us in and answers: it is kept, and tried first when the connection is lost.
    pub(super) fn works(&mut self) {
        self.failed = 0;
    }

    /// It could not be reached, did not let us in, or did not answer then: the next one. True where one is left that
    /// was not tried since.
    pub(super) fn next(&mut self) -> bool {
        self.present = (self.present + 1) % self.all.len();
        self.failed += 1;
        !self.failed.is_multiple_of(self.all.len())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rumqttc::v5::MqttOptions;

    use super::*;

    #[test]
    fn each_is_tried_once_before_a_pause_and_the_one_that_works_is_kept() {
        let server = |host: &str| Server {
            address: Arc::from(host),
            login_place: "",
            options: MqttOptions::new("x", host, 1),
        };
        let mut servers = Servers::new(["a", "b", "c"].map(server).into());
        let mut tried = Vec::new();
        for _ in 0..5 {
            let address = servers.present().address.to_string();
            tried.push((address, servers.next()));
        }
        let expected = [("a", true), ("b", true), ("c", false), ("a", true), ("b", true)];
        assert_eq!(tried, expected.map(|(host, is_left)| (host.to_owned(), is_left)));
        servers.works();
        assert_eq!(&*servers.present().address, "c");
        assert!(
            servers.next() && servers.next() && !servers.next(),
            "a round begins anew after a connection"
        );
        assert_eq!(&*servers.present().address, "c");
        let mut one = Servers::new(vec![server("a")]);
        assert!(!one.next() && !one.next());
    }
}
