//! One SIM is one SIM, however much of it a modem lets us read today.

use super::*;
use crate::message::Sim;

const ICCID: &str = "8949000000000000001";
const OTHER: &str = "8949000000000000002";
const IMSI: &str = "262010000000001";
const OTHER_IMSI: &str = "262010000000002";

async fn identity(
    fixture: &StoreFixture,
    modem: &str,
    iccid: Option<&str>,
    imsi: Option<&str>,
    at: i64,
) -> Sim {
    let text = |text: Option<&str>| text.map(str::to_owned);
    fixture.store().identify_sim(named(modem), text(iccid), text(imsi), at).await.unwrap()
}

#[tokio::test]
async fn a_sim_whose_number_cannot_be_read_today_is_the_one_it_was() {
    let fixture = StoreFixture::new();
    assert_eq!(identity(&fixture, "main", Some(ICCID), Some(IMSI), 1).await, ICCID);
    assert_eq!(identity(&fixture, "main", None, Some(IMSI), 2).await, ICCID, "by its IMSI");
    assert_eq!(identity(&fixture, "other", None, Some(IMSI), 3).await, ICCID, "also in another modem");
    assert_eq!(identity(&fixture, "main", None, None, 4).await, ICCID, "nothing can be read");
    assert_eq!(identity(&fixture, "main", Some(ICCID), Some(IMSI), 5).await, ICCID);
}

#[tokio::test]
async fn a_sim_that_can_be_read_only_later_keeps_its_identity() {
    for (iccid, imsi) in [(None, None), (None, Some(IMSI))] {
        let fixture = StoreFixture::new();
        let first = identity(&fixture, "main", iccid, imsi, 1).await;
        assert_eq!(first, imsi.unwrap_or("main"));
        assert_eq!(identity(&fixture, "main", iccid, imsi, 2).await, first);
        assert_eq!(identity(&fixture, "main", Some(ICCID), Some(IMSI), 3).await, first);
        assert_eq!(identity(&fixture, "main", Some(ICCID), Some(IMSI), 4).await, first);
        assert_eq!(identity(&fixture, "main", None, None, 5).await, first);
        assert_eq!(
            identity(&fixture, "main", Some(OTHER), Some(OTHER_IMSI), 6).await,
            OTHER,
            "it was changed"
        );
        assert_eq!(identity(&fixture, "main", None, None, 7).await, OTHER);
    }
}

#[tokio::test]
async fn a_sim_that_was_never_seen_is_not_taken_for_the_last_one() {
    let fixture = StoreFixture::new();
    identity(&fixture, "main", Some(ICCID), Some(IMSI), 1).await;
    assert_eq!(identity(&fixture, "main", None, Some(OTHER_IMSI), 2).await, OTHER_IMSI);
}
