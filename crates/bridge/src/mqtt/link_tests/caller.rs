//! A caller whose broker lets it read only some of the topics results come on, or goes away.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rumqttc::v5::mqttbytes::v5::{Publish, PublishProperties};
use tokio::task::JoinHandle;

use super::super::call::{Call, Heard};
use super::super::caller::{Caller, CallerError};
use super::broker::{Broker, Connection, NOT_AUTHORIZED, STEP_TIMEOUT, USUAL, message};

const GRANTED: u8 = 1;
const NO_MATCHING_SUBSCRIBERS: u8 = 0x10;
const RESPONSE: &str = "answers/alarm/7";

/// A call in progress, and what it heard.
struct Calling {
    task: JoinHandle<Result<(), CallerError>>,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Calling {
    /// Ends with the first result that says "last".
    fn start(broker: &Broker, response_topic: Option<&str>, limit: Duration) -> Calling {
        let text = format!("[mqtt]\nurl = \"mqtt://127.0.0.1:{}\"", broker.port());
        let caller = Caller::new(&crate::config::parse("test", &text).unwrap().mqtt).unwrap();
        let call = Call {
            topic: "sms/send".to_owned(),
            payload: "{}".to_owned(),
            response_topic: response_topic.map(str::to_owned),
            correlation: "ours".to_owned(),
            results: "sms/result".to_owned(),
        };
        let heard = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&heard);
        let task = tokio::spawn(async move {
            let on_heard = |heard: Heard<'_>| {
                let words = match heard {
                    Heard::Result(payload) => String::from_utf8_lossy(payload).into_owned(),
                    other => format!("{other:?}"),
                };
                let is_last = words == "last";
                list.lock().unwrap().push(words);
                is_last
            };
            caller.call(&call, limit, on_heard).await
        });
        Calling { task, heard }
    }

    /// How it ended, and what it heard until then.
    async fn end(self) -> (Result<(), CallerError>, Vec<String>) {
        let ended =
            tokio::time::timeout(STEP_TIMEOUT, self.task).await.expect("the call does not end").unwrap();
        let heard = self.heard.lock().unwrap().clone();
        (ended, heard)
    }
}

fn response(packet_id: u16, correlation: Option<&str>, payload: &str) -> Publish {
    let correlation_data = correlation.map(|data| data.to_owned().into());
    let properties = Some(PublishProperties { correlation_data, ..PublishProperties::default() });
    Publish { properties, ..message(RESPONSE, packet_id, payload) }
}

