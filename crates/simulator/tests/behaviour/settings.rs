//! Commands that are not about messages: echo, errors, PIN, radio, registration, USSD, calls.

use std::time::Duration;

use smsbridge_simulator::{Options, Simulator, Ussd, VendorProfile};

use crate::terminal::{connect, quiet};

fn with_pin() -> Simulator {
    Simulator::new(Options { pin: Some("1234".into()), ..Options::default() })
}

#[tokio::test(start_paused = true)]
async fn echo_is_on_at_power_up_and_can_be_switched_off() {
    let mut t = connect(&Simulator::default());
    t.write(b"AT\r").await;
    assert_eq!(t.until("OK\r\n").await, "AT\r\r\nOK\r\n");
    t.write(b"ATE0\r").await;
    assert_eq!(t.until("OK\r\n").await, "ATE0\r\r\nOK\r\n");
    t.write(b"AT\r").await;
    assert_eq!(t.until("OK\r\n").await, "\r\nOK\r\n");
}

#[tokio::test(start_paused = true)]
async fn one_line_may_hold_several_commands() {
    let mut t = quiet(&Simulator::default()).await;
    assert_eq!(t.ask("ATE0V1+CMEE=1;+CSQ;+CPIN?").await, ["+CSQ: 20,99", "+CPIN: READY", "OK"]);
    assert_eq!(t.ask("AT+CSQ;+NONSENSE;+CPIN?").await, ["+CSQ: 20,99", "+CME ERROR: 4"]);
}

#[tokio::test(start_paused = true)]
async fn errors_are_as_wordy_as_cmee_says() {
    let sim = with_pin();
    let mut t = quiet(&sim).await;
    for (level, said) in [("0", "ERROR"), ("1", "+CME ERROR: 11"), ("2", "+CME ERROR: SIM PIN required")] {
        t.ask(&format!("AT+CMEE={level}")).await;
        assert_eq!(t.ask("AT+CIMI").await, [said]);
    }
    assert_eq!(t.ask("AT+CPMS?").await, ["+CMS ERROR: 311"]);
}

#[tokio::test(start_paused = true)]
async fn the_right_pin_opens_the_sim() {
    let sim = with_pin();
    let mut t = quiet(&sim).await;
    assert_eq!(t.ask("AT+CPIN?").await, ["+CPIN: SIM PIN", "OK"]);
    assert_eq!(t.ask("AT+CREG?").await, ["+CREG: 0,0", "OK"]);
    assert_eq!(t.ask("AT+CPIN=\"1234\"").await, ["OK"]);
    assert_eq!(t.ask("AT+CPIN?").await, ["+CPIN: READY", "OK"]);
    assert_eq!(t.ask("AT+CREG?").await, ["+CREG: 0,1", "OK"]);
}

#[tokio::test(start_paused = true)]
async fn wrong_pin_three_times_asks_for_puk() {
    let sim = with_pin();
    let mut t = quiet(&sim).await;
    t.ask("AT+CMEE=1").await;
    assert_eq!(t.ask("AT+CPIN=\"0000\"").await, ["+CME ERROR: 16"]);
    sim.unplug();
    sim.plug();
    let mut t = quiet(&sim).await;
    t.ask("AT+CMEE=1").await;
    assert_eq!(sim.pin_tries_left(), 2);
    assert_eq!(t.ask("AT+CPIN=0000").await, ["+CME ERROR: 16"]);
    assert_eq!(t.ask("AT+CPIN=0000").await, ["+CME ERROR: 12"]);
    assert_eq!(t.ask("AT+CPIN?").await, ["+CPIN: SIM PUK", "OK"]);
    assert_eq!(t.ask("AT+CPIN=1234").await, ["+CME ERROR: 12"]);
    assert_eq!(t.ask("AT+CPINR").await, ["+CPINR: SIM PIN,0,3", "+CPINR: SIM PUK,10,10", "OK"]);
    assert_eq!(t.ask("AT+CPIN=\"12345678\",\"4321\"").await, ["OK"]);
    assert_eq!(t.ask("AT+CPIN?").await, ["+CPIN: READY", "OK"]);
}

