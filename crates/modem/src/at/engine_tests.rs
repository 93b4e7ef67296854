//! Transcripts: what was started, what the modem sent, what the engine reported. Each is fed whole and
//! byte by byte, and must tell the same.

use super::*;
use crate::registration::{Domain, Registration, RegistrationReport};
use crate::signal::Signal;
use crate::storage::Storage;

fn done(lines: &[&str]) -> Event {
    let lines = lines.iter().map(|line| (*line).to_string()).collect();
    Event::Done(Ok(Response { lines, ..Response::default() }))
}

fn refused(line: &str) -> Event {
    Event::Done(Err(AtError::parse(line).unwrap()))
}

fn other(line: &str) -> Event {
    Event::Urc(Urc::Other(line.into()))
}

fn cmti(slot: u16) -> Event {
    Event::Urc(Urc::MessageStored { storage: Storage::SM, slot })
}

fn run(command: Option<Command>, pieces: &[&[u8]]) -> (Vec<Event>, Vec<u8>) {
    let now = Instant::now();
    let mut engine = Engine::default();
    if let Some(command) = command {
        engine.start(command, now).unwrap();
    }
    let (mut events, mut written) = (Vec::new(), Vec::new());
    for piece in pieces {
        engine.feed(piece, now);
        while let Some(chunk) = engine.poll_transmit() {
            written.extend(chunk);
        }
        while let Some(event) = engine.poll_event() {
            events.push(event);
        }
    }
    (events, written)
}

