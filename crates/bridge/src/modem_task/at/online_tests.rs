//! A modem in service, against a simulated one behind TCP.

use std::net::SocketAddr;
use std::sync::Arc;

use smsbridge_simulator::{Options, Simulator, tcp};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::connect::connect;
use super::line::Line;
use super::online::OnlineModem;
use super::recovery_state::RecoveryState;
use crate::config;
use crate::event::{Event, UssdState};
use crate::modem_task::status_view::StatusView;
use crate::modem_task::task::ModemTask;
use crate::retained_state::RetainedState;
use crate::store::{Publication, Store, StoreConfig};
use crate::ussd_queue::UssdQueue;

/// Passes one connection on to the modem, and cuts it right after the modem has said `last_words`.
async fn pass_on_until(listener: TcpListener, modem: SocketAddr, last_words: &str) {
    let (mut client, _) = listener.accept().await.unwrap();
    let mut modem = TcpStream::connect(modem).await.unwrap();
    let (mut typed, mut said) = ([0; 1024], [0; 1024]);
    let mut heard = String::new();
    while !heard.contains(last_words) {
        tokio::select! {
            read = client.read(&mut typed) => modem.write_all(&typed[..read.unwrap()]).await.unwrap(),
            read = modem.read(&mut said) => {
                let said = &said[..read.unwrap()];
                heard.push_str(&String::from_utf8_lossy(said));
                client.write_all(said).await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn a_ussd_answer_and_a_broadcast_right_before_the_modem_is_unplugged_are_published() {
    let simulator = Simulator::new(Options::default());
    let line = tcp::listen(&simulator, "127.0.0.1:0").await.unwrap();
    let modem_address = line.address().unwrap();
    tokio::spawn(line.run());
    let cable = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = cable.local_addr().unwrap();
    let cut = tokio::spawn(pass_on_until(cable, modem_address, "5 EUR\",15\r\n"));

    let folder = tempfile::tempdir().unwrap();
    let text = format!("[[modem]]\nname = \"main\"\nport = \"tcp://{port}\"\n");
    let config = config::parse("smsbridge.toml", &text).unwrap();
    let (store, _thread) = Store::open(folder.path(), StoreConfig::from(&config)).unwrap();
    let task = ModemTask {
        config: config.modems[0].clone(),
        store: store.clone(),
        retained: Arc::new(RetainedState::default()),
        ussd: Arc::new(UssdQueue::default()),
        trace: None,
        candidates: Arc::new(Vec::new),
    };
    let mut view = StatusView::new(task.config.name.clone(), Arc::clone(&task.retained));
    let mut recovery = RecoveryState::new(&task.config);
    let mut line = Line::new(&task.config);
    let stop = CancellationToken::new();
    let connected = connect(&task, &mut recovery, &mut line, &mut view, &stop).await.unwrap().unwrap();

    simulator.send_urc("+CBM: 1\r\n00");
    simulator.send_urc("+CUSD: 0,\"5 EUR\",15");
    cut.await.unwrap();
    OnlineModem::new(connected).run(&stop).await.unwrap_err();

    let rows = store.pending(0, 9).await.unwrap();
    let events: Vec<Event> = rows
        .into_iter()
        .map(|row| match row.publication.unwrap() {
            Publication::Event(event) => event,
            other => panic!("not an event: {other:?}"),
        })
        .collect();
    assert!(
        events.iter().any(|event| matches!(event, Event::UssdReply(reply)
            if reply.state == UssdState::Done && reply.text.as_deref() == Some("5 EUR"))),
        "the network's answer was lost: {events:?}"
    );
    assert!(
        events.iter().any(|event| matches!(event, Event::Broadcast(_))),
        "the broadcast was lost: {events:?}"
    );
}