#[tokio::test(start_paused = true)]
async fn without_a_sim_it_says_so() {
    let sim = Simulator::default();
    sim.set_sim_present(false);
    let mut t = quiet(&sim).await;
    t.ask("AT+CMEE=1").await;
    assert_eq!(t.ask("AT+CPIN?").await, ["+CME ERROR: 10"]);
    assert_eq!(t.ask("AT+CMGL=4").await, ["+CMS ERROR: 310"]);
    sim.set_sim_present(true);
    assert_eq!(t.ask("AT+CPIN?").await, ["+CPIN: READY", "OK"]);
}

#[tokio::test(start_paused = true)]
async fn the_radio_can_be_off_and_registration_is_announced() {
    let sim = Simulator::default();
    let mut t = quiet(&sim).await;
    t.ask("AT+CREG=2").await;
    assert_eq!(t.ask("AT+CFUN=4").await, ["OK"]);
    assert_eq!(t.until("\r\n+CREG: 0\r\n").await, "\r\n+CREG: 0\r\n");
    assert_eq!(t.ask("AT+COPS?").await, ["+COPS: 0", "OK"]);
    t.ask("AT+CFUN=1").await;
    t.until("\r\n+CREG: 1,\"1A2B\",\"01C3D4E5\",0\r\n").await;
    assert_eq!(t.ask("AT+COPS?").await, ["+COPS: 0,0,\"Simulated\",0", "OK"]);
    sim.set_registration(3);
    t.until("\r\n+CREG: 3\r\n").await;
}

#[tokio::test(start_paused = true)]
async fn cnmi_is_forgotten_at_reset() {
    let sim = Simulator::default();
    let mut t = quiet(&sim).await;
    assert_eq!(t.ask("AT+CNMI=2,1,0,2,0").await, ["OK"]);
    assert_eq!(t.ask("AT+CNMI?").await, ["+CNMI: 2,1,0,2,0", "OK"]);
    assert_eq!(t.ask("AT+CNMI=9").await, ["+CMS ERROR: 303"]);
    assert_eq!(t.ask("AT+CFUN=1,1").await, ["OK"]);
    t.ask("ATE0").await;
    assert_eq!(t.ask("AT+CNMI?").await, ["+CNMI: 0,0,0,0,0", "OK"]);
}

#[tokio::test(start_paused = true)]
async fn a_uart_modem_boots_on_the_same_line_with_its_banner() {
    let boot_time = Duration::from_secs(3);
    let sim = Simulator::new(Options { profile: VendorProfile::sim800(), boot_time, ..Options::default() });
    let mut t = quiet(&sim).await;
    sim.reset();
    t.write(b"AT\r").await;
    assert_eq!(t.in_the_next(Duration::from_secs(2)).await, "");
    t.until("RDY\r\n").await;
    t.until("SMS Ready\r\n").await;
    t.write(b"AT\r").await;
    t.until("AT\r\r\nOK\r\n").await;
}

#[tokio::test(start_paused = true)]
async fn a_stick_leaves_the_bus_at_reset() {
    let sim = Simulator::new(Options { profile: VendorProfile::huawei(), ..Options::default() });
    let mut t = quiet(&sim).await;
    assert_eq!(t.ask("AT+CFUN=1,1").await, ["OK"]);
    assert!(t.is_closed().await);
    let mut t = quiet(&sim).await;
    assert_eq!(t.ask("AT^CURC=0").await, ["OK"]);
    assert_eq!(t.ask("AT^NONSENSE").await, ["COMMAND NOT SUPPORT"]);
}