/// Takes the request, after which the caller waits for results.
async fn take_request(connection: &mut Connection) -> Publish {
    let request = connection.next_publish().await;
    assert_eq!(request.topic, "sms/send");
    connection.send_puback(request.pkid).await;
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn results_come_on_the_response_topic_and_only_those_with_its_correlation_data() {
    let broker = Broker::start().await;
    let calling = Calling::start(&broker, Some(RESPONSE), STEP_TIMEOUT);
    let mut connection = broker.accept(USUAL).await;
    let subscribe = connection.next_subscribe().await;
    let filters: Vec<_> = subscribe.filters.iter().map(|filter| filter.path.as_str()).collect();
    assert_eq!(filters, [RESPONSE, "sms/result"]);
    connection.send_suback(&subscribe, GRANTED).await;
    let properties = take_request(&mut connection).await.properties.expect("properties");
    assert_eq!(properties.response_topic.as_deref(), Some(RESPONSE));
    for (id, correlation) in [(1, None), (2, Some("another's"))] {
        connection.deliver(response(id, correlation, "last")).await;
    }
    connection.deliver(message("sms/other", 3, "last")).await;
    connection.deliver(response(4, Some("ours"), "accepted")).await;
    connection.deliver(message("sms/result", 5, "last")).await;
    connection.wait_for_disconnect().await;
    let (ended, heard) = calling.end().await;
    ended.unwrap();
    assert_eq!(heard, ["Published", "accepted", "last"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_topic_that_may_not_be_read_is_said_and_done_without() {
    let broker = Broker::start().await;
    let calling = Calling::start(&broker, Some(RESPONSE), STEP_TIMEOUT);
    let mut connection = broker.accept(USUAL).await;
    let subscribe = connection.next_subscribe().await;
    connection.send_suback_with(&subscribe, &[NOT_AUTHORIZED, GRANTED]).await;
    take_request(&mut connection).await;
    connection.deliver(message("sms/result", 1, "last")).await;
    connection.wait_for_disconnect().await;
    let (ended, heard) = calling.end().await;
    ended.unwrap();
    assert_eq!(heard, ["NoResponseTopic", "Published", "last"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_closes_the_connection_on_the_topic_of_all_results_is_asked_for_the_response_topic_alone()
 {
    let broker = Broker::start().await;
    let calling = Calling::start(&broker, Some(RESPONSE), STEP_TIMEOUT);
    let mut connection = broker.accept(USUAL).await;
    connection.next_subscribe().await;
    drop(connection);
    let mut connection = broker.accept(USUAL).await;
    let subscribe = connection.next_subscribe().await;
    assert_eq!(subscribe.filters.len(), 1);
    connection.send_suback(&subscribe, GRANTED).await;
    take_request(&mut connection).await;
    connection.deliver(response(1, Some("ours"), "last")).await;
    connection.wait_for_disconnect().await;
    let (ended, heard) = calling.end().await;
    ended.unwrap();
    assert_eq!(heard, ["Published", "last"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_result_may_be_read_nothing_is_sent() {
    for response_topic in [Some(RESPONSE), None] {
        let broker = Broker::start().await;
        let calling = Calling::start(&broker, response_topic, STEP_TIMEOUT);
        let mut connection = broker.accept(USUAL).await;
        let subscribe = connection.next_subscribe().await;
        connection.send_suback(&subscribe, NOT_AUTHORIZED).await;
        let (ended, heard) = calling.end().await;
        assert!(
            matches!(&ended, Err(CallerError::Broker(words)) if words.contains("sms/result")),
            "{ended:?}"
        );
        assert!(connection.next_packet_if_any().await.is_none(), "it sent something");
        assert_eq!(heard, Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_refused_says_why_in_words() {
    for (reason, words) in [
        (NOT_AUTHORIZED, "does not let this user publish to sms/send"),
        (NO_MATCHING_SUBSCRIBERS, "is a gateway running"),
        (0x97, "quota exceeded"),
    ] {
        let broker = Broker::start().await;
        let calling = Calling::start(&broker, Some(RESPONSE), STEP_TIMEOUT);
        let mut connection = broker.accept(USUAL).await;
        let subscribe = connection.next_subscribe().await;
        connection.send_suback(&subscribe, GRANTED).await;
        let request = connection.next_publish().await;
        connection.send_puback_with_reason(request.pkid, reason).await;
        let (ended, _) = calling.end().await;
        let error = ended.expect_err("it is refused");
        assert!(matches!(&error, CallerError::Broker(said) if said.contains(words)), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_out_is_unanswered_when_the_connection_ends_or_the_time_is_over() {
    for (closes, words) in [(true, "closed the connection"), (false, "no last result within 1 s")] {
        let broker = Broker::start().await;
        let limit = if closes { STEP_TIMEOUT } else { Duration::from_secs(1) };
        let calling = Calling::start(&broker, Some(RESPONSE), limit);
        let mut connection = broker.accept(USUAL).await;
        let subscribe = connection.next_subscribe().await;
        connection.send_suback(&subscribe, GRANTED).await;
        // Time begins with the call: on a busy machine it may be over before the request is read here.
        let held = if closes {
            take_request(&mut connection).await;
            drop(connection);
            None
        } else {
            Some(connection)
        };
        let (ended, _) = calling.end().await;
        let error = ended.expect_err("there was no result");
        assert!(matches!(&error, CallerError::Unanswered(said) if said.contains(words)), "{error}");
        drop(held);
    }
}
