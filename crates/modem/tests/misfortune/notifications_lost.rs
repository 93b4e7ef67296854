//! Somebody, or the modem itself, switched notifications off.

use smsbridge_modem::Command;
use smsbridge_modem::upkeep::{self, Checked};

use crate::bench::*;

#[tokio::test(start_paused = true)]
async fn they_are_set_again_and_counted() {
    let sim = simulator();
    let (mut session, mut ready) = connected(&sim).await;
    session.command(Command::new("AT+CNMI=0,0,0,0,0")).await.unwrap();
    assert_eq!(upkeep::check(&mut session, &mut ready).await.unwrap(), Checked::SetAgain);
    assert_eq!(upkeep::check(&mut session, &mut ready).await.unwrap(), Checked::AsConfigured);
}
