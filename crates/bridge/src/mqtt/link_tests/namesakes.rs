//! Another gateway of our name: it ran while requests waited for us, it is there now, or it says that we are offline.

use rumqttc::v5::mqttbytes::v5::Packet;

use super::broker::{Broker, Connack, Connection, USUAL, kept, message, payload, request};
use super::gateway::Gateway;
use crate::event::{Availability, GatewayState, QueueDepth, State, Subject};

const STATE: &str = "sms/gateway/gateway";
const AVAILABILITY: &str = "sms/gateway/gateway/availability";
const THEIRS: &str = r#"{"instance":"smsbridge-other"}"#;
const REQUEST: &str = r#"{"id":"a","to":"+4915112345678","text":"Hello"}"#;
const OTHER_REQUEST: &str = r#"{"id":"b","to":"+4915112345678","text":"Hello"}"#;
const GRANTED: u8 = 1;

/// A gateway that says who it is, and its instance.
async fn start(broker: &Broker) -> (Gateway, String) {
    let gateway = Gateway::start(broker).await;
    let instance = gateway.store.client_id().await.unwrap();
    gateway.retained.set(State::Gateway(GatewayState {
        version: "0",
        instance: instance.clone(),
        started_at: 0,
        modems: Vec::new(),
        queue: QueueDepth::default(),
        problem: None,
    }));
    gateway.retained.set(State::Availability(Subject::Gateway, Availability::Online));
    (gateway, instance)
}

/// A connection on which a request had waited, and the broker tells what it had kept under our name.
async fn with_waiting_request(broker: &Broker, state: Option<&str>) -> Connection {
    let mut connection = broker.accept(USUAL).await;
    connection.deliver(request(1, REQUEST)).await;
    let subscribe = connection.next_subscribe().await;
    connection.send_suback(&subscribe, GRANTED).await;
    if let Some(state) = state {
        connection.deliver(kept(STATE, state)).await;
    }
    connection
}

/// The state and the error code of the next result.
async fn next_outcome(connection: &mut Connection) -> (String, String) {
    let result = payload(&connection.next_on("sms/result").await);
    let code = result["error"]["code"].as_str().unwrap_or_default();
    (result["state"].as_str().unwrap().to_owned(), code.to_owned())
}

