//! Somebody, or the modem itself, switched notifications off.

use smsbridge_modem::Command;
use smsbridge_modem::sms::{self, Notifications};

use crate::bench::*;

#[tokio::test(start_paused = true)]
async fn they_are_set_again_and_counted() {
    let sim = simulator();
    let (mut session, ready) = connected(&sim).await;
    session.command(Command::new("AT+CNMI=0,0,0,0,0")).await.unwrap();
    assert_eq!(sms::check_notifications(&mut session, &ready).await.unwrap(), Notifications::SetAgain);
    assert_eq!(sms::check_notifications(&mut session, &ready).await.unwrap(), Notifications::InForce);
}
