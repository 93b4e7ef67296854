//! The versioned form in which the store keeps events.

use serde::{Deserialize, Serialize};

use super::happened::Event;

/// The version of the stored form. A change that older rows cannot be read with raises it.
const STORED_VERSION: u32 = 1;

/// Why a stored event cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum StoredEventError {
    /// It is not of the stored form.
    #[error("the stored event cannot be read: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Another version of smsbridge wrote it.
    #[error("the stored event has version {0}, this smsbridge reads version {STORED_VERSION}")]
    Version(u32),
}

#[derive(Serialize)]
struct StoredRef<'a> {
    version: u32,
    event: &'a Event,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

#[derive(Deserialize)]
struct Stored {
    event: Event,
}

impl Event {
    /// The form kept in the store.
    pub fn to_stored(&self) -> String {
        // Cannot fail: all keys are strings.
        serde_json::to_string(&StoredRef { version: STORED_VERSION, event: self }).unwrap_or_default()
    }

    /// Reads the form kept in the store.
    pub fn from_stored(text: &str) -> Result<Event, StoredEventError> {
        let Version { version } = serde_json::from_str(text)?;
        if version != STORED_VERSION {
            return Err(StoredEventError::Version(version));
        }
        let Stored { event } = serde_json::from_str(text)?;
        Ok(event)
    }
}

#[cfg(test)]
mod tests {
    use super::super::happened::{MessageState, ResultFields, SendResult};
    use super::*;
    use crate::failure::{Failure, FailureCode};

    fn result() -> Event {
        Event::Result(SendResult {
            id: Some("order-17".to_owned()),
            to: Some("+491".to_owned()),
            contact: None,
            state: MessageState::Failed,
            is_final: true,
            at: 1_795_331_735_002,
            fields: ResultFields {
                error: Some(Failure::permanent(FailureCode::Cms(38), "network out of order")),
                ..ResultFields::default()
            },
        })
    }

    #[test]
    fn an_event_is_read_back_as_it_was_stored() {
        let stored = result().to_stored();
        assert_eq!(Event::from_stored(&stored).unwrap(), result());
    }

    #[test]
    fn an_event_of_another_version_is_refused_in_words() {
        let stored = result().to_stored().replace("\"version\":1", "\"version\":2");
        let error = Event::from_stored(&stored).unwrap_err().to_string();
        assert!(error.contains("version 2"), "{error}");
        assert!(Event::from_stored("{}").is_err());
    }
}
