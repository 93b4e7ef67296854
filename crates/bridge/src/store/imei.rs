//! Which modem was last at work under which name: by it a modem is found again whose port has become something else.

use super::engine::Store;
use super::error::StoreError;
use super::facts;
use crate::message::Name;

fn fact(modem: &Name) -> String {
    format!("imei {modem}")
}

impl Store {
    /// The IMEI of the modem that was last at work under this name.
    pub async fn imei(&self, modem: &Name) -> Result<Option<String>, StoreError> {
        let fact = fact(modem);
        self.write(move |tx| facts::read(tx, &fact)).await
    }

    /// Remembers it.
    pub async fn set_imei(&self, modem: &Name, imei: String) -> Result<(), StoreError> {
        let fact = fact(modem);
        self.write(move |tx| facts::write(tx, &fact, &imei)).await
    }
}
