//! How a connection begins and ends: subscriptions, retained states, and what still goes out before a DISCONNECT.

use rumqttc::v5::mqttbytes::v5::{Packet, PublishProperties};

use super::broker::{Broker, NOT_AUTHORIZED, USUAL, message};
use super::gateway::{Gateway, count, ids};
use crate::event::{Availability, State, Subject};

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_of_an_earlier_configuration_is_left_in_the_brokers_session() {
    let broker = Broker::start().await;
    let gateway = Gateway::start_in(tempfile::tempdir().unwrap(), &broker, &["main", "old"]).await;
    let mut connection = broker.accept_and_subscribe(USUAL).await;
    // Once this is published, the first run has subscribed.
    gateway.publish_result("a").await;
    connection.next_result().await;
    drop(connection);
    let folder = gateway.stop().await;

    let gateway = Gateway::start_in(folder, &broker, &["main"]).await;
    let mut connection = broker.accept(USUAL).await;
    for filter in ["sms/send/old", "sms/ussd/old", "sms/restart/old"] {
        match connection.next_packet().await {
            Packet::Unsubscribe(unsubscribe) => assert_eq!(unsubscribe.filters, [filter]),
            other => panic!("{other:?} came, and the old filter stays"),
        }
    }
    let subscribe = connection.next_subscribe().await;
    let filters: Vec<_> = subscribe.filters.iter().map(|filter| filter.path.as_str()).collect();
    assert_eq!(filters[..3], ["sms/send", "sms/send/main", "sms/cancel"]);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_refuses_our_subscriptions() {
    let broker = Broker::start().await;
    let gateway = Gateway::start(&broker).await;
    let mut connection = broker.accept(USUAL).await;
    let subscribe = connection.next_subscribe().await;
    connection.send_suback(&subscribe, NOT_AUTHORIZED).await;
    let problem = gateway.wait_for_problem().await;
    assert!(problem.contains("access rules"), "the problem does not say what to do: {problem}");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_takes_nothing_at_the_moment_of_a_connect() {
    let broker = Broker::start().await;
    let gateway = Gateway::start(&broker).await;
    gateway.break_table("fact");
    broker.accept(USUAL).await.wait_for_disconnect().await;
    assert!(gateway.problem.current().is_some(), "the link reports no problem");
    gateway.repair_table("fact");
    // However many connects fail in the meantime, one with subscriptions follows.
    let first = loop {
        if let Some(packet) = broker.accept(USUAL).await.next_packet_if_any().await {
            break packet;
        }
    };
    assert!(matches!(first, Packet::Subscribe(_)), "{first:?} came, not a SUBSCRIBE");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retained_state_is_published_again_on_each_connection() {
    let broker = Broker::start().await;
    let gateway = Gateway::start(&broker).await;
    gateway.retained.set(State::Availability(Subject::Gateway, Availability::Online));
    for _ in 0..2 {
        let publish = broker.accept_and_subscribe(USUAL).await.next_publish().await;
        assert_eq!(publish.topic, "sms/gateway/gateway/availability");
        assert_eq!(publish.payload, "online");
        assert!(publish.retain, "a state was published without the retain flag");
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn results_and_offline_are_published_before_the_disconnect() {
    let broker = Broker::start().await;
    let gateway = Gateway::start(&broker).await;
    let mut connection = broker.accept_and_subscribe(USUAL).await;
    gateway.publish_results(&ids(40)).await;
    gateway.retained.set(State::Availability(Subject::Gateway, Availability::Offline));
    let published = async {
        let (mut results, mut is_offline) = (0, false);
        while let Some(packet) = connection.next_packet_if_any().await {
            let Packet::Publish(publish) = packet else { panic!("{packet:?} came, not a PUBLISH") };
            match &publish.topic[..] {
                b"sms/result" => results += 1,
                _ => is_offline |= publish.payload == "offline",
            }
            connection.send_puback(publish.pkid).await;
        }
        (results, is_offline)
    };
    let (folder, published) = tokio::join!(gateway.stop(), published);
    assert_eq!(published, (40, true));
    assert_eq!(count(&folder, "outbox"), 0, "acknowledged rows are still in the outbox");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_connack_ends_the_connection_and_mixes_up_no_acknowledgements() {
    let broker = Broker::start().await;
    let gateway = Gateway::start(&broker).await;
    let mut connection = broker.accept_and_subscribe(USUAL).await;
    gateway.publish_result("a").await;
    connection.next_result().await;
    connection.send_connack(USUAL).await;
    let after = connection.next_packet_if_any().await;
    assert!(after.is_none(), "{after:?} came: everything is subscribed and published once more");
    let (_, id) = broker.accept_and_subscribe(USUAL).await.next_result().await;
    assert_eq!(id, "a");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn topic_aliases_we_did_not_allow_end_the_connection_and_take_no_memory() {
    let broker = Broker::start().await;
    let gateway = Gateway::start(&broker).await;
    let mut connection = broker.accept_and_subscribe(USUAL).await;
    let properties = PublishProperties { topic_alias: Some(1), ..PublishProperties::default() };
    let publish = message("sms/gateway/cellar", 1, "{}");
    connection.deliver(rumqttc::v5::mqttbytes::v5::Publish { properties: Some(properties), ..publish }).await;
    let after = connection.next_packet_if_any().await;
    assert!(after.is_none(), "{after:?} came: the client keeps a topic of any length for each alias");
    gateway.stop().await;
}