#[test]
fn transcripts() {
    let list = || Some(Command::new("AT+CMGL=4").answer_prefix("+CMGL:"));
    let send = || Some(Command::new("AT+CMGS=3").answer_prefix("+CMGS:").payload("00AABBCC"));
    let creg = || Some(Command::new("AT+CREG?").answer_prefix("+CREG:"));
    let home = RegistrationReport { domain: Domain::Circuit, state: Registration::Home, cause: None };
    let rows: Vec<(&str, Option<Command>, &str, Vec<Event>)> = vec![
        ("plain", Some(Command::new("AT")), "\r\nOK\r\n", vec![done(&[])]),
        ("echo", Some(Command::new("AT+CGMM")), "AT+CGMM\r\r\nE173\r\n\r\nOK\r\n", vec![done(&["E173"])]),
        (
            "value with prefix",
            Some(Command::new("AT+CSQ").answer_prefix("+CSQ:")),
            "\r\n+CSQ: 17,99\r\n\r\nOK\r\n",
            vec![done(&["+CSQ: 17,99"])],
        ),
        (
            "unsolicited signal",
            None,
            "\r\n+CSQ: 31,99\r\n",
            vec![Event::Urc(Urc::Signal(Signal { dbm: Some(-51), percent: Some(100) }))],
        ),
        (
            "registration changes while it is asked for",
            creg(),
            "+CREG: 1\r\n+CREG: 2,5,\"00C3\",\"A1\"\r\nOK\r\n",
            vec![Event::Urc(Urc::Registration(home)), done(&["+CREG: 2,5,\"00C3\",\"A1\""])],
        ),
        (
            "registration changes after the answer",
            creg(),
            "+CREG: 0,1\r\n+CREG: 1,\"00C3\",\"A1\"\r\nOK\r\n",
            vec![Event::Urc(Urc::Registration(home)), done(&["+CREG: 0,1"])],
        ),
        (
            "unsolicited between value and OK",
            Some(Command::new("AT+CGSN")),
            "354\r\n+CMTI: \"SM\",3\r\nOK\r\n",
            vec![cmti(3), done(&["354"])],
        ),
        (
            "message indication between the lines of a list",
            list(),
            "+CMGL: 1,1,,3\r\n+CMTI: \"SM\",7\r\n00AABBCC\r\nOK\r\n",
            vec![cmti(7), done(&["+CMGL: 1,1,,3", "00AABBCC"])],
        ),
        (
            "a notice in odd words while a list comes",
            list(),
            "+ SMS FULL\r\n+CMGL: 1,1,,3\r\n00AABBCC\r\n+CMTI \"SM\",3\r\nOK\r\n",
            vec![
                Event::Urc(Urc::SweepHint),
                Event::Urc(Urc::SweepHint),
                done(&["+CMGL: 1,1,,3", "00AABBCC"]),
            ],
        ),
        (
            "a notice in odd words while a value comes",
            Some(Command::new("AT+CGSN")),
            "+SMS FULL\r\n354\r\nOK\r\n",
            vec![Event::Urc(Urc::SweepHint), done(&["354"])],
        ),
        (
            "two-line code between the lines of a list",
            list(),
            "+CMGL: 1,1,,3\r\n+CMT: ,4\r\n00aabbccdd\r\n00AABBCC\r\nOK\r\n",
            vec![
                Event::Urc(Urc::Message { length: Some(4), pdu: "00AABBCCDD".into() }),
                done(&["+CMGL: 1,1,,3", "00AABBCC"]),
            ],
        ),
        (
            "two-line code torn apart by the list",
            list(),
            "+CMGL: 1,1,,3\r\n+CDS: 4\r\n00AABBCC\r\n00AABBCCDD\r\nOK\r\n",
            vec![
                Event::Urc(Urc::Report { length: Some(4), pdu: "00AABBCCDD".into() }),
                done(&["+CMGL: 1,1,,3", "00AABBCC"]),
            ],
        ),
        (
            "direct report when idle",
            None,
            "\r\n+CDS: 3\r\n00AABBCC\r\n",
            vec![Event::Urc(Urc::Report { length: Some(3), pdu: "00AABBCC".into() })],
        ),
        (
            "broadcast without its padding while a command is in flight",
            Some(Command::new("AT+CSQ").answer_prefix("+CSQ:")),
            "+CBM: 88\r\n00100032011AC834\r\n+CSQ: 9,0\r\nOK\r\n",
            vec![
                Event::Urc(Urc::Broadcast { length: Some(88), pdu: "00100032011AC834".into() }),
                done(&["+CSQ: 9,0"]),
            ],
        ),
        (
            "report without service centre address while a command is in flight",
            Some(Command::new("AT+CSQ").answer_prefix("+CSQ:")),
            "+CDS: 4\r\n06AABBCC\r\n+CSQ: 9,0\r\nOK\r\n",
            vec![Event::Urc(Urc::Report { length: Some(4), pdu: "06AABBCC".into() }), done(&["+CSQ: 9,0"])],
        ),
        (
            "broadcast has no address in front",
            None,
            "+CBM: 2\r\n0011\r\n",
            vec![Event::Urc(Urc::Broadcast { length: Some(2), pdu: "0011".into() })],
        ),
        ("send", send(), "\r\n> \r\n+CMGS: 12\r\n\r\nOK\r\n", vec![Event::Prompt, done(&["+CMGS: 12"])]),
        (
            "send with echoes",
            send(),
            "AT+CMGS=3\r\n> 00AABBCC\u{1a}\r\n+CMGS: 12\r\nOK\r\n",
            vec![Event::Prompt, done(&["+CMGS: 12"])],
        ),
        (
            "OK of the command in the same line, before the prompt",
            send(),
            "\r\nOK\r\n> \r\n+CMGS: 12\r\nOK\r\n",
            vec![Event::Prompt, done(&["+CMGS: 12"])],
        ),
        (
            "OK between prompt and result",
            send(),
            "> \r\nOK\r\n+CMGS: 12\r\nOK\r\n",
            vec![Event::Prompt, done(&["+CMGS: 12"])],
        ),
        (
            "a stray line is not the result, so that OK after it is early too",
            send(),
            "please wait\r\n> \r\nOK\r\nsending\r\nOK\r\n+CMGS: 12\r\nOK\r\n",
            vec![Event::Prompt, done(&["please wait", "sending", "+CMGS: 12"])],
        ),
        ("refused before the prompt", send(), "+CMS ERROR: 310\r\n", vec![refused("+CMS ERROR: 310")]),
        (
            "refused after the prompt",
            send(),
            "> \r\n+CMS ERROR: 38\r\n",
            vec![Event::Prompt, refused("+CMS ERROR: 38")],
        ),
        (
            "a call ends while sending",
            send(),
            "> \r\nNO CARRIER\r\n+CMGS: 1\r\nOK\r\n",
            vec![
                Event::Prompt,
                Event::Urc(Urc::CallEnded { words: "NO CARRIER".into() }),
                done(&["+CMGS: 1"]),
            ],
        ),
        ("a call that fails", Some(Command::new("ATD123;")), "NO CARRIER\r\n", vec![refused("NO CARRIER")]),
        (
            "a call comes in",
            Some(Command::new("AT+CSQ").answer_prefix("+CSQ:")),
            "RING\r\n+CLIP: \"+491\",145\r\nOK\r\n",
            vec![Event::Urc(Urc::Ring), Event::Urc(Urc::CallerId { number: Some("+491".into()) }), done(&[])],
        ),
        (
            "huawei's own refusal",
            Some(Command::new("AT+X")),
            "COMMAND NOT SUPPORT\r\n",
            vec![refused("COMMAND NOT SUPPORT")],
        ),
        (
            "foreign prefix inside an answer",
            Some(Command::new("AT+CGMM").answer_prefix("+CGMM:")),
            "^XYZ: 1\r\nE173\r\nOK\r\n",
            vec![other("^XYZ: 1"), done(&["E173"])],
        ),
        (
            "ussd over several lines",
            None,
            "+CUSD: 1,\"1 Balance\n2 Bonus\nOK\",15\r\n",
            vec![Event::Urc(Urc::Ussd {
                state: 1,
                text: Some(b"1 Balance\n2 Bonus\nOK".to_vec()),
                dcs: Some(15),
            })],
        ),
        (
            "ussd with quotes over several lines",
            None,
            "+CUSD: 0,\"press \"1\" for\nmore \"fun\" now\",15\r\n",
            vec![Event::Urc(Urc::Ussd {
                state: 0,
                text: Some(b"press \"1\" for\nmore \"fun\" now".to_vec()),
                dcs: Some(15),
            })],
        ),
        (
            "ussd state asked for",
            Some(Command::new("AT+CUSD?").answer_prefix("+CUSD:")),
            "+CUSD: 1\r\nOK\r\n",
            vec![done(&["+CUSD: 1"])],
        ),
        ("a late OK belongs to nobody", None, "\r\nOK\r\n\r\nERROR\r\n", vec![Event::Stray, Event::Stray]),
        ("noise", Some(Command::new("AT")), "^BOOT:1,0\r\n$GPGGA,1\r\n\0\0OK\r\n", vec![done(&[])]),
        (
            "restart",
            None,
            "\r\nRDY\r\n+CFUN: 1\r\n",
            vec![Event::Urc(Urc::Boot { banner: "RDY".into() }), other("+CFUN: 1")],
        ),
    ];
    for (name, command, said, expect) in rows {
        let (events, written) = run(command.clone(), &[said.as_bytes()]);
        assert_eq!(events, expect, "{name}, whole");
        let bytes: Vec<&[u8]> = said.as_bytes().chunks(1).collect();
        let (single, written_single) = run(command, &bytes);
        assert_eq!(single, expect, "{name}, byte by byte");
        assert_eq!(written, written_single, "{name}, written");
    }
}

