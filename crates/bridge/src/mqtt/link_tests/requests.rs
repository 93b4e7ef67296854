//! What comes in: a request is acknowledged once it is stored, on the connection that delivered it, and never before.

use std::collections::BTreeSet;

use rumqttc::v5::mqttbytes::v5::{Packet, Publish};

use super::broker::{Broker, STEP_TIMEOUT, USUAL, kept, message, payload, redelivered, request};
use super::gateway::Gateway;
use crate::mqtt::options::RECEIVE_MAXIMUM;

const REQUEST: &str = r#"{"to":"+4915112345678","text":"Hello"}"#;
const REQUEST_WITH_ID: &str = r#"{"id":"o-1","to":"+4915112345678","text":"Hello"}"#;

/// Rejected at once, so that it needs no row of `request`.
const NOT_A_REQUEST: &str = "Hello";

#[tokio::test(flavor = "multi_thread")]
async fn a_request_comes_while_the_store_takes_nothing() {
    let broker = Broker::start().await;
    let gateway = Gateway::start(&broker).await;
    let mut connection = broker.accept_and_subscribe(USUAL).await;
    gateway.break_table("request");
    connection.deliver(request(7, REQUEST)).await;
    connection.deliver(request(8, NOT_A_REQUEST)).await;
    assert_eq!(connection.next_puback().await, 8, "a request was acknowledged that is not stored");
    assert_eq!(gateway.request_count(), 0);
    gateway.repair_table("request");
    assert_eq!(connection.next_puback().await, 7);
    assert_eq!(gateway.request_count(), 1);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_requests_as_may_come_wait_for_the_store_and_are_acknowledged_on_one_connection() {
    let broker = Broker::start().await;
    let gateway = Gateway::start(&broker).await;
    let mut connection = broker.accept_and_subscribe(USUAL).await;
    gateway.break_table("request");
    for packet_id in 1..RECEIVE_MAXIMUM {
        connection.deliver(request(packet_id, REQUEST)).await;
    }
    connection.deliver(request(RECEIVE_MAXIMUM, NOT_A_REQUEST)).await;
    assert_eq!(connection.next_puback().await, RECEIVE_MAXIMUM);
    gateway.repair_table("request");
    let mut acknowledged = BTreeSet::new();
    while acknowledged.len() + 1 < RECEIVE_MAXIMUM.into() {
        assert!(acknowledged.insert(connection.next_puback().await), "one acknowledgement was sent twice");
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connection_is_lost_while_a_request_waits_for_the_store() {
    let broker = Broker::start().await;
    let gateway = Gateway::start(&broker).await;
    let mut connection = broker.accept_and_subscribe(USUAL).await;
    gateway.break_table("request");
    connection.deliver(request(7, REQUEST)).await;
    connection.deliver(request(8, NOT_A_REQUEST)).await;
    assert_eq!(connection.next_puback().await, 8);
    drop(connection);
    let mut connection = broker.accept_and_subscribe(USUAL).await;
    gateway.repair_table("request");
    // 9 is the first request on this connection: nothing of the old one may be acknowledged here.
    connection.deliver(request(9, REQUEST_WITH_ID)).await;
    assert_eq!(connection.next_puback().await, 9, "an acknowledgement of the connection before");
    connection.deliver(redelivered(request(7, REQUEST))).await;
    assert_eq!(connection.next_puback().await, 7);
    assert_eq!(gateway.request_count(), 2);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_request_comes_again_because_its_acknowledgement_was_lost() {
    for payload in [REQUEST_WITH_ID, REQUEST] {
        let broker = Broker::start().await;
        let gateway = Gateway::start(&broker).await;
        let mut connection = broker.accept_and_subscribe(USUAL).await;
        connection.deliver(request(3, payload)).await;
        assert_eq!(connection.next_puback().await, 3);
        drop(connection);
        let mut connection = broker.accept_and_subscribe(USUAL).await;
        connection.deliver(redelivered(request(3, payload))).await;
        assert_eq!(connection.next_puback().await, 3);
        assert_eq!(gateway.request_count(), 1, "{payload} was stored twice");
        gateway.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ussd_request_comes_a_second_time() {
    let broker = Broker::start().await;
    let gateway = Gateway::start(&broker).await;
    let mut connection = broker.accept_and_subscribe(USUAL).await;
    let ussd = || message("sms/ussd/main", 4, r#"{"id":"u-1","code":"*100#"}"#);
    connection.deliver(ussd()).await;
    assert_eq!(connection.next_puback().await, 4);
    tokio::time::timeout(STEP_TIMEOUT, gateway.asked.ussd.added()).await.expect("it never reached its modem");
    assert!(gateway.asked.ussd.pop().is_some());
    drop(connection);
    let mut connection = broker.accept_and_subscribe(USUAL).await;
    connection.deliver(redelivered(ussd())).await;
    let reply = loop {
        match connection.next_packet().await {
            Packet::Publish(publish) => break publish,
            Packet::PubAck(ack) => assert_eq!(ack.pkid, 4),
            other => panic!("{other:?} came, not a PUBACK or the reply"),
        }
    };
    assert_eq!(payload(&reply)["state"], "failed");
    assert_eq!(gateway.asked.ussd.pop(), None, "a USSD request was carried out twice");
    connection.send_puback(reply.pkid).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_gateway_takes_the_same_requests() {
    let broker = Broker::start().await;
    let gateway = Gateway::start(&broker).await;
    let mut connection = broker.accept_and_subscribe(USUAL).await;
    let availability = |packet_id, payload| message("sms/gateway/cellar/availability", packet_id, payload);
    connection.deliver(kept("sms/gateway/cellar", r#"{"instance":"smsbridge-other"}"#)).await;
    connection.deliver(Publish { retain: true, ..availability(1, "online") }).await;
    assert_eq!(connection.next_puback().await, 1);
    let problem = gateway.wait_for_problem().await;
    assert!(problem.contains("cellar"), "the problem does not name the other gateway: {problem}");
    connection.deliver(request(2, REQUEST)).await;
    assert_eq!(connection.next_puback().await, 2);
    assert_eq!(gateway.request_count(), 0, "both gateways would send it");
    connection.deliver(message("sms/send/main", 3, REQUEST)).await;
    assert_eq!(connection.next_puback().await, 3);
    assert_eq!(gateway.request_count(), 1, "a request for our own modem was rejected");
    connection.deliver(availability(4, "offline")).await;
    assert_eq!(connection.next_puback().await, 4);
    connection.deliver(request(5, REQUEST)).await;
    assert_eq!(connection.next_puback().await, 5);
    assert_eq!(gateway.request_count(), 2, "the other gateway is gone, and requests are still rejected");
    assert_eq!(gateway.problem.current(), None);
    gateway.stop().await;
}