#[tokio::test(start_paused = true)]
async fn identity_is_the_vendor_profiles() {
    let sim = Simulator::new(Options { profile: VendorProfile::ec25(), ..Options::numbered(7) });
    let mut t = quiet(&sim).await;
    assert_eq!(t.ask("AT+CGMI").await, ["Quectel", "OK"]);
    assert_eq!(t.ask("AT+CGMM").await, ["EC25", "OK"]);
    assert_eq!(t.ask("AT+CGSN").await, [Options::numbered(7).imei.as_str(), "OK"]);
    let iccid = format!("+QCCID: {}", Options::numbered(7).iccid);
    assert_eq!(t.ask("AT+QCCID").await, [iccid.as_str(), "OK"]);
    assert_eq!(t.ask("AT+CPMS?").await, ["+CPMS: \"ME\",0,50,\"ME\",0,50,\"ME\",0,50", "OK"]);
}

#[tokio::test(start_paused = true)]
async fn ussd_answers_and_menus_come_unasked() {
    let sim = Simulator::default();
    sim.set_ussd("*111#", Ussd { text: "1 Balance".into(), more: true });
    sim.set_ussd("1", Ussd { text: "12.34".into(), more: false });
    let mut t = quiet(&sim).await;
    assert_eq!(t.ask("AT+CUSD=1,\"*111#\",15").await, ["OK"]);
    t.until("\r\n+CUSD: 1,\"1 Balance\",15\r\n").await;
    t.ask("AT+CUSD=1,\"1\",15").await;
    t.until("\r\n+CUSD: 0,\"12.34\",15\r\n").await;
    t.ask("AT+CUSD=1,\"*999#\",15").await;
    t.until("\r\n+CUSD: 2\r\n").await;
}

#[tokio::test(start_paused = true)]
async fn ussd_is_written_as_the_charset_or_the_vendor_has_it() {
    let sim = Simulator::default();
    sim.set_ussd("*105#", Ussd { text: "Счёт".into(), more: false });
    let mut t = quiet(&sim).await;
    t.ask("AT+CUSD=1,\"*105#\",15").await;
    t.until("\r\n+CUSD: 0,\"0421044704510442\",72\r\n").await;
    t.ask("AT+CSCS=\"UCS2\"").await;
    t.ask("AT+CUSD=1,\"002A0031003000300023\",15").await;
    t.until("\r\n+CUSD: 0,\"00420061006C0061006E00630065003A002000310032002E00330034\",15\r\n").await;
    let sim = Simulator::new(Options { profile: VendorProfile::huawei(), ..Options::default() });
    let mut t = quiet(&sim).await;
    assert_eq!(t.ask("AT+CUSD=1,\"*100#\",15").await, ["ERROR"]);
    t.ask("AT+CUSD=1,\"AA180C3602\",15").await;
    t.until("\r\n+CUSD: 0,\"C2303BEC1E9775A098CC35A301\",15\r\n").await;
}

#[tokio::test(start_paused = true)]
async fn a_call_rings_until_the_caller_gives_up() {
    let sim = Simulator::default();
    let mut t = quiet(&sim).await;
    t.ask("AT+CLIP=1").await;
    sim.ring("+4915112345678");
    t.until("\r\nRING\r\n").await;
    t.until("+CLIP: \"+4915112345678\",145").await;
    t.until("\r\nRING\r\n").await;
    sim.stop_ringing();
    t.until("\r\nNO CARRIER\r\n").await;
    assert!(!t.in_the_next(Duration::from_secs(20)).await.contains("RING"));
}

#[tokio::test(start_paused = true)]
async fn tries_left_are_told_the_huawei_way() {
    let pin = Some("1234".into());
    let sim = Simulator::new(Options { profile: VendorProfile::huawei(), pin, ..Options::default() });
    let mut t = quiet(&sim).await;
    t.ask("AT+CPIN=0000").await;
    assert_eq!(t.ask("AT^CPIN?").await, ["^CPIN: SIM PIN,2,10,2,10,3", "OK"]);
    t.ask("AT+CPIN=1234").await;
    assert_eq!(t.ask("AT^CPIN?").await, ["^CPIN: READY,,10,3,10,3", "OK"]);
}
