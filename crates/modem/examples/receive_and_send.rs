//! Sends a message by a simulated modem, and receives one.

use std::error::Error;

use smsbridge_codec::{Direction, Pdu, SubmitOptions, Tpdu, submit};
use smsbridge_modem::sms::OutgoingPdu;
use smsbridge_modem::{ConnectOptions, Modem, Urc};
use smsbridge_simulator::{Options, Simulator};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let simulator = Simulator::new(Options::default());
    let (port, line) = tokio::io::duplex(4096);
    let modem_side = simulator.clone();
    tokio::spawn(async move { modem_side.serve(line).await });
    let mut modem = Modem::connect(port, ConnectOptions::default()).await?;
    println!("connected to {}", modem.identity().model.as_deref().unwrap_or("a modem"));

    for pdu in submit("+4915112345678", "Hello", &SubmitOptions::default())? {
        let pdu = OutgoingPdu { hex: pdu.hex, tpdu_length: pdu.tpdu_length };
        println!("sent, TP-MR {:?}", modem.send(&pdu).await?);
    }

    simulator.deliver("+79211234567", "Привет")?;
    while !matches!(modem.next_event().await?, Urc::MessageStored { .. }) {}
    for message in modem.messages().await.pdus {
        if let Tpdu::Deliver(deliver) = Pdu::decode_hex(&message.pdu, Direction::MobileTerminated)?.tpdu {
            println!("received from {}: {}", deliver.from, deliver.user_data.text().unwrap_or_default());
        }
        modem.delete(message.storage, message.slot).await?;
    }
    Ok(())
}
