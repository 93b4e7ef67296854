//! The choice among ports that answered.

use super::*;

#[test]
fn the_right_port_of_the_right_modem() {
    let report = |port: &str, imei: Option<&str>, profile, interface| ProbeReport {
        port: port.into(),
        answered: true,
        interface: Some(interface),
        identity: Some(Identity {
            manufacturer: None,
            model: None,
            firmware: None,
            imei: imei.map(str::to_string),
            profile,
        }),
        ..ProbeReport::default()
    };
    let huawei = [report("/dev/a", Some("1"), "huawei", 0), report("/dev/b", Some("1"), "huawei", 2)];
    assert_eq!(choose(&huawei, None), Ok("/dev/b".into()));
    let mut announcing = huawei.clone();
    announcing[0].gives_urcs = true;
    assert_eq!(
        choose(&announcing, None),
        Ok("/dev/a".into()),
        "what was seen counts for more than what is known of the family"
    );
    assert_eq!(best_ports(&announcing), [PathBuf::from("/dev/a")]);
    let two = [report("/dev/a", Some("1"), "generic", 0), report("/dev/b", Some("2"), "generic", 0)];
    assert_eq!(choose(&two, None), Err(PortError::Several(vec!["1".into(), "2".into()])));
    assert_eq!(choose(&two, Some("2")), Ok("/dev/b".into()));
    assert!(matches!(choose(&two, Some("3")), Err(PortError::NoModem(_))));
    let silent = [ProbeReport {
        port: "/dev/a".into(),
        problem: Some(ProbeProblem::TimedOut),
        ..ProbeReport::default()
    }];
    assert_eq!(choose(&silent, None), Err(PortError::NoModem(format!("/dev/a: {}", ProbeProblem::TimedOut))));
}
