//! What goes out: each row of the outbox is published until it is acknowledged, and no longer.

use std::collections::BTreeSet;

use super::broker::{Broker, Connack, USUAL, request};
use super::gateway::{Gateway, ids};

#[tokio::test(flavor = "multi_thread")]
async fn acknowledgements_come_out_of_order() {
    let broker = Broker::start().await;
    let gateway = Gateway::start(&broker).await;
    gateway.publish_results(&["a", "b", "c"]).await;
    let mut connection = broker.accept_and_subscribe(USUAL).await;
    let (a, _) = connection.next_result().await;
    let (b, _) = connection.next_result().await;
    let (c, _) = connection.next_result().await;
    connection.send_puback(c).await;
    connection.send_puback(a).await;
    gateway.wait_for_depth(1, 0).await;
    drop(connection);
    let mut connection = broker.accept_and_subscribe(USUAL).await;
    let (packet_id, id) = connection.next_result().await;
    assert_eq!(id, "b", "not the one published again whose packet id {b} was not acknowledged");
    connection.send_puback(packet_id).await;
    gateway.wait_for_depth(0, 0).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement_is_lost_with_its_connection() {
    let broker = Broker::start().await;
    let gateway = Gateway::start(&broker).await;
    gateway.publish_result("a").await;
    let first = broker.accept_and_subscribe(USUAL).await.next_publish().await;
    let mut connection = broker.accept_and_subscribe(USUAL).await;
    let second = connection.next_publish().await;
    assert_eq!(first.payload, second.payload, "a repetition differs: no consumer can tell that it is one");
    connection.send_puback(second.pkid).await;
    gateway.wait_for_depth(0, 0).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_forgot_the_session_with_a_full_window_in_flight() {
    let broker = Broker::start().await;
    let gateway = Gateway::start(&broker).await;
    let ids = ids(40);
    gateway.publish_results(&ids).await;
    let mut connection = broker.accept_and_subscribe(USUAL).await;
    for _ in 0..10 {
        connection.next_result().await;
    }
    drop(connection);
    let mut connection = broker.accept_and_subscribe(Connack { session_present: false, ..USUAL }).await;
    for expected in &ids {
        let (packet_id, id) = connection.next_result().await;
        assert_eq!(&id, expected, "out of order, lost or doubled");
        connection.send_puback(packet_id).await;
    }
    gateway.wait_for_depth(0, 0).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_acknowledgement_lags_behind_all_the_others() {
    let broker = Broker::start().await;
    let gateway = Gateway::start(&broker).await;
    gateway.publish_results(&ids(60)).await;
    let mut connection = broker.accept_and_subscribe(Connack { receive_maximum: 200, ..USUAL }).await;
    let (lagging, first) = connection.next_result().await;
    let mut published = BTreeSet::from([first]);
    for _ in 1..60 {
        let (packet_id, id) = connection.next_result().await;
        assert!(published.insert(id), "a result was published twice");
        assert_ne!(packet_id, lagging, "a packet id still in use was used again");
        connection.send_puback(packet_id).await;
    }
    gateway.wait_for_depth(1, 0).await;
    connection.send_puback(lagging).await;
    gateway.wait_for_depth(0, 0).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_comes_back_with_a_smaller_receive_maximum() {
    let broker = Broker::start().await;
    let gateway = Gateway::start(&broker).await;
    let ids = ids(60);
    let mut connection = broker.accept_and_subscribe(Connack { receive_maximum: 90, ..USUAL }).await;
    for id in &ids[..30] {
        gateway.publish_result(id).await;
        let (packet_id, _) = connection.next_result().await;
        connection.send_puback(packet_id).await;
    }
    gateway.wait_for_depth(0, 0).await;
    drop(connection);
    let mut connection = broker.accept_and_subscribe(Connack { receive_maximum: 10, ..USUAL }).await;
    // Packet ids counted on from the connection before would run past what this one allows.
    for expected in ids.iter().chain(&ids) {
        gateway.publish_result(expected).await;
        let (packet_id, id) = connection.next_result().await;
        assert_eq!(&id, expected);
        connection.send_puback(packet_id).await;
    }
    gateway.wait_for_depth(0, 0).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_cannot_delete_what_was_acknowledged() {
    let broker = Broker::start().await;
    let gateway = Gateway::start(&broker).await;
    let mut connection = broker.accept_and_subscribe(USUAL).await;
    gateway.publish_result("a").await;
    let (a, _) = connection.next_result().await;
    gateway.break_table("outbox");
    connection.send_puback(a).await;
    // This comes after the PUBACK and has to wait: once the link says so, it has read the PUBACK too.
    connection.deliver(request(1, "Hello")).await;
    gateway.wait_for_problem().await;
    gateway.repair_table("outbox");
    connection.next_puback().await;
    drop(connection);
    let mut connection = broker.accept_and_subscribe(USUAL).await;
    gateway.publish_result("b").await;
    loop {
        let (packet_id, id) = connection.next_result().await;
        assert_ne!(id, "a", "a message the broker has was published again");
        connection.send_puback(packet_id).await;
        if id == "b" {
            break;
        }
    }
    gateway.stop().await;
}
