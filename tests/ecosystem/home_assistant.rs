//! What people see of their modem in the real Home Assistant, and what they do with it there.

use serde_json::json;

use crate::harness::broker::Login;
use crate::harness::home_assistant::HomeAssistant;
use crate::harness::home_assistant::setup::Mqtt;
use crate::harness::rig::Rig;
use crate::harness::wait::wait_until;

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn an_automation_publishes_a_request_and_the_sms_is_sent() {
    let rig = Rig::start();
    let login = Login::observer();
    let mqtt = Mqtt { port: rig.broker.port, login: Some(&login), prefix: "homeassistant" };
    let mut ha = HomeAssistant::prepare(&mqtt);
    ha.write(
        "automations.yaml",
        r#"
- id: doorbell
  alias: Doorbell
  triggers: [{trigger: event, event_type: doorbell}]
  actions:
    - action: mqtt.publish
      data: {topic: sms/send, payload: '{"id": "ring-1", "to": "+4915112345678", "text": "someone is at the door"}'}
"#,
    );
    ha.start();
    ha.api.wait_for_state("automation.doorbell", "on");
    ha.api.fire("doorbell", &json!({}));
    rig.client.wait_for_result("ring-1", "sent");
    assert_eq!(rig.modem.submits().len(), 1);
    wait_until("the trace of the automation", || ha.api.traces("automation", "doorbell").len() == 1);
    ha.assert_no_complaints();
}
