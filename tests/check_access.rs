//! `smsbridge check --connect` against brokers that answer otherwise than mosquitto does: each is understood, and none
//! is made to deliver what only tries it.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use tempfile::TempDir;

use crate::harness::broker_side::{pingresp, suback};
use crate::harness::gateway::{Config, Gateway, has_all};
use crate::harness::mqtt_packets::{Packet, Publish, Reader, packet, publish, put_properties};
use crate::harness::process::code;

/// What a broker does that mosquitto does not.
#[derive(Clone, Copy, PartialEq)]
enum Habit {
    /// Delivers a message of QoS 2 before it is released.
    DeliversUnreleased,
    /// Takes QoS 1 at most.
    NoQos2,
    /// Refuses the subscription to `sms/cancel`.
    RefusesSubscriptions,
    /// Closes the connection on what is not allowed.
    Closes,
    /// Answers no PUBLISH.
    IsSilent,
}

/// A scripted broker, and what was published to it.
struct Broker {
    port: u16,
    published: Arc<Mutex<Vec<Publish>>>,
}

impl Broker {
    fn start(habit: Habit) -> Broker {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let published = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&published);
        // It ends with the process: nobody connects any more once the check is done.
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                // Any error is the end of a connection.
                let _ = serve(&socket, habit, &seen);
                let _ = socket.shutdown(Shutdown::Both);
            }
        });
        Broker { port, published }
    }

    /// Topics that somebody else could read.
    fn disturbed(&self) -> Vec<String> {
        let published = self.published.lock().expect("no panic").clone();
        let topics = published.into_iter().map(|publish| publish.topic);
        topics.filter(|topic| topic != "sms/send" && topic != "sms/gateway/CHECK").collect()
    }
}

fn serve(mut socket: &TcpStream, habit: Habit, seen: &Mutex<Vec<Publish>>) -> std::io::Result<()> {
    let mut reader = Reader::default();
    let mut octets = [0; 4096];
    loop {
        let n = socket.read(&mut octets)?;
        if n == 0 {
            return Ok(());
        }
        reader.push(&octets[..n]);
        while let Some(packet) = reader.next_packet().map_err(std::io::Error::other)? {
            match packet {
                Packet::Connect { .. } => socket.write_all(&connack(habit))?,
                Packet::Subscribe { packet_id, filters } => {
                    let refused = |n| habit == Habit::RefusesSubscriptions && n == 2;
                    let reasons: Vec<u8> = (0..filters).map(|n| if refused(n) { 0x87 } else { 1 }).collect();
                    socket.write_all(&suback(packet_id, &reasons))?;
                }
                Packet::Publish(publish) => {
                    seen.lock().expect("no panic").push(publish.clone());
                    if habit == Habit::Closes && publish.topic == "sms/received/main" {
                        return Ok(());
                    }
                    answer(socket, habit, &publish)?;
                }
                Packet::Disconnect { .. } => return Ok(()),
                // PINGREQ.
                Packet::Other(12) => socket.write_all(&pingresp())?,
                _ => {}
            }
        }
    }
}

fn answer(mut socket: &TcpStream, habit: Habit, published: &Publish) -> std::io::Result<()> {
    let delivered = || publish(&Publish { qos: 0, packet_id: 0, ..published.clone() });
    if published.qos == 1 || habit == Habit::DeliversUnreleased {
        socket.write_all(&delivered())?;
    }
    if habit != Habit::IsSilent {
        let first = if published.qos == 1 { 0x40 } else { 0x50 };
        socket.write_all(&packet(first, &published.packet_id.to_be_bytes()))?;
    }
    Ok(())
}

/// CONNACK, accepted; a Maximum QoS of 1 where there is no 2.
fn connack(habit: Habit) -> Vec<u8> {
    let mut body = vec![0, 0];
    put_properties(&mut body, if habit == Habit::NoQos2 { &[0x24, 1] } else { &[] });
    packet(0x20, &body)
}

/// What a check says of the broker, in lines; its modem is none.
fn check(broker: &Broker) -> String {
    let folder = TempDir::with_prefix("smsbridge-e2e-").expect("a temporary folder");
    let gateway = Gateway::prepare(folder.path(), &Config::new(folder.path(), broker.port, "/dev/null"));
    let output = gateway.run_command(&["check", "--connect"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(code(output.status), 1, "{said}");
    said.lines().filter(|line| line.contains("broker ")).map(|line| format!("{line}\n")).collect()
}

fn has_line(said: &str, words: &[&str]) -> bool {
    said.lines().any(|line| has_all(line, words))
}

#[test]
fn one_that_would_deliver_the_try_is_not_made_to() {
    let broker = Broker::start(Habit::DeliversUnreleased);
    let said = check(&broker);
    assert!(has_line(&said, &["note", "not tried", "would deliver the message"]), "{said}");
    assert!(!has_line(&said, &["WRONG"]), "{said}");
    assert_eq!(broker.disturbed(), Vec::<String>::new(), "{said}");
}

#[test]
fn one_without_qos_2_is_not_tried_at_qos_1() {
    let broker = Broker::start(Habit::NoQos2);
    let said = check(&broker);
    assert!(has_line(&said, &["note", "not tried", "no QoS 2"]), "{said}");
    assert_eq!(broker.disturbed(), Vec::<String>::new(), "{said}");
}

#[test]
fn one_that_refuses_a_subscription_is_told_with_the_topic() {
    let broker = Broker::start(Habit::RefusesSubscriptions);
    let said = check(&broker);
    assert!(
        has_line(&said, &["WRONG", "may not read sms/cancel", "not authorized", "topic read sms/cancel"]),
        "{said}"
    );
    assert!(has_line(&said, &["ok", "we may publish on", "sms/received/main"]), "{said}");
}

#[test]
fn one_that_closes_the_connection_on_a_topic_is_told_with_it_and_the_others_are_tried() {
    let broker = Broker::start(Habit::Closes);
    let said = check(&broker);
    assert!(has_line(&said, &["WRONG", "publish on sms/received/main", "closes the connection"]), "{said}");
    assert!(has_line(&said, &["ok", "we may publish on", "sms/last/main", "sms/call/main"]), "{said}");
    assert_eq!(said.lines().filter(|line| line.starts_with("WRONG")).count(), 1, "{said}");
}

#[test]
fn one_that_does_not_answer_is_not_waited_for_without_end() {
    let broker = Broker::start(Habit::IsSilent);
    let said = check(&broker);
    assert!(has_line(&said, &["note", "not tried", "no answer within 10 s"]), "{said}");
}
