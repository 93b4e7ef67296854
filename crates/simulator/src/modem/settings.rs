//! What AT commands set and a restart puts back.

use super::answer::ResultForm;
use super::storage::Storage;
use crate::options::LeftBehind;
use crate::vendor_profile::VendorProfile;

/// The settings of one modem.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) echo: bool,
    pub(super) results: ResultForm,
    pub(super) text_mode: bool,
    pub(super) cmee: u8,
    pub(super) csms: u8,
    pub(super) cnmi: [u8; 5],
    pub(super) memory: [Storage; 3],
    /// `<n>` of +CREG and its like, in the order of `Domain::ALL`.
    pub(super) creg: [u8; 4],
    pub(super) clip: bool,
    pub(super) cusd: bool,
    pub(super) charset: &'static str,
    pub(super) cops_format: u8,
}

impl Settings {
    pub(super) fn at_power_up(profile: &VendorProfile) -> Self {
        let first = profile.storages.first().copied().unwrap_or(Storage::Sm);
        Self {
            echo: !profile.never_echoes,
            results: ResultForm::default(),
            text_mode: profile.text_mode,
            cmee: 0,
            csms: 0,
            cnmi: [0; 5],
            memory: [first; 3],
            creg: [0; 4],
            clip: false,
            cusd: false,
            charset: "GSM",
            cops_format: 0,
        }
    }

    /// ATZ and AT&F put back what V.250 and TS 27.005 call the profile; the storages stay.
    pub(super) fn restore(&mut self, profile: &VendorProfile) {
        *self = Self { memory: self.memory, ..Self::at_power_up(profile) };
    }

    /// Takes over what another program left.
    pub(super) fn leave_behind(&mut self, left: &LeftBehind) {
        self.results = ResultForm { numeric: left.numeric_results, none: left.no_results };
        self.text_mode |= left.text_mode;
        if left.ucs2 {
            self.charset = "UCS2";
        }
    }
}
