//! Several addresses of one cluster: the next one is tried where one cannot be reached, does not answer, or takes
//! nobody.

use super::broker::{Broker, USUAL};
use super::gateway::Gateway;

const SERVER_BUSY: u8 = 0x89;
const NOT_AUTHORIZED: u8 = 0x87;

async fn start(ports: &[u16]) -> Gateway {
    Gateway::start_at(tempfile::tempdir().unwrap(), ports, &["main"]).await
}

/// A port at which nothing listens.
async fn dead_port() -> u16 {
    Broker::start().await.port()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_listens_at_the_first_address() {
    let broker = Broker::start().await;
    let gateway = start(&[dead_port().await, broker.port()]).await;
    gateway.publish_result("a").await;
    let (packet_id, _) = {
        let mut connection = broker.accept_and_subscribe(USUAL).await;
        let result = connection.next_result().await;
        connection.send_puback(result.0).await;
        gateway.wait_for_depth(0, 0).await;
        result
    };
    assert!(packet_id > 0);
    // The one that worked is tried first again.
    gateway.publish_result("b").await;
    let mut connection = broker.accept_and_subscribe(USUAL).await;
    assert_eq!(connection.next_result().await.1, "b");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_address_takes_nobody_for_now_or_never() {
    for reason in [SERVER_BUSY, NOT_AUTHORIZED] {
        let (first, second) = (Broker::start().await, Broker::start().await);
        let gateway = start(&[first.port(), second.port()]).await;
        first.refuse(reason).await;
        second.accept_and_subscribe(USUAL).await;
        gateway.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_address_lets_us_in_and_never_answers() {
    let (first, second) = (Broker::start().await, Broker::start().await);
    let gateway = start(&[first.port(), second.port()]).await;
    let _silent = first.accept_silently().await;
    second.accept_and_subscribe(USUAL).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_address_works_and_the_problem_names_the_last_one() {
    let (one, other) = (dead_port().await, dead_port().await);
    let gateway = start(&[one, other]).await;
    let problem = gateway.wait_for_problem().await;
    assert!(problem.contains("nothing listens at 127.0.0.1:"), "{problem}");
    gateway.stop().await;
}
