//! The modem says no: certainly not sent, and the session goes on.

use smsbridge_modem::sms::{self, OutgoingPdu};
use smsbridge_modem::{Class, SendError};
use smsbridge_simulator::{Fault, FaultKind};

use crate::bench::*;

#[tokio::test(start_paused = true)]
async fn each_refusal_has_its_class() {
    let sim = simulator();
    let (mut session, _) = connected(&sim).await;
    let rows = [
        (Fault::on_payload(FaultKind::Cms(38)), "cms-38", Class::Transient),
        (Fault::on_payload(FaultKind::Cms(28)), "cms-28", Class::Permanent),
        (Fault::on_payload(FaultKind::Cms(331)), "cms-331", Class::ThisModem),
        (Fault::on("AT+CMGS", FaultKind::Cms(310)), "cms-310", Class::ThisModem),
    ];
    for (fault, slug, class) in rows {
        sim.fault(fault);
        match sms::send(&mut session, &hi()).await {
            Err(SendError::Refused(error)) => {
                assert_eq!((error.slug().as_str(), error.class()), (slug, class))
            }
            other => panic!("{slug}: {other:?}"),
        }
    }
    assert_eq!(sim.sent(), []);
    sms::send(&mut session, &hi()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_length_that_is_wrong_is_refused() {
    let sim = simulator();
    let (mut session, _) = connected(&sim).await;
    let error =
        sms::send(&mut session, &OutgoingPdu { tpdu_length: HI_LENGTH + 3, ..hi() }).await.unwrap_err();
    assert!(matches!(&error, SendError::Refused(e) if e.class() == Class::Permanent), "{error}");
}
