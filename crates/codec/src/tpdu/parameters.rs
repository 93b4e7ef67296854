//! Owns TP-PI and the optional fields it announces (TS 23.040 9.2.3.27): the tail of reports.

use super::check_coding;
use crate::dcs::Dcs;
use crate::error::{DecodeError, EncodeError, Field};
use crate::octets::Octets;
use crate::user_data::UserData;

/// The optional fields at the end of a report. Which of them are there is all that TP-PI says, so it is not kept apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Parameters<'a> {
    /// TP-PID.
    pub pid: Option<u8>,
    /// TP-DCS. User data without it is in the default alphabet.
    pub dcs: Option<Dcs>,
    /// TP-UD.
    pub user_data: Option<UserData<'a>>,
}

impl<'a> Parameters<'a> {
    /// Reads TP-PI and the octets that extend it (bit 7), which have no meaning yet.
    pub(super) fn read_indicator(octets: &mut Octets<'a>) -> Result<u8, DecodeError> {
        let indicator = octets.octet(Field::ParameterIndicator)?;
        let mut last = indicator;
        while last & 0x80 != 0 {
            last = octets.octet(Field::ParameterIndicator)?;
        }
        Ok(indicator)
    }

    /// Reads the fields that TP-PI announces.
    pub(super) fn read(
        indicator: u8,
        has_header: bool,
        octets: &mut Octets<'a>,
    ) -> Result<Self, DecodeError> {
        let mut parameters = Parameters::default();
        if indicator & 0x01 != 0 {
            parameters.pid = Some(octets.octet(Field::ProtocolIdentifier)?);
        }
        if indicator & 0x02 != 0 {
            parameters.dcs = Some(Dcs(octets.octet(Field::DataCodingScheme)?));
        }
        if indicator & 0x04 != 0 {
            let dcs = parameters.dcs.unwrap_or_default();
            parameters.user_data = Some(UserData::read(octets, dcs, has_header)?);
        }
        Ok(parameters)
    }

    /// TP-PI for these fields.
    pub fn indicator(&self) -> u8 {
        u8::from(self.pid.is_some())
            | u8::from(self.dcs.is_some()) << 1
            | u8::from(self.user_data.is_some()) << 2
    }

    /// Whether no field is there.
    pub fn is_empty(&self) -> bool {
        self.indicator() == 0
    }

    pub(super) fn has_header(&self) -> bool {
        self.user_data.as_ref().is_some_and(UserData::has_header)
    }

    pub(super) fn write(&self, octets: &mut Vec<u8>) -> Result<(), EncodeError> {
        octets.extend(self.pid);
        octets.extend(self.dcs.map(|dcs| dcs.0));
        if let Some(user_data) = &self.user_data {
            check_coding(self.dcs.unwrap_or_default(), user_data)?;
            user_data.write(octets);
        }
        Ok(())
    }

    /// The same, not tied to the octets it was read from.
    pub fn into_owned(self) -> Parameters<'static> {
        Parameters { pid: self.pid, dcs: self.dcs, user_data: self.user_data.map(UserData::into_owned) }
    }
}
