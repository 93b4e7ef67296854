//! The bodies of the fuzz targets of `fuzz/`, on stable: damaged packets, dialogues and PDUs, drawn from a seed.

#[path = "../fuzz/bodies/at_lines.rs"]
mod at_lines;
#[path = "../fuzz/bodies/broker_packets.rs"]
mod broker_packets;
#[path = "../fuzz/bodies/pdu.rs"]
mod pdu;

use smsbridge_modem::sms::OutgoingPdu;
use smsbridge_modem::{ConnectOptions, Modem};
use smsbridge_simulator::{Options, Simulator};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::harness::broker_side::one_of_each;
use crate::harness::damage::damage;
use crate::harness::seed::Seed;

/// What a modem may say while nobody asks.
const UNASKED: [&[u8]; 6] = [
    b"\r\n+CMTI: \"SM\",3\r\n",
    b"\r\n+CMT: ,24\r\n07919471060040340408919471060040340000111111111111110AC8329BFD06\r\n",
    b"\r\n+CUSD: 1,\"Your balance\nis 3\",15\r\n",
    b"\r\nRING\r\n\r\n+CLIP: \"+4915100000001\",145\r\n",
    b"\r\n+CEREG: 5,\"00A1\",\"01B2C3D4\",7\r\n",
    b"\r\n+CDSI: \"SR\",0\r\n",
];

#[test]
fn damaged_packets_of_a_broker_panic_nowhere_in_the_client() {
    let mut seed = Seed::from_environment();
    let originals = one_of_each();
    for _ in 0..20_000 {
        let mut stream = Vec::new();
        for _ in 0..=seed.below(6) {
            let mut packet = originals[seed.below(originals.len() as u64) as usize].clone();
            if seed.below(2) == 0 {
                damage(&mut seed, &mut packet);
            }
            stream.extend(packet);
        }
        broker_packets::run(&stream);
    }
}

#[test]
fn damaged_dialogues_with_a_modem_end_without_a_panic() {
    let mut seed = Seed::from_environment();
    let original = dialogue();
    assert!(at_lines::run(&original), "the dialogue is none: {}", String::from_utf8_lossy(&original));
    for _ in 0..2000 {
        let mut octets = original.clone();
        damage(&mut seed, &mut octets);
        at_lines::run(&octets);
    }
}

#[test]
fn damaged_pdus_are_decoded_or_refused() {
    let mut seed = Seed::from_environment();
    let simulator = Simulator::new(Options::default());
    let text = "Привет, a text in two parts. ".repeat(4);
    let parts =
        simulator.parts("+4915100000001", &text, &Default::default()).expect("a text that can be sent");
    let originals: Vec<Vec<u8>> =
        parts.iter().map(|part| smsbridge_codec::hex::decode(part).expect("hexadecimal")).collect();
    for _ in 0..20_000 {
        let mut octets = originals[seed.below(originals.len() as u64) as usize].clone();
        damage(&mut seed, &mut octets);
        pdu::run(&octets);
    }
}

/// What a simulated modem answers from the first command to a message sent, and what it may say then, as a script.
fn dialogue() -> Vec<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let mut script = runtime.expect("a runtime").block_on(record());
    for unasked in UNASKED {
        script.push(at_lines::NEXT);
        script.extend(unasked);
    }
    script
}

/// The answers, cut where something was typed.
async fn record() -> Vec<u8> {
    let simulator = Simulator::new(Options::default());
    simulator.deliver("+4915100000001", "hello").expect("a text that can be sent");
    let (near, mut middle) = tokio::io::duplex(4096);
    let (mut line, far) = tokio::io::duplex(4096);
    tokio::spawn(async move { simulator.serve(far).await });
    let recorder = tokio::spawn(async move {
        let (mut script, mut is_asked) = (Vec::new(), false);
        let (mut typed, mut said) = ([0; 1024], [0; 1024]);
        loop {
            tokio::select! {
                count = middle.read(&mut typed) => match count {
                    Ok(count @ 1..) => {
                        is_asked = true;
                        line.write_all(&typed[..count]).await.expect("the modem reads");
                    }
                    _ => return script,
                },
                count = line.read(&mut said) => {
                    let count = count.expect("the modem answers");
                    if std::mem::take(&mut is_asked) && !script.is_empty() {
                        script.push(at_lines::NEXT);
                    }
                    script.extend(&said[..count]);
                    if middle.write_all(&said[..count]).await.is_err() {
                        return script;
                    }
                }
            }
        }
    });
    let mut modem = Modem::connect(near, ConnectOptions::default()).await.expect("a modem that works");
    for message in modem.messages().await.pdus {
        modem.delete(message.storage, message.slot).await.expect("it is deleted");
    }
    modem.network().await.expect("a network");
    let hi = OutgoingPdu { hex: "0001000D91945111325476F8000002C834".to_owned(), tpdu_length: 16 };
    modem.send(&hi).await.expect("it is sent");
    drop(modem);
    recorder.await.expect("a script")
}
