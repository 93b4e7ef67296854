//! What a user of the gateway can do about an error of the modem crate, which knows neither our configuration nor our
//! commands.
//!
//! Pure. Every place that shows such an error to a person asks here.

use smsbridge_modem::SimStatus;
use smsbridge_modem::detect::ProbeProblem;
use smsbridge_modem::port::PortError;
use smsbridge_modem::{LinkFault, ModemError};

/// An error in opening a port, with what to do about it.
pub fn port_error(error: &PortError) -> String {
    let remedy = match error {
        PortError::Denied { group, .. } => format!(
            "add the user to that group (sudo usermod -aG {group} $USER, then log in again; in a container: pass the \
             device and --group-add {group})"
        ),
        PortError::Busy { holder: Some(holder), .. } if holder.name.contains("ModemManager") => {
            "keep ModemManager off it with a udev rule that sets ENV{ID_MM_DEVICE_IGNORE}=\"1\" (`smsbridge detect` \
             prints it), or stop ModemManager"
                .to_owned()
        }
        PortError::Busy { holder: Some(_), .. } => {
            "stop that program, or use another port of the modem".to_owned()
        }
        PortError::Busy { holder: None, .. } if cfg!(windows) => {
            "close the program that has it, or use another port of the modem".to_owned()
        }
        PortError::Busy { holder: None, .. } => {
            "`sudo fuser -v` on the device names it; stop that program, or use another port of the modem".to_owned()
        }
        PortError::NoModem(_) => "`smsbridge detect --all` lists all ports".to_owned(),
        PortError::Several(_) => "set imei or port of this [[modem]] to choose one".to_owned(),
        _ => return error.to_string(),
    };
    format!("{error}; {remedy}")
}

/// An error of the modem, with what to do about it.
pub fn modem_error(error: &ModemError) -> String {
    match error {
        ModemError::Sim(status) => sim_status(status),
        ModemError::Link(LinkFault::NoAnswer { .. }) => {
            format!("{error} (`smsbridge detect` lists the ports)")
        }
        _ => error.to_string(),
    }
}

/// What the SIM asks for, with what to do about it.
pub fn sim_status(status: &SimStatus) -> String {
    let remedy = match status {
        SimStatus::Ready => return status.to_string(),
        SimStatus::PinRequired { .. } => "set pin or pin_file of this [[modem]]",
        SimStatus::PukRequired => "put it into a phone, enter the PUK there, set a new PIN",
        SimStatus::Missing => "insert one, or check the holder",
        SimStatus::Other(_) => "put it into a phone to see why",
    };
    format!("{status}: {remedy}")
}

/// What `smsbridge detect` found wrong with a port.
pub fn probe_problem(problem: &ProbeProblem) -> String {
    match problem {
        ProbeProblem::Port(error) => port_error(error),
        ProbeProblem::Sim(status) => sim_status(status),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_may_not_be_opened_names_the_command_that_permits_it() {
        let denied = PortError::Denied { port: "/dev/ttyUSB0".to_owned(), group: "dialout".to_owned() };
        let words = port_error(&denied);
        assert!(words.contains("/dev/ttyUSB0") && words.contains("usermod -aG dialout"), "{words}");
    }
}