fn outcome(state: &str, code: &str) -> (String, String) {
    (state.to_owned(), code.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waited_while_another_gateway_of_our_name_ran_is_rejected_and_what_comes_then_is_not() {
    let broker = Broker::start().await;
    let (gateway, _) = start(&broker).await;
    let mut connection = with_waiting_request(&broker, Some(THEIRS)).await;
    let ours = connection.next_on(STATE).await;
    assert_eq!(next_outcome(&mut connection).await, outcome("rejected", "stale"));
    let problem = gateway.wait_for_problem().await;
    assert!(problem.contains("smsbridge-other"), "{problem}");
    // Our own state comes back behind all that had waited.
    connection.deliver(message(STATE, 2, std::str::from_utf8(&ours.payload).unwrap())).await;
    connection.deliver(request(3, OTHER_REQUEST)).await;
    assert_eq!(next_outcome(&mut connection).await, outcome("accepted", ""));
    assert_eq!(gateway.request_count(), 1);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waited_is_still_anothers_after_a_connection_that_broke() {
    let broker = Broker::start().await;
    let (gateway, instance) = start(&broker).await;
    let mut connection = with_waiting_request(&broker, Some(THEIRS)).await;
    assert_eq!(next_outcome(&mut connection).await, outcome("rejected", "stale"));
    drop(connection);
    // By now the broker keeps our own state, and there is more that had waited.
    let ours = format!(r#"{{"instance":"{instance}"}}"#);
    let mut connection = with_waiting_request(&broker, Some(&ours)).await;
    assert_eq!(next_outcome(&mut connection).await, outcome("rejected", "stale"));
    connection.deliver(message(STATE, 2, &ours)).await;
    connection.deliver(request(3, OTHER_REQUEST)).await;
    assert_eq!(next_outcome(&mut connection).await, outcome("accepted", ""));
    assert_eq!(gateway.store.stale().await.unwrap(), None);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waited_while_nobody_else_ran_is_sent() {
    let broker = Broker::start().await;
    let (gateway, instance) = start(&broker).await;
    let ours = format!(r#"{{"instance":"{instance}"}}"#);
    for (n, state) in [Some(ours.as_str()), Some("nobody"), Some(""), None].into_iter().enumerate() {
        let mut connection = with_waiting_request(&broker, state).await;
        let (state, _) = next_outcome(&mut connection).await;
        assert_eq!(state, "accepted", "case {n}");
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_the_broker_did_not_keep_held_no_requests() {
    let broker = Broker::start().await;
    let (gateway, _) = start(&broker).await;
    let fresh = Connack { session_present: false, ..USUAL };
    let mut connection = broker.accept_and_subscribe(fresh).await;
    connection.deliver(kept(STATE, THEIRS)).await;
    connection.deliver(request(1, REQUEST)).await;
    assert_eq!(next_outcome(&mut connection).await, outcome("accepted", ""));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_waited_is_acknowledged_before_it_is_known_whose_it_is() {
    let broker = Broker::start().await;
    let (gateway, instance) = start(&broker).await;
    let mut connection = with_waiting_request(&broker, None).await;
    // It would be stored by then; it is not before some seconds.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert_eq!(gateway.request_count(), 0);
    connection.deliver(kept(STATE, &format!(r#"{{"instance":"{instance}"}}"#))).await;
    assert_eq!(connection.next_puback().await, 1);
    assert_eq!(gateway.request_count(), 1);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_that_we_are_offline_is_answered_with_everything() {
    let broker = Broker::start().await;
    let (gateway, _) = start(&broker).await;
    let mut connection = broker.accept_and_subscribe(USUAL).await;
    connection.next_on(AVAILABILITY).await;
    connection.deliver(message(AVAILABILITY, 1, "offline")).await;
    assert_eq!(connection.next_puback().await, 1);
    assert_eq!(connection.next_on(AVAILABILITY).await.payload, "online");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namesake_is_answered_with_our_state_and_makes_us_reject_requests() {
    let broker = Broker::start().await;
    let (gateway, instance) = start(&broker).await;
    let mut connection = broker.accept_and_subscribe(USUAL).await;
    let ours = connection.next_on(STATE).await;
    connection.deliver(message(STATE, 9, std::str::from_utf8(&ours.payload).unwrap())).await;
    connection.deliver(message(STATE, 1, "whoever")).await;
    connection.deliver(request(2, OTHER_REQUEST)).await;
    assert_eq!(next_outcome(&mut connection).await, outcome("accepted", ""), "anybody may publish there");
    connection.deliver(message(STATE, 3, THEIRS)).await;
    connection.deliver(request(4, REQUEST)).await;
    assert_eq!(next_outcome(&mut connection).await, outcome("rejected", "no-share"));
    let answer = payload(&connection.next_on(STATE).await);
    assert_eq!(answer["instance"], instance.as_str());
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_without_wildcards_or_retained_messages_is_used_as_it_is_and_said_to_be_so() {
    let broker = Broker::start().await;
    let (gateway, _) = start(&broker).await;
    let mut connection = broker.accept_with(&[0x25, 0, 0x28, 0, 0x2a, 0]).await;
    let subscribe = connection.next_subscribe().await;
    assert!(subscribe.filters.iter().all(|filter| !filter.path.contains('+')), "{subscribe:?}");
    connection.send_suback(&subscribe, GRANTED).await;
    let Packet::Publish(publish) = connection.next_packet().await else { panic!("no state was published") };
    assert!(!publish.retain, "a broker that keeps nothing closes the connection on it");
    let problem = gateway.wait_for_problem().await;
    assert!(problem.contains("retained") && problem.contains("wildcards"), "{problem}");
    assert!(!problem.contains("shared"), "nothing is shared here: {problem}");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_cannot_be_used_is_left_alone() {
    let broker = Broker::start().await;
    let (gateway, _) = start(&broker).await;
    for (properties, words) in [
        (&[0x21, 0, 0][..], "Receive Maximum"),
        (&[0x27, 0, 0, 0, 0][..], "Maximum Packet Size"),
        (&[0x24, 0][..], "QoS"),
    ] {
        let mut connection = broker.accept_with(properties).await;
        assert!(connection.next_packet_if_any().await.is_none(), "{words}");
        let problem = gateway.wait_for_problem().await;
        assert!(problem.contains(words), "{words:?} is not in: {problem}");
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_wants_no_pings_gets_messages() {
    let broker = Broker::start().await;
    let (gateway, _) = start(&broker).await;
    let mut connection = broker.accept_with(&[0x13, 0, 0]).await;
    let subscribe = connection.next_subscribe().await;
    connection.send_suback(&subscribe, GRANTED).await;
    for n in 0..20 {
        gateway.publish_result(&format!("m{n}")).await;
        connection.next_on("sms/result").await;
    }
    gateway.wait_for_depth(0, 0).await;
    gateway.stop().await;
}
