//! A modem in service, against a simulated one behind TCP.

use std::net::SocketAddr;
use std::sync::Arc;

use smsbridge_codec::Encoding;
use smsbridge_simulator::{Options, Simulator, tcp};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::connect::connect;
use super::line::Line;
use super::online::OnlineModem;
use super::recovery_state::RecoveryState;
use crate::clock::now_ms;
use crate::event::{Event, MessageState, SendResult, UssdState};
use crate::modem_task::fixtures::task_with;
use crate::modem_task::status_view::StatusView;
use crate::request::{Body, Content, Recipient, Request, Source};
use crate::store::{Cursor, Publication, Store};

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
    let cut = tokio::spawn(pass_on_until(cable, modem_address, "5 \u{1b}e\",15\r\n"));

    let (task, _folder) = task_with(&format!("port = \"tcp://{port}\""));
    let mut view = StatusView::new(task.config.name.clone(), Arc::clone(&task.retained));
    let mut recovery = RecoveryState::new(&task.config);
    let mut line = Line::new(&task.config);
    let stop = CancellationToken::new();
    let connected = connect(&task, &mut recovery, &mut line, &mut view, &stop).await.unwrap().unwrap();

    simulator.send_urc("+CBM: 1\r\n00");
    simulator.send_urc("+CUSD: 0,\"5 \u{1b}e\",15");
    cut.await.unwrap();
    OnlineModem::new(connected, false).run(Vec::new(), &stop).await.unwrap_err();

    let rows = task.store.pending(Cursor::default(), 9).await.unwrap().0;
    let events: Vec<Event> = rows
        .into_iter()
        .map(|row| match row.publication.unwrap() {
            Publication::Event(event) => event,
            other => panic!("not an event: {other:?}"),
        })
        .collect();
    assert!(
        events.iter().any(|event| matches!(event, Event::UssdReply(reply)
            if reply.state == UssdState::Done && reply.text.as_deref() == Some("5 €"))),
        "the network's answer was lost: {events:?}"
    );
    assert!(
        events.iter().any(|event| matches!(event, Event::Broadcast(_))),
        "the broadcast was lost: {events:?}"
    );
}

/// A text of two parts, in a request that another version of this program has stored as one of so many.
fn split_otherwise(parts: u8) -> Request {
    let content = Content::Text("x".repeat(200));
    Request {
        id: None,
        fingerprint: String::new(),
        to: vec![Recipient { number: "+4915112345678".to_owned(), contact: None, refusal: None }],
        parts,
        body: Body { content, class: None, encoding: Encoding::Auto, transliterate: false },
        modem: None,
        delivery_report: false,
        expires_at: None,
        send_at: None,
        priority: 0,
        reply_to: None,
        response_refused: false,
        source: Source::Rule,
    }
}

/// Waits until a message has its last result.
async fn last_result(store: &Store) -> SendResult {
    loop {
        for row in store.pending(Cursor::default(), 9).await.unwrap().0 {
            if let Ok(Publication::Event(Event::Result(result))) = row.publication
                && result.is_final
            {
                return result;
            }
        }
        store.wakes().outbox.notified().await;
    }
}

#[tokio::test]
async fn a_message_stored_with_another_number_of_parts_is_sent_whole() {
    for parts in [1, 2, 3] {
        let simulator = Simulator::new(Options::default());
        let line = tcp::listen(&simulator, "127.0.0.1:0").await.unwrap();
        let port = line.address().unwrap();
        tokio::spawn(line.run());
        let (task, _folder) = task_with(&format!("port = \"tcp://{port}\""));
        task.store.admit(split_otherwise(parts), now_ms()).await.unwrap();
        let mut view = StatusView::new(task.config.name.clone(), Arc::clone(&task.retained));
        let mut recovery = RecoveryState::new(&task.config);
        let stop = CancellationToken::new();
        let mut line = Line::new(&task.config);
        let connected = connect(&task, &mut recovery, &mut line, &mut view, &stop).await.unwrap().unwrap();
        let mut modem = OnlineModem::new(connected, false);
        let sent = async {
            let result = last_result(&task.store).await;
            stop.cancel();
            result
        };
        let (ended, result) = tokio::join!(modem.run(Vec::new(), &stop), sent);
        ended.unwrap();
        assert_eq!((result.state, result.fields.parts), (MessageState::Sent, Some(2)), "stored in {parts}");
        let texts: Vec<String> = simulator.sent().into_iter().filter_map(|sent| sent.text).collect();
        assert_eq!(texts.concat(), "x".repeat(200), "stored in {parts}");
    }
}
