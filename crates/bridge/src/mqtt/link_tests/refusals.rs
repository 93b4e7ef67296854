//! What the broker does not take: a row it refuses is parked, one on which it closes the connection is published last,
//! and none holds up the others.

use std::collections::BTreeSet;

use rumqttc::v5::mqttbytes::v5::Packet;

use super::broker::{Broker, Connack, NOT_AUTHORIZED, PACKET_TOO_LARGE, QUOTA_EXCEEDED, USUAL, payload};
use super::gateway::Gateway;
use crate::event::{ModemState, State};

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
    // Neither is acknowledged before both have come.
    let (b, _) = connection.next_result().await;
    let (c, _) = connection.next_result().await;
    connection.send_puback(b).await;
    connection.send_puback(c).await;
    gateway.wait_for_depth(0, 1).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_closes_the_connection_on_one_message() {
    let broker = Broker::start().await;
    let gateway = Gateway::start(&broker).await;
    gateway.publish_results(&["poison", "a", "b"]).await;
    let mut breaks = 0;
    let (mut connection, a) = loop {
        let mut connection = broker.accept_and_subscribe(USUAL).await;
        let (packet_id, id) = connection.next_result().await;
        if id != "poison" {
            assert_eq!(id, "a");
            break (connection, packet_id);
        }
        breaks += 1;
        assert!(breaks <= 5, "it still holds up the others");
    };
    assert_eq!(breaks, 5, "it was published last too soon");
    let (b, id) = connection.next_result().await;
    assert_eq!(id, "b");
    connection.send_puback(a).await;
    connection.send_puback(b).await;
    let (poison, id) = connection.next_result().await;
    assert_eq!(id, "poison", "it was given up");
    connection.send_puback(poison).await;
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
