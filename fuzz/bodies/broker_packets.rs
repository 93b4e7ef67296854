//! Any octets as what a broker sends: decoded by the MQTT client, answered by it, as on a connection with messages in
//! flight.
//!
//! What the gateway itself makes of packets is in `tests/hostile_broker.rs`: it is a program, not a library.

use rumqttc::v5::mqttbytes::v5::{Packet, Publish};
use rumqttc::v5::mqttbytes::{Error, QoS};
use rumqttc::v5::{MqttState, Request};
use tokio_util::bytes::BytesMut;

/// As `mqtt/options.rs` has them.
const MAX_PACKET: u32 = 2 * 1024 * 1024;
const IN_FLIGHT: u16 = 96;

/// So that acknowledgements find something.
const OPEN: usize = 4;

pub fn run(octets: &[u8]) {
    let mut stream = BytesMut::from(octets);
    let mut state = MqttState::new(IN_FLIGHT, true);
    (0..OPEN).for_each(|_| publish(&mut state));
    loop {
        let before = stream.len();
        match Packet::read(&mut stream, Some(MAX_PACKET)) {
            Ok(packet) => {
                let Ok(answer) = state.handle_incoming_packet(packet) else { return };
                if let Some(answer) = answer {
                    // It may be too large for a limit, which is no panic.
                    let _ = answer.write(&mut BytesMut::new(), None);
                }
            }
            // As the client does: a packet that ends within itself is left out.
            Err(Error::InsufficientBytes(_)) if stream.len() < before => continue,
            Err(_) => return,
        }
        assert!(stream.len() < before, "a packet took no octets");
        state.events.clear();
        publish(&mut state);
    }
}

/// The state refuses it while all places are taken, as the client's loop would wait.
fn publish(state: &mut MqttState) {
    if state.inflight() < IN_FLIGHT && state.collision.is_none() {
        let publish = Publish::new("sms/result", QoS::AtLeastOnce, "{}", None);
        let _ = state.handle_outgoing_packet(Request::Publish(publish));
    }
}
