//! Takes meter readings by SMS: receives them from smsbridge over MQTT, stores them, answers by SMS.
//!
//! Loses nothing and answers once, killed at any instant: a message is acknowledged to the broker after the commit that
//! stores it, and its answer is stored in the same transaction and published until the gateway accepts it. So there is
//! no shutdown to get right, and one way out of any fault: drop both connections and start over. The broker then
//! delivers again what was not acknowledged, and the database knows by its id what it has.

mod readings;
mod store;

use std::convert::Infallible;
use std::env::var;
use std::time::Duration;

use anyhow::{Context as _, bail};
use rumqttc::Transport;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Filter, Packet, Publish, SubscribeReasonCode};
use rumqttc::v5::{AsyncClient, Event, EventLoop, MqttOptions};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::readings::read_message;
use crate::store::{REPLY, Store};

const START_OVER_S: u64 = 3;
const SESSION_EXPIRY_S: u32 = 7 * 24 * 3600;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let (prefix, file) =
        (setting("SMS_PREFIX", "sms"), var("DATABASE_FILE").context("DATABASE_FILE has to name a file")?);
    let options = mqtt_options()?;
    loop {
        let Err(error) = serve(&prefix, &file, options.clone()).await;
        eprintln!("starting over in {START_OVER_S} s: {error}");
        sleep(Duration::from_secs(START_OVER_S)).await;
    }
}

/// One life of both connections. Ends with the error of one of them.
async fn serve(prefix: &str, file: &str, options: MqttOptions) -> anyhow::Result<Infallible> {
    let store = Store::open(file)?;
    // A new client for each connection: it must not send acknowledgements of the one before, and what that had in
    // flight is in the outbox.
    let (client, event_loop) = AsyncClient::new(options, 100);
    let due = Notify::new();
    tokio::select! {
        ended = receive(prefix, &client, event_loop, &store, &due) => ended,
        ended = publish(prefix, &client, &store, &due) => ended,
    }
}

async fn receive(
    prefix: &str,
    client: &AsyncClient,
    mut event_loop: EventLoop,
    store: &Store,
    due: &Notify,
) -> anyhow::Result<Infallible> {
    loop {
        match event_loop.poll().await? {
            Event::Incoming(Packet::ConnAck(ack)) => {
                eprintln!("connected, session {}", if ack.session_present { "resumed" } else { "new" });
                let topics = [format!("{prefix}/received/+"), format!("{prefix}/result")];
                client.try_subscribe_many(topics.map(|topic| Filter::new(topic, QoS::AtLeastOnce)))?;
                due.notify_one();
            }
            Event::Incoming(Packet::SubAck(ack)) => {
                let is_granted = |code: &_| matches!(code, SubscribeReasonCode::Success(_));
                if !ack.return_codes.iter().all(is_granted) {
                    bail!("the broker refuses: may this user read {prefix}/received/+ and {prefix}/result?");
                }
                eprintln!("subscribed");
            }
            Event::Incoming(Packet::Publish(publish)) => {
                // An error ends the connection before the acknowledgement: then the broker delivers again.
                take(prefix, store, &publish)?;
                client.try_ack(&publish)?;
                due.notify_one();
            }
            _ => {}
        }
    }
}

fn take(prefix: &str, store: &Store, publish: &Publish) -> rusqlite::Result<()> {
    if publish.topic == format!("{prefix}/result") {
        return take_result(store, &publish.payload);
    }
    match read_message(&publish.payload) {
        Ok(Some(message)) => eprintln!("message {}: {}", message.id, store.take(&message)?),
        Ok(None) => {}
        // It will never be readable: acknowledged, or it would come again for ever.
        Err(error) => eprintln!("dropped: not a received message: line {}", error.line()),
    }
    Ok(())
}

/// The gateway publishes every step of every request; ours are known by their ids.
fn take_result(store: &Store, payload: &[u8]) -> rusqlite::Result<()> {
    let result: Value = serde_json::from_slice(payload).unwrap_or_default();
    let (Some(id), Some(state)) = (result["id"].as_str(), result["state"].as_str()) else {
        return Ok(());
    };
    if !id.starts_with(REPLY) {
        return Ok(());
    }
    // With `conflict` the id is another request's: there is no use in repeating ours.
    let done = result["final"] == true || result["conflict"] == true;
    store.settle(id, state, done)?;
    if done && !matches!(state, "sent" | "delivered") {
        eprintln!("reply {id}: {state} {}", result["error"]["code"].as_str().unwrap_or_default());
    }
    Ok(())
}

/// Publishes what is due: at once after a message, and every second, for there are some to repeat.
async fn publish(
    prefix: &str,
    client: &AsyncClient,
    store: &Store,
    due: &Notify,
) -> anyhow::Result<Infallible> {
    // The first time after the connection is there.
    due.notified().await;
    loop {
        for reply in store.due()? {
            if reply.tries > 1 {
                eprintln!("reply {} is not accepted yet: try {}", reply.id, reply.tries);
            }
            let request = json!({"id": reply.id, "to": reply.to, "modem": reply.modem, "text": reply.text});
            client.publish(format!("{prefix}/send"), QoS::AtLeastOnce, false, request.to_string()).await?;
        }
        // Woken or not, it looks.
        let _ = timeout(Duration::from_secs(1), due.notified()).await;
    }
}

fn mqtt_options() -> anyhow::Result<MqttOptions> {
    let is_tls = var("MQTT_TLS").is_ok();
    let port =
        setting("MQTT_PORT", if is_tls { "8883" } else { "1883" }).parse().context("MQTT_PORT is no port")?;
    let client_id = setting("MQTT_CLIENT_ID", "meter-readings");
    let mut options = MqttOptions::new(client_id, setting("MQTT_HOST", "127.0.0.1"), port);
    if is_tls {
        options.set_transport(Transport::tls_with_default_config());
    }
    if let Ok(user) = var("MQTT_USERNAME") {
        options.set_credentials(user, setting("MQTT_PASSWORD", ""));
    }
    options.set_keep_alive(Duration::from_secs(30));
    options.set_clean_start(false);
    options.set_session_expiry_interval(Some(SESSION_EXPIRY_S));
    options.set_manual_acks(true);
    // rumqttc takes 10 KiB where it is not told otherwise: less than a long message may have.
    options.set_max_packet_size(Some(1024 * 1024));
    options.set_outgoing_inflight_upper_limit(100);
    Ok(options)
}

fn setting(name: &str, default: &str) -> String {
    var(name).unwrap_or_else(|_| default.to_owned())
}
