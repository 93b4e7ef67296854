//! Types of the domain as columns: each is written and read in one form.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

use super::idle::Sendable;
use crate::event::{Event, MessageState};
use crate::message::Name;
use crate::pdu::DeliveryStatus;
use crate::request::Body;

impl ToSql for Name {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.as_str().to_sql()
    }
}

impl FromSql for Name {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str()?.parse().map_err(|error: String| FromSqlError::Other(error.into()))
    }
}

impl ToSql for MessageState {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.as_str().to_sql()
    }
}

impl FromSql for MessageState {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let word = value.as_str()?;
        let known = MessageState::ALL.into_iter().find(|state| state.as_str() == word);
        known.ok_or_else(|| FromSqlError::Other(format!("{word:?} is not a state").into()))
    }
}

const DELIVERY_STATUS: [(DeliveryStatus, &str); 3] = [
    (DeliveryStatus::Delivered, "delivered"),
    (DeliveryStatus::Pending, "pending"),
    (DeliveryStatus::Failed, "failed"),
];

impl ToSql for DeliveryStatus {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let word = DELIVERY_STATUS.iter().find(|(status, _)| status == self).map(|(_, word)| *word);
        Ok(word.unwrap_or("failed").into())
    }
}

impl FromSql for DeliveryStatus {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let word = value.as_str()?;
        let known = DELIVERY_STATUS.iter().find(|(_, known)| *known == word).map(|(status, _)| *status);
        known.ok_or_else(|| FromSqlError::Other(format!("{word:?} is not a delivery status").into()))
    }
}

impl ToSql for Event {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.to_stored().into())
    }
}

impl FromSql for Event {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Event::from_stored(value.as_str()?).map_err(|error| FromSqlError::Other(error.into()))
    }
}

impl ToSql for Body {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let json = serde_json::to_string(self);
        Ok(json.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?.into())
    }
}

impl FromSql for Body {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        serde_json::from_str(value.as_str()?).map_err(|error| FromSqlError::Other(error.into()))
    }
}

impl Sendable {
    /// Reads the columns `modem`, `sim` and `avoided_by` of a message.
    pub(super) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Sendable> {
        Ok(Sendable { modem: row.get("modem")?, sim: row.get("sim")?, avoided_by: row.get("avoided_by")? })
    }
}
