//! Carrying out USSD requests: at most once, nothing of it is stored before the network has answered.

use smsbridge_modem::{ModemError, ussd};
use tokio::time::Instant;

use super::connected::ConnectedModem;
use super::ussd::{UssdAnswer, UssdSession};
use super::ussd_text;
use crate::clock::now_ms;
use crate::event::{Event, UssdReply, UssdState};
use crate::modem_task::error::SessionError;
use crate::modem_task::task::ModemTask;
use crate::store::StoreError;
use crate::ussd_queue::{UssdAction, UssdRequest};

/// Carries out a request.
pub(super) async fn send(
    modem: &mut ConnectedModem<'_>,
    ussd: &mut UssdSession,
    request: UssdRequest,
) -> Result<(), SessionError> {
    let task = modem.task;
    if let Some(reason) = ussd.refusal(&request, &task.ussd_rules, Instant::now()) {
        return Ok(publish(task, UssdAnswer::failed(request.id, reason)).await?);
    }
    let UssdRequest { id, action } = request;
    let is_code = matches!(action, UssdAction::Code(_));
    match action {
        UssdAction::Cancel => {
            ussd::end(&mut modem.session).await?;
            ussd.end();
            let answer = UssdAnswer { id, text: None, state: UssdState::Done, logged: None };
            Ok(publish(modem.task, answer).await?)
        }
        UssdAction::Code(text) | UssdAction::Reply(text) => {
            if let Some(reason) = task.store.charge_ussd(task.config.name.clone(), now_ms()).await? {
                return Ok(publish(task, UssdAnswer::failed(id, reason)).await?);
            }
            // Else the network would take the code for a reply.
            if is_code
                && ussd.has_menu()
                && let Err(fault) = ussd::end(&mut modem.session).await
            {
                publish(task, UssdAnswer::failed(id, fault.to_string())).await?;
                return Err(fault.into());
            }
            // Before the command: the answer may come before its OK.
            ussd.begin(id, Instant::now());
            let Some(error) = send_text(modem, text).await else { return Ok(()) };
            let id = ussd.end();
            publish(modem.task, UssdAnswer::failed(id, error.words())).await?;
            match error {
                SendTextError::Refused(_) => Ok(()),
                SendTextError::Fault(fault) => Err(fault.into()),
            }
        }
    }
}

/// Why a text could not be handed to the network.
enum SendTextError {
    /// The session goes on.
    Refused(String),
    /// The session is over.
    Fault(ModemError),
}

impl SendTextError {
    fn words(&self) -> String {
        match self {
            SendTextError::Refused(reason) => reason.clone(),
            SendTextError::Fault(fault) => fault.to_string(),
        }
    }
}

/// Tries the form of the modem's family first, then the other one.
async fn send_text(modem: &mut ConnectedModem<'_>, text: String) -> Option<SendTextError> {
    let packed = ussd_text::pack(&text);
    let forms = match modem.session.profile().ussd_packed {
        true => [packed, Some(text)],
        false => [Some(text), packed],
    };
    let mut refusal = "the code cannot be written in the alphabet of USSD".to_owned();
    for form in forms.into_iter().flatten() {
        match ussd::send(&mut modem.session, &form).await {
            Ok(()) => return None,
            Err(ModemError::Refused { error, .. }) => refusal = format!("the modem refused it: {error}"),
            Err(fault) => return Some(SendTextError::Fault(fault)),
        }
    }
    Some(SendTextError::Refused(refusal))
}

/// Publishes an answer.
pub(super) async fn publish(task: &ModemTask, answer: UssdAnswer) -> Result<(), StoreError> {
    let UssdAnswer { id, text, state, logged } = answer;
    let reply = UssdReply { modem: task.config.name.clone(), id, text, state, logged };
    task.store.publish(Event::UssdReply(reply)).await
}

/// Refuses the requests that wait for a modem that is not online: nobody wants yesterday's balance.
pub(in crate::modem_task) async fn refuse_ussd(task: &ModemTask, reason: &str) {
    while let Some(request) = task.requests.ussd.pop() {
        let answer = UssdAnswer::failed(request.id, format!("the modem is not online: {reason}"));
        if let Err(error) = publish(task, answer).await {
            error.log();
        }
    }
}
