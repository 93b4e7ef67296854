//! What the broker does not take: a row it refuses, or on which it closes the connection, is parked, and none holds up
//! the others.

use std::collections::BTreeSet;
use std::time::Duration;

use rumqttc::v5::mqttbytes::v5::{Packet, Publish};
use serde_json::Value;

use super::broker::{
    Broker, Connack, NOT_AUTHORIZED, PACKET_TOO_LARGE, QUOTA_EXCEEDED, STEP_TIMEOUT, USUAL, payload,
};
use super::gateway::{Gateway, publish_result};
use crate::clock::now_ms;
use crate::event::{Availability, ModemState, State, Subject};
use crate::request::ReplyTo;

const SMALL_PACKETS: Connack = Connack { max_packet: Some(1000), ..USUAL };

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_does_not_allow_one_message() {
    let broker = Broker::start().await;
    let gateway = Gateway::start(&broker).await;
    gateway.publish_results(&["a", "b"]).await;
    let mut connection = broker.accept_and_subscribe(USUAL).await;
    let (a, _) = connection.next_result().await;
    let (b, _) = connection.next_result().await;
    connection.send_puback_with_reason(a, NOT_AUTHORIZED).await;
    connection.send_puback(b).await;
    gateway.wait_for_depth(0, 1).await;
    drop(connection);
    let mut connection = broker.accept_and_subscribe(USUAL).await;
    gateway.publish_result("c").await;
    let (c, id) = connection.next_result().await;
    assert_eq!(id, "c", "a parked message was published again");
    connection.send_puback(c).await;
    gateway.wait_for_depth(0, 1).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_brokers_quota_is_used_up() {
    let broker = Broker::start().await;
    let gateway = Gateway::start(&broker).await;
    gateway.publish_result("a").await;
    let mut connection = broker.accept_and_subscribe(USUAL).await;
    let (a, _) = connection.next_result().await;
    connection.send_puback_with_reason(a, QUOTA_EXCEEDED).await;
    connection.wait_for_disconnect().await;
    let problem = gateway.problem.current().unwrap_or_default();
    assert!(problem.contains("quota"), "the problem does not name the cause: {problem}");
    let mut connection = broker.accept_and_subscribe(USUAL).await;
    let (again, id) = connection.next_result().await;
    assert_eq!(id, "a", "it was not published again");
    connection.send_puback(again).await;
    gateway.wait_for_depth(0, 0).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_refused_for_a_reason_the_client_cannot_read() {
    // As mosquitto does over its `message_size_limit`, which no CONNACK tells.
    let broker = Broker::start().await;
    let gateway = Gateway::start(&broker).await;
    gateway.publish_results(&["a", "b", "poison", "c"]).await;
    let mut taken = BTreeSet::new();
    let script = async {
        loop {
            let mut connection = broker.accept_and_subscribe(USUAL).await;
            while let Some(packet) = connection.next_packet_if_any().await {
                let Packet::Publish(publish) = packet else { panic!("{packet:?} came, not a PUBLISH") };
                match payload(&publish)["id"].as_str().unwrap() {
                    "poison" => connection.send_puback_with_reason(publish.pkid, PACKET_TOO_LARGE).await,
                    id => {
                        taken.insert(id.to_owned());
                        connection.send_puback(publish.pkid).await;
                    }
                }
            }
        }
    };
    tokio::select! {
        () = script => {}
        () = gateway.wait_for_depth(0, 1) => {}
    }
    assert_eq!(taken.iter().map(String::as_str).collect::<String>(), "abc");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_refusal_several_messages_are_in_flight_again() {
    let broker = Broker::start().await;
    let gateway = Gateway::start(&broker).await;
    gateway.publish_results(&["poison", "a", "b", "c"]).await;
    let mut connection = broker.accept_and_subscribe(USUAL).await;
    let (poison, _) = connection.next_result().await;
    for _ in ["a", "b", "c"] {
        connection.next_result().await;
    }
    connection.send_puback_with_reason(poison, PACKET_TOO_LARGE).await;
    let mut connection = broker.accept_and_subscribe(USUAL).await;
    let (poison, id) = connection.next_result().await;
    assert_eq!(id, "poison", "it was given up before it was known which one the broker refuses");
    connection.send_puback_with_reason(poison, PACKET_TOO_LARGE).await;
    let mut connection = broker.accept_and_subscribe(USUAL).await;
    let (a, id) = connection.next_result().await;
    assert_eq!(id, "a", "the refused message was not parked");
    connection.send_puback(a).await;
    for _ in ["b", "c"] {
        let (packet_id, _) = connection.next_result().await;
        connection.send_puback(packet_id).await;
    }
    gateway.publish_results(&["d", "e"]).await;
    // Neither is acknowledged before both have come.
    let (d, _) = connection.next_result().await;
    let (e, _) = connection.next_result().await;
    connection.send_puback(d).await;
    connection.send_puback(e).await;
    gateway.wait_for_depth(0, 1).await;
    gateway.stop().await;
}

/// Takes everything but what `is_poison` says, on which it closes the connection, until so much is to be published and
/// parked; returns how often it did, and the topics of what it took.
async fn take_all_but(
    broker: &Broker,
    gateway: &Gateway,
    is_poison: impl Fn(&Publish) -> bool,
    (publish, parked): (u32, u32),
) -> (u32, Vec<String>) {
    take_until(broker, is_poison, gateway.wait_for_depth(publish, parked)).await
}

/// The same, until `end`.
async fn take_until(
    broker: &Broker,
    is_poison: impl Fn(&Publish) -> bool,
    end: impl Future<Output = ()>,
) -> (u32, Vec<String>) {
    let (mut breaks, mut taken) = (0, Vec::new());
    let script = async {
        loop {
            let mut connection = broker.accept_and_subscribe(USUAL).await;
            while let Some(packet) = connection.next_packet_if_any().await {
                let publish = match packet {
                    Packet::Publish(publish) => publish,
                    Packet::PubAck(_) => continue,
                    other => panic!("{other:?} came, not a PUBLISH"),
                };
                if is_poison(&publish) {
                    breaks += 1;
                    break;
                }
                connection.send_puback(publish.pkid).await;
                taken.push(String::from_utf8_lossy(&publish.topic).into_owned());
            }
        }
    };
    tokio::select! {
        () = script => {}
        () = end => {}
    }
    (breaks, taken)
}

fn id_is(publish: &Publish, id: &str) -> bool {
    serde_json::from_slice::<Value>(&publish.payload).is_ok_and(|payload| payload["id"] == id)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_closes_the_connection_on_one_message() {
    let broker = Broker::start().await;
    let gateway = Gateway::start(&broker).await;
    gateway.retained.set(State::Availability(Subject::Gateway, Availability::Online));
    gateway.publish_results(&["a", "poison", "b"]).await;
    let (breaks, _) = take_all_but(&broker, &gateway, |publish| id_is(publish, "poison"), (0, 1)).await;
    assert_eq!(breaks, 4, "one with others, and three alone");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_closes_the_connection_on_one_message_while_others_come_without_end() {
    let broker = Broker::start().await;
    let gateway = Gateway::start(&broker).await;
    gateway.publish_results(&["a", "poison", "b"]).await;
    let load = async {
        for n in 0.. {
            publish_result(&gateway.store, &format!("m{n}"), "x").await;
            tokio::time::sleep(Duration::from_millis(20)).await;
            // No faster than a busy machine takes them: what broke a connection goes after all others.
            while gateway.store.depth().await.unwrap().publish > 3 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    };
    let parked = async {
        while gateway.store.depth().await.unwrap().parked == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let taking = take_until(&broker, |publish| id_is(publish, "poison"), parked);
    let is_parked = tokio::select! {
        _ = taking => true,
        () = load => false,
        // Each break costs a wait, and a busy machine more.
        () = tokio::time::sleep(STEP_TIMEOUT * 5) => false,
    };
    assert!(is_parked, "it breaks connections for ever");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_closes_the_connection_on_a_response_topic() {
    let broker = Broker::start().await;
    let gateway = Gateway::start(&broker).await;
    let reply_to = ReplyTo { topic: "answers/app".to_owned(), correlation: None };
    gateway.admit_with_response("order", reply_to).await;
    gateway.publish_results(&["a", "b"]).await;
    let is_answer = |publish: &Publish| publish.topic.starts_with(b"answers/");
    let (breaks, taken) = take_all_but(&broker, &gateway, is_answer, (0, 0)).await;
    assert_eq!(breaks, 3, "one with others, and two alone");
    assert!(taken.len() >= 3, "{taken:?}");
    gateway.store.cancel("order".to_owned(), now_ms()).await.unwrap();
    assert_eq!(gateway.store.depth().await.unwrap().publish, 1, "its caller is answered there again");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_may_not_be_answered_where_it_wants() {
    let broker = Broker::start().await;
    let gateway = Gateway::start(&broker).await;
    let reply_to = ReplyTo { topic: "answers/app".to_owned(), correlation: None };
    gateway.admit_with_response("order", reply_to).await;
    let mut connection = broker.accept_and_subscribe(USUAL).await;
    for _ in ["sms/result", "answers/app"] {
        let publish = connection.next_publish().await;
        if publish.topic.starts_with(b"answers/") {
            connection.send_puback_with_reason(publish.pkid, NOT_AUTHORIZED).await;
        } else {
            connection.send_puback(publish.pkid).await;
        }
    }
    gateway.wait_for_depth(0, 0).await;
    assert_eq!(gateway.problem.current(), None, "it is no fault of ours");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_closes_the_connection_on_the_state_of_a_modem() {
    let broker = Broker::start().await;
    let gateway = Gateway::start(&broker).await;
    gateway.retained.set(State::Availability(Subject::Gateway, Availability::Online));
    gateway.retained.set(State::Modem(Box::new(ModemState::new("main".parse().unwrap()))));
    gateway.publish_results(&["a", "b"]).await;
    let is_state = |publish: &Publish| publish.topic[..] == *b"sms/modem/main";
    let (breaks, _) = take_all_but(&broker, &gateway, is_state, (0, 0)).await;
    assert!(breaks <= 4, "{breaks} connections broke before everything else was published");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_does_not_allow_the_state_of_a_modem() {
    let broker = Broker::start().await;
    let gateway = Gateway::start(&broker).await;
    gateway.retained.set(State::Modem(Box::new(ModemState::new("main".parse().unwrap()))));
    let mut connection = broker.accept_and_subscribe(USUAL).await;
    let state = connection.next_publish().await;
    connection.send_puback_with_reason(state.pkid, NOT_AUTHORIZED).await;
    let problem = gateway.wait_for_problem().await;
    assert!(problem.contains("sms/modem/main") && problem.contains("not authorized"), "{problem}");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_message_is_offered_at_the_next_start() {
    let broker = Broker::start().await;
    let gateway = Gateway::start(&broker).await;
    gateway.publish_results(&["a", "b"]).await;
    let mut connection = broker.accept_and_subscribe(USUAL).await;
    let (a, _) = connection.next_result().await;
    let (b, _) = connection.next_result().await;
    connection.send_puback_with_reason(a, NOT_AUTHORIZED).await;
    connection.send_puback(b).await;
    gateway.wait_for_depth(0, 1).await;
    drop(connection);
    let folder = gateway.stop().await;
    let gateway = Gateway::start_in(folder, &broker, &["main"]).await;
    gateway.store.offer_parked().await.unwrap();
    let mut connection = broker.accept_and_subscribe(USUAL).await;
    let (a, id) = connection.next_result().await;
    assert_eq!(id, "a");
    connection.send_puback(a).await;
    gateway.wait_for_depth(0, 0).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_larger_than_the_broker_takes() {
    let broker = Broker::start().await;
    let gateway = Gateway::start(&broker).await;
    gateway.publish_result("small").await;
    gateway.publish_result_with_payload("large", &"x".repeat(2000)).await;
    gateway.publish_result("next").await;
    let mut connection = broker.accept_and_subscribe(SMALL_PACKETS).await;
    for expected in ["small", "next"] {
        let (packet_id, id) = connection.next_result().await;
        assert_eq!(id, expected);
        connection.send_puback(packet_id).await;
    }
    gateway.wait_for_depth(0, 1).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_of_a_modem_is_larger_than_the_broker_takes() {
    let broker = Broker::start().await;
    let gateway = Gateway::start(&broker).await;
    let state = ModemState { problem: Some("x".repeat(2000)), ..ModemState::new("main".parse().unwrap()) };
    gateway.retained.set(State::Modem(Box::new(state)));
    gateway.publish_result("a").await;
    let mut connection = broker.accept_and_subscribe(SMALL_PACKETS).await;
    let (a, _) = connection.next_result().await;
    connection.send_puback(a).await;
    gateway.wait_for_depth(0, 0).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_message_cannot_be_read() {
    let broker = Broker::start().await;
    let gateway = Gateway::start(&broker).await;
    gateway.publish_result("damaged").await;
    gateway.execute("UPDATE outbox SET event = 'x'");
    gateway.publish_result("next").await;
    let mut connection = broker.accept_and_subscribe(USUAL).await;
    let (packet_id, id) = connection.next_result().await;
    assert_eq!(id, "next");
    connection.send_puback(packet_id).await;
    gateway.wait_for_depth(0, 1).await;
    gateway.stop().await;
}
