//! The flags of the first octet that several types have, and the check that TP-DCS describes the user data.

use crate::dcs::Dcs;
use crate::error::{EncodeError, EncodeErrorKind, Field};
use crate::user_data::UserData;

/// TP-UDHI in the first octet.
pub(super) const HEADER_INDICATOR: u8 = 0x40;
/// TP-RP in the first octet.
pub(super) const REPLY_PATH: u8 = 0x80;

/// The bit of a flag that is set, otherwise 0.
pub(super) fn flag(set: bool, bit: u8) -> u8 {
    if set { bit } else { 0 }
}

/// Refuses a data coding scheme that does not describe the user data.
pub(super) fn check_coding(dcs: Dcs, user_data: &UserData<'_>) -> Result<(), EncodeError> {
    if user_data.agrees_with(dcs) {
        Ok(())
    } else {
        Err(EncodeError::new(Field::DataCodingScheme, EncodeErrorKind::WrongCoding))
    }
}
