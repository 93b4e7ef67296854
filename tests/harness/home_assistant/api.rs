//! Asks a Home Assistant over HTTP, and over a websocket of its own for what HTTP does not offer.

use std::time::Duration;

use serde_json::{Value, json};
use ureq::Agent;

use super::websocket::Connection;
use crate::harness::wait::wait_for;

pub struct Api {
    port: u16,
    token: String,
    agent: Agent,
}

impl Api {
    pub fn new(port: u16, token: String) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // Home Assistant would wait for a connection that is kept when it stops.
            .max_idle_connections(0)
            .timeout_global(Some(Duration::from_secs(60)));
        Self { port, token, agent: config.build().into() }
    }

    /// Where its pages are.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Whether it has started everything.
    pub fn is_running(&self) -> bool {
        let answer = self.agent.get(self.path("config")).header("Authorization", self.authorization()).call();
        let config = answer.ok().and_then(|mut answer| answer.body_mut().read_json::<Value>().ok());
        config.is_some_and(|config| config["state"] == "RUNNING")
    }

    /// GET below `/api/`; the status and the body, which is JSON or text.
    pub fn get(&self, path: &str) -> (u16, Value) {
        read(self.agent.get(self.path(path)).header("Authorization", self.authorization()).call())
    }

    /// POST below `/api/`, in the same way.
    pub fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = self.agent.post(self.path(path)).header("Authorization", self.authorization());
        read(request.send_json(body))
    }

    /// All entities with their states.
    pub fn states(&self) -> Vec<Value> {
        match self.get("states") {
            (200, Value::Array(states)) => states,
            answer => panic!("Home Assistant does not tell its states: {answer:?}"),
        }
    }

    /// An entity with its `state` and `attributes`, or `None` where there is no such one.
    pub fn state(&self, entity: &str) -> Option<Value> {
        match self.get(&format!("states/{entity}")) {
            (200, state) => Some(state),
            (404, _) => None,
            answer => panic!("Home Assistant does not tell the state of {entity}: {answer:?}"),
        }
    }

    /// Waits until the entity is there and its state is `wanted`.
    pub fn wait_for_state(&self, entity: &str, wanted: &str) -> Value {
        self.wait_for(entity, &format!("to be {wanted:?}"), |state| state["state"] == wanted)
    }

    /// Waits until the entity is there and satisfies `is_it`; `what` completes "waited for ENTITY".
    pub fn wait_for(&self, entity: &str, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        wait_for(&format!("{entity} {what}"), || self.state(entity).filter(&is_it))
    }

    /// Waits until there is no such entity.
    pub fn wait_until_gone(&self, entity: &str) {
        wait_for(&format!("{entity} to go"), || self.state(entity).is_none().then_some(()));
    }

    /// Calls a service as an automation does, such as `notify.send_message`; a refusal fails the test.
    pub fn call(&self, service: &str, data: &Value) {
        let answer = self.post(&format!("services/{}", service.replace('.', "/")), data);
        assert_eq!(answer.0, 200, "Home Assistant refuses {service} with {data}: {}", answer.1);
    }

    /// What a template renders to.
    pub fn template(&self, template: &str) -> String {
        let (status, text) = self.post("template", &json!({"template": template}));
        assert_eq!(status, 200, "Home Assistant refuses the template {template}: {text}");
        text.as_str().map_or_else(|| text.to_string(), str::to_owned)
    }

    /// Fires an event of its bus.
    pub fn fire(&self, event: &str, data: &Value) {
        let answer = self.post(&format!("events/{event}"), data);
        assert_eq!(answer.0, 200, "Home Assistant refuses the event {event}: {}", answer.1);
    }

    /// A websocket, logged in.
    pub fn connect(&self) -> Connection {
        Connection::open(self.port, &self.token)
    }

    /// One command over the websocket, such as `{"type": "blueprint/list", "domain": "automation"}`; its result.
    pub fn command(&self, command: &Value) -> Value {
        self.connect().command(command)
    }

    /// A subscription to events of its bus, such as `sms.incoming_sms` or `state_changed`.
    pub fn events(&self, event: &str) -> Connection {
        let mut connection = self.connect();
        connection.command(&json!({"type": "subscribe_events", "event_type": event}));
        connection
    }

    /// What the registry has of an entity: `unique_id`, `entity_category`, `device_id`, …; `None`: there is no such one.
    pub fn registered_entity(&self, entity: &str) -> Option<Value> {
        let command = json!({"type": "config/entity_registry/get", "entity_id": entity});
        let answer = self.connect().ask(&command);
        (answer["success"] == true).then(|| answer["result"].clone())
    }

    /// All entities of MQTT in the registry.
    pub fn registered_entities(&self) -> Vec<Value> {
        self.list("config/entity_registry/list")
            .into_iter()
            .filter(|entity| entity["platform"] == "mqtt")
            .collect()
    }

    /// All devices in the registry.
    pub fn devices(&self) -> Vec<Value> {
        self.list("config/device_registry/list")
    }

    /// The device with this identifier, as discovery calls it.
    pub fn device(&self, identifier: &str) -> Option<Value> {
        self.devices().into_iter().find(|device| device["identifiers"] == json!([["mqtt", identifier]]))
    }

    /// Gives an entity another id, as its user does in the dialog of its settings.
    pub fn rename(&self, entity: &str, new_id: &str, name: &str) {
        self.command(&json!({
            "type": "config/entity_registry/update", "entity_id": entity, "new_entity_id": new_id, "name": name,
        }));
    }

    /// The last runs of an automation or script, with the reason why a condition stopped them.
    pub fn traces(&self, domain: &str, item: &str) -> Vec<Value> {
        let mut connection = self.connect();
        let list = connection.command(&json!({"type": "trace/list", "domain": domain, "item_id": item}));
        let runs = list.as_array().cloned().unwrap_or_default();
        let get = |run: &Value| {
            connection.command(&json!({
                "type": "trace/get", "domain": domain, "item_id": item, "run_id": run["run_id"],
            }))
        };
        runs.iter().map(get).collect()
    }

    fn list(&self, command: &str) -> Vec<Value> {
        match self.command(&json!({"type": command})) {
            Value::Array(list) => list,
            other => panic!("{command} is no list: {other}"),
        }
    }

    fn path(&self, path: &str) -> String {
        format!("{}/api/{path}", self.url())
    }

    fn authorization(&self) -> String {
        format!("Bearer {}", self.token)
    }
}

fn read(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> (u16, Value) {
    let mut answer = answer.unwrap_or_else(|e| panic!("Home Assistant does not answer: {e}"));
    let text = answer.body_mut().read_to_string().expect("text of Home Assistant");
    (answer.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::String(text)))
}
