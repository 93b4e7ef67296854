//! TP-PI, the parameter indicator, and the optional fields that it announces at the end of reports (TS 23.040 9.2.3.27).

use super::first_octet::check_coding;
use crate::dcs::Dcs;
use crate::error::{DecodeError, EncodeError, Field};
use crate::octets::Octets;
use crate::pid::Pid;
use crate::user_data::UserData;

/// The optional fields at the end of a report. TP-PI only lists those that follow, so it is not a field here.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct Parameters<'a> {
    /// TP-PID.
    pub pid: Option<Pid>,
    /// TP-DCS. Without it, user data is in the default alphabet.
    pub dcs: Option<Dcs>,
    /// TP-UD.
    pub user_data: Option<UserData<'a>>,
}

impl<'a> Parameters<'a> {
    /// Reads TP-PI and its extension octets (announced by bit 7), which are reserved.
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
            parameters.pid = Some(Pid(octets.octet(Field::ProtocolIdentifier)?));
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

    /// Whether there are no fields.
    pub fn is_empty(&self) -> bool {
        self.indicator() == 0
    }

    pub(super) fn has_header(&self) -> bool {
        self.user_data.as_ref().is_some_and(UserData::has_header)
    }

    pub(super) fn write(&self, octets: &mut Vec<u8>) -> Result<(), EncodeError> {
        octets.extend(self.pid.map(|pid| pid.0));
        octets.extend(self.dcs.map(|dcs| dcs.0));
        if let Some(user_data) = &self.user_data {
            check_coding(self.dcs.unwrap_or_default(), user_data)?;
            user_data.write(octets);
        }
        Ok(())
    }

    /// The same fields, owning its octets.
    pub fn into_owned(self) -> Parameters<'static> {
        Parameters { pid: self.pid, dcs: self.dcs, user_data: self.user_data.map(UserData::into_owned) }
    }
}