#[test]
fn the_payload_waits_for_the_prompt_and_ctrl_z_comes_alone() {
    let now = Instant::now();
    let mut engine = Engine::default();
    engine.start(Command::new("AT+CMGS=3").answer_prefix("+CMGS:").payload("00AABBCC"), now).unwrap();
    assert_eq!(engine.poll_transmit().unwrap(), b"AT+CMGS=3\r");
    assert_eq!(engine.poll_transmit(), None);
    engine.feed(b"\r\n> ", now);
    assert_eq!(engine.poll_transmit().unwrap(), b"00AABBCC");
    assert!(!engine.submitted());
    assert_eq!(engine.poll_transmit().unwrap(), [0x1A]);
    assert!(engine.submitted());
}

#[test]
fn one_command_at_a_time() {
    let now = Instant::now();
    let mut engine = Engine::default();
    engine.start(Command::new("AT"), now).unwrap();
    assert_eq!(engine.start(Command::new("AT"), now), Err(InFlight));
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// When the command in flight would end, and how, if nothing came any more.
fn end(engine: &mut Engine) -> (Instant, Option<Event>) {
    let deadline = engine.deadline().unwrap();
    engine.handle_timeout(deadline);
    assert!(!engine.is_busy());
    (deadline, std::iter::from_fn(|| engine.poll_event()).last())
}

fn unfinished(lines: &[&str]) -> Option<Event> {
    let lines = lines.iter().map(|line| (*line).to_string()).collect();
    Some(Event::Done(Ok(Response { lines, is_unfinished: true, ..Response::default() })))
}

#[test]
fn silence_is_counted_again_from_each_line_of_a_list() {
    let (mut engine, begin) = (Engine::default(), Instant::now());
    engine
        .start(Command::new("AT+CMGL=4").answer_prefix("+CMGL:").list().timeout(seconds(20)), begin)
        .unwrap();
    engine.feed(b"+CMGL: 1,1,,3\r\n", begin + seconds(15));
    engine.feed(b"00AABBCC\r\n", begin + seconds(30));
    engine.handle_timeout(begin + seconds(49));
    assert_eq!(engine.poll_event(), None);
    assert_eq!(end(&mut engine), (begin + seconds(50), unfinished(&["+CMGL: 1,1,,3", "00AABBCC"])));
}

#[test]
fn lines_that_say_nothing_do_not_extend_a_command() {
    let commands = [
        Command::new("AT+CMGL=4").answer_prefix("+CMGL:").list(),
        Command::new("AT+CSQ").answer_prefix("+CSQ:"),
        Command::new("AT+CGMM"),
    ];
    for command in commands {
        for line in ["login:\r\n", "+CREG: 1\r\n", "^XYZ: 1\r\n", "0011\r\n"] {
            let (mut engine, begin) = (Engine::default(), Instant::now());
            let shown = command.to_string();
            engine.start(command.clone().timeout(seconds(10)), begin).unwrap();
            for n in 1..10 {
                engine.feed(line.as_bytes(), begin + seconds(n));
            }
            let (at, event) = end(&mut engine);
            assert_eq!(at, begin + seconds(10), "{shown}: {line:?}");
            assert_eq!(event, Some(Event::TimedOut { after: seconds(10) }), "{shown}: {line:?}");
        }
    }
}

#[test]
fn an_answer_without_a_final_result_is_an_answer() {
    let (mut engine, begin) = (Engine::default(), Instant::now());
    let asked = || Command::new("AT+CPIN?").answer_prefix("+CPIN:").timeout(seconds(20));
    engine.start(asked(), begin).unwrap();
    engine.feed(b"+CPIN: READY\r\n", begin + seconds(1));
    assert_eq!(end(&mut engine), (begin + seconds(1) + FINAL_TIMEOUT, unfinished(&["+CPIN: READY"])));
    // Once that is known of a modem it is not waited for.
    engine.start(asked().unfinished(true), begin).unwrap();
    engine.feed(b"+CPIN: READY\r\n", begin);
    assert_eq!(end(&mut engine), (begin + UNFINISHED_TIMEOUT, unfinished(&["+CPIN: READY"])));
}

#[test]
fn a_submission_ends_with_ok_alone_or_with_its_reference_alone() {
    let rows: [(&[u8], Duration, Option<Event>); 3] = [
        (b"OK\r\n", EARLY_OK_TIMEOUT, Some(done(&[]))),
        (b"+CMGS: 7\r\n", FINAL_TIMEOUT, unfinished(&["+CMGS: 7"])),
        (b"wait\r\n", seconds(180), Some(Event::TimedOut { after: seconds(180) })),
    ];
    for (said, limit, expect) in rows {
        let (mut engine, begin) = (Engine::default(), Instant::now());
        let submit =
            Command::new("AT+CMGS=3").answer_prefix("+CMGS:").payload("00AABBCC").timeout(seconds(180));
        engine.start(submit, begin).unwrap();
        engine.feed(b"> ", begin);
        engine.feed(said, begin);
        assert_eq!(end(&mut engine), (begin + limit, expect), "{}", String::from_utf8_lossy(said));
    }
}

#[test]
fn a_modem_that_gives_no_prompt_gets_escape() {
    let begin = Instant::now();
    let mut engine = Engine::default();
    engine.start(Command::new("AT+CMGS=3").payload("00AABBCC"), begin).unwrap();
    let _ = engine.poll_transmit();
    engine.handle_timeout(engine.deadline().unwrap());
    assert_eq!(engine.poll_transmit().unwrap(), [0x1B]);
    assert!(!engine.submitted());
}

#[test]
fn of_a_list_of_three_thousand_the_first_two_thousand_are_kept() {
    let now = Instant::now();
    let mut engine = Engine::default();
    engine.start(Command::new("AT+CMGL=4").answer_prefix("+CMGL:").list(), now).unwrap();
    for n in 0..3000 {
        engine.feed(format!("+CMGL: {n},1,,3\r\n00AABBCC\r\n").as_bytes(), now);
    }
    engine.feed(b"OK\r\n", now);
    let Some(Event::Done(Ok(response))) = engine.poll_event() else { panic!("the list did not end") };
    assert_eq!((response.lines.len(), response.is_cut), (MAX_LINES, true));
}

#[test]
fn an_answer_without_end_is_garbage() {
    let now = Instant::now();
    let mut engine = Engine::default();
    engine.start(Command::new("AT+CMGL=4").answer_prefix("+CMGL:").list(), now).unwrap();
    for _ in 0..=MAX_ANSWER {
        engine.feed(b"+CMGL: 1,1,,3\r\n", now);
    }
    assert_eq!(engine.poll_event(), Some(Event::Garbage));
}

#[test]
fn a_lost_closing_quote_does_not_hide_the_end_of_a_command() {
    let half = Event::Urc(Urc::Ussd { state: 0, text: Some(b"half".to_vec()), dcs: None });
    let (events, _) = run(Some(Command::new("AT+CUSD=1")), &[b"+CUSD: 0,\"half\r\nOK\r\n"]);
    assert_eq!(events, [half.clone(), done(&[])]);
    let signal = Command::new("AT+CSQ").answer_prefix("+CSQ:");
    let (events, _) = run(Some(signal), &[b"+CUSD: 0,\"half\r\n+CSQ: 17,99\r\nOK\r\n"]);
    assert_eq!(events, [half, done(&["+CSQ: 17,99"])]);
}

#[test]
fn a_text_ends_with_a_silence() {
    let second = Duration::from_secs(1);
    let begin = Instant::now();
    let mut engine = Engine::default();
    engine.feed(b"+CUSD: 0,\"half\r\n", begin);
    engine.feed(b"of it\r\n", begin + second);
    let silent = engine.text_deadline().unwrap();
    engine.handle_timeout(silent - second / 2);
    assert_eq!(engine.poll_event(), None);
    // What comes later is not of it, whether or not the deadline was kept.
    engine.feed(b"later\r\n", silent);
    let half = Event::Urc(Urc::Ussd { state: 0, text: Some(b"half\nof it".to_vec()), dcs: None });
    assert_eq!([engine.poll_event(), engine.poll_event()], [Some(half), Some(other("later"))]);
    assert_eq!(engine.text_deadline(), None);
}

/// A message is submitted while the network pushes a text whose lines look like results.
fn submit_during(text: &str, then: &str) -> (Option<Event>, Duration) {
    let (mut engine, begin) = (Engine::default(), Instant::now());
    let submit = Command::new("AT+CMGS=3").answer_prefix("+CMGS:").payload("00AABBCC").timeout(seconds(180));
    engine.start(submit, begin).unwrap();
    engine.feed(b"> ", begin);
    engine.feed(text.as_bytes(), begin);
    engine.feed(then.as_bytes(), begin + Duration::from_millis(100));
    let mut now = begin + Duration::from_millis(100);
    let mut last = None;
    loop {
        last = std::iter::from_fn(|| engine.poll_event())
            .filter(|event| matches!(event, Event::Done(_) | Event::TimedOut { .. }))
            .last()
            .or(last);
        match engine.deadline() {
            Some(deadline) => now = deadline,
            None => return (last, now - begin),
        }
        engine.handle_timeout(now);
    }
}

#[test]
fn a_pushed_text_does_not_end_the_message_that_is_being_submitted() {
    for line in ["ERROR", "+CMS ERROR: 38", "+CMS ERROR: 1", "OK", "+CMGS: 5", "+CME ERROR: 3", "BUSY"] {
        let text = format!("+CUSD: 0,\"one\r\n{line}\r\nthree\",15\r\n");
        let (event, _) = submit_during(&text, "+CMGS: 7\r\nOK\r\n");
        assert_eq!(event, Some(done(&["+CMGS: 7"])), "{line}");
    }
}

#[test]
fn where_the_text_lost_its_end_an_error_is_nobodys_and_a_reference_the_messages() {
    let (event, after) = submit_during("+CUSD: 0,\"one\r\ntwo\r\n", "+CMS ERROR: 38\r\n");
    assert!(matches!(event, Some(Event::TimedOut { .. })), "{event:?}");
    assert!(after < seconds(3), "{after:?}");
    let (event, after) = submit_during("+CUSD: 0,\"one\r\ntwo\r\n", "+CMGS: 7\r\nOK\r\n");
    assert_eq!(event, Some(done(&["+CMGS: 7"])));
    assert!(after < seconds(3), "{after:?}");
}
