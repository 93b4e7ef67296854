//! `smsbridge pdu decode` and `smsbridge pdu encode`: one line of input, one answer, written before the next line is
//! read, so that another program can keep one process and ask it.
//!
//! The codec explains PDUs; only the JSON of a request to encode is defined here. Every line is answered, if need be
//! with an error. It must never open a modem, a store or a network connection.

use std::io::{self, BufRead, IsTerminal as _, Write};

use clap::{Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};
use smsbridge_codec::analysis::{analyze, describe};
use smsbridge_codec::{
    Direction, Encoding, MessageClass, Reference, ReportRequest, SplitOptions, SubmitOptions, Validity,
    submit,
};

use super::manual;
use crate::escape;
use crate::log;

#[derive(Debug, Subcommand)]
pub(super) enum PduCommand {
    /// Explain hex PDUs, from the arguments or one per line of standard input
    #[command(after_long_help = manual::DECODE)]
    Decode {
        /// mt: to the phone; mo: from the phone
        #[arg(long, default_value = "mt")]
        direction: DirectionArg,
        /// One JSON object per line instead of a table
        #[arg(long)]
        json: bool,
        /// PDUs [default: standard input]
        pdus: Vec<String>,
    },
    /// Encode JSON requests, one per line of standard input, as PDUs
    #[command(after_long_help = manual::ENCODE)]
    Encode {
        /// Has no effect: the answer is always JSON
        #[arg(long)]
        json: bool,
    },
}

/// The direction of a PDU (TS 23.040 9.2.2).
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum DirectionArg {
    /// To the phone.
    Mt,
    /// From the phone.
    Mo,
}

impl From<DirectionArg> for Direction {
    fn from(direction: DirectionArg) -> Direction {
        match direction {
            DirectionArg::Mt => Direction::MobileTerminated,
            DirectionArg::Mo => Direction::MobileOriginated,
        }
    }
}

impl PduCommand {
    /// What is waited for from a terminal; none where nothing is.
    fn hint(&self) -> Option<&'static str> {
        match self {
            PduCommand::Decode { pdus, .. } if !pdus.is_empty() => None,
            PduCommand::Decode { .. } => Some("one PDU in hex a line; Ctrl-D ends"),
            PduCommand::Encode { .. } => {
                Some(r#"one request a line, such as {"to":"+4915112345678","text":"Hello"}; Ctrl-D ends"#)
            }
        }
    }

    /// True if every line could be decoded or encoded.
    pub(super) fn run(self) -> anyhow::Result<bool> {
        let (stdin, stdout) = (io::stdin().lock(), io::stdout().lock());
        if let Some(hint) = self.hint().filter(|_| stdin.is_terminal()) {
            log::say(hint);
        }
        let done = match self {
            PduCommand::Decode { direction, json, pdus } => {
                let arguments = pdus.join("\n");
                let input: Box<dyn BufRead> =
                    if pdus.is_empty() { Box::new(stdin) } else { Box::new(arguments.as_bytes()) };
                decode(input, stdout, direction.into(), json)
            }
            PduCommand::Encode { json: _ } => encode(stdin, stdout),
        };
        match done {
            // A reader that has seen enough closes the pipe.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(true),
            done => Ok(done?),
        }
    }
}

/// Explains hex PDUs that begin with the service centre address. With `json` each becomes one line: the fields, or
/// `{"error": "..."}`. Otherwise each becomes a table and an empty line.
///
/// Returns whether every line was a PDU.
fn decode(input: impl BufRead, mut output: impl Write, direction: Direction, json: bool) -> io::Result<bool> {
    let mut all = true;
    for_each_line(input, |line| {
        if json {
            match describe(line, direction) {
                Ok(description) => write_json(&mut output, &description)?,
                Err(error) => {
                    all = false;
                    write_json(&mut output, &Refusal { error: error.to_string() })?;
                }
            }
        } else {
            let analysis = analyze(line, direction);
            all &= analysis.error.is_none();
            writeln!(output, "{}", escape::lines(&analysis.to_string()))?;
        }
        output.flush()
    })?;
    Ok(all)
}

/// Encodes requests, one JSON object per line, as one JSON object per line with the PDUs or `{"error": "..."}`.
///
/// Returns whether every line was a request that could be encoded.
fn encode(input: impl BufRead, mut output: impl Write) -> io::Result<bool> {
    let mut all = true;
    for_each_line(input, |line| {
        let answer = match pdus(line) {
            Ok(pdus) => EncodeAnswer::Encoded(Encoded { pdus }),
            Err(error) => {
                all = false;
                EncodeAnswer::Refusal(Refusal { error })
            }
        };
        write_json(&mut output, &answer)?;
        output.flush()
    })?;
    Ok(all)
}

/// An answer of `smsbridge pdu encode`, a line for each request.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum EncodeAnswer {
    /// It was encoded.
    Encoded(Encoded),
    /// It cannot be.
    Refusal(Refusal),
}

/// Why a line cannot be decoded or encoded.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Refusal {
    /// In words.
    error: String,
}

/// A message as PDUs.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Encoded {
    /// One for each part.
    pdus: Vec<EncodedPdu>,
}

/// A PDU.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct EncodedPdu {
    /// Its octets in hexadecimal, the service centre address first.
    hex: String,
    /// The number in `AT+CMGS=`: octets without the service centre address.
    length: usize,
}

/// A request of `smsbridge pdu encode`. Not that of `sms/send`: there is no modem here, and no time.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EncodeRequest {
    /// The recipient's number, digits with or without `+`.
    to: String,
    /// The text.
    text: String,
    /// The alphabet.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "crate::wire::words::Of<Encoding>"))]
    encoding: Encoding,
    /// Whether each part asks for a status report.
    #[serde(default)]
    delivery_report: bool,
    /// Rounded up to the next relative validity period.
    #[serde(default)]
    validity_minutes: Option<u32>,
    /// Message class 0.
    #[serde(default)]
    flash: bool,
    /// The concatenation reference, of 16 bits if over 255; its low octet is TP-MR of the first part.
    #[serde(default)]
    reference: u16,
}

fn pdus(line: &str) -> Result<Vec<EncodedPdu>, String> {
    let request: EncodeRequest = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let reference = match u8::try_from(request.reference) {
        Ok(reference) => Reference::EightBit(reference),
        Err(_) => Reference::SixteenBit(request.reference),
    };
    let options = SubmitOptions::default()
        .with_split(SplitOptions::default().with_encoding(request.encoding).with_reference(reference))
        .with_message_reference(request.reference as u8)
        .with_report(if request.delivery_report { ReportRequest::EachPart } else { ReportRequest::None })
        .with_validity(request.validity_minutes.map(Validity::from_minutes))
        .with_class(request.flash.then_some(MessageClass::Class0));
    let pdus = submit(&request.to, &request.text, &options).map_err(|error| error.to_string())?;
    Ok(pdus.into_iter().map(|pdu| EncodedPdu { hex: pdu.hex, length: pdu.tpdu_length }).collect())
}

/// Calls `each` with every line, without the white space around it. Octets that are not UTF-8 become characters that
/// are neither hexadecimal nor JSON, so that such a line is answered like any other bad one.
fn for_each_line(mut input: impl BufRead, mut each: impl FnMut(&str) -> io::Result<()>) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        each(String::from_utf8_lossy(&line).trim())?;
    }
}

fn write_json(output: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    writeln!(output, "{}", escape::json(&serde_json::to_string(value)?))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn decoded(lines: &[u8], direction: Direction, json: bool) -> (String, bool) {
        let mut output = Vec::new();
        let all = decode(lines, &mut output, direction, json).unwrap();
        (String::from_utf8(output).unwrap(), all)
    }

    #[test]
    fn every_line_is_answered_whatever_it_is() {
        let input = b"\r\nxyz\n\xFF\xFE\n 00040B911346610089F600002080629173144800 \n";
        let (output, all) = decoded(input, Direction::MobileTerminated, true);
        assert!(!all);
        let errors: Vec<bool> = output.lines().map(|line| line.starts_with(r#"{"error":"#)).collect();
        assert_eq!(errors, [true, true, true, false], "{output}");
    }

    #[test]
    fn tables_are_separated_by_an_empty_line() {
        let input = b"00040B911346610089F600002080629173144800\n00040B911346610089F6\n";
        let (output, all) = decoded(input, Direction::MobileTerminated, false);
        assert!(!all);
        let tables: Vec<&str> = output.split("\n\n").collect();
        assert_eq!(tables.len(), 3, "{output}");
        assert!(tables[0].contains("TP-OA") && !tables[0].contains("error: "), "{output}");
        assert!(tables[1].contains("TP-OA") && tables[1].contains("\nerror: TP-PID at octet 10"), "{output}");
        assert_eq!(tables[2], "");
    }

    #[test]
    fn a_request_becomes_pdus_that_decode_to_it() {
        let input = json!({
            "to": "+4915112345678", "text": "Zähler ".repeat(30), "encoding": "auto", "delivery_report": true,
            "validity_minutes": 61, "flash": true, "reference": 255,
        });
        let mut output = Vec::new();
        assert!(encode(format!("{input}\n").as_bytes(), &mut output).unwrap());
        let output: Value = serde_json::from_slice(&output).unwrap();
        let pdus = output["pdus"].as_array().unwrap();
        assert_eq!(pdus.len(), 2);
        for (index, pdu) in pdus.iter().enumerate() {
            let digits = pdu["hex"].as_str().unwrap();
            assert_eq!(pdu["length"], digits.len() / 2 - 1);
            let (read, _) = decoded(digits.as_bytes(), Direction::MobileOriginated, true);
            let read: Value = serde_json::from_str(&read).unwrap();
            assert_eq!(read["to"]["display"], "+4915112345678");
            assert_eq!(read["class"], 0);
            assert_eq!(read["report_request"], true);
            assert_eq!(read["validity"]["minutes"], 65);
            assert_eq!(read["reference"], [255, 0][index]);
            assert_eq!(
                read["concat"],
                json!({"reference": 255, "total": 2, "sequence": index + 1, "bits": 8})
            );
        }
    }

    #[test]
    fn a_request_that_cannot_be_encoded_says_why() {
        let input = concat!(
            r#"{"to":"+49151","text":"x","ttl":5}"#,
            "\n",
            r#"{"to":"+49 151","text":"x"}"#,
            "\n",
            r#"{"to":"+49151","text":"Ж","encoding":"gsm7"}"#,
            "\nno JSON\n\n",
            r#"{"to":"+49151","text":"x"}"#,
        );
        let mut output = Vec::new();
        assert!(!encode(input.as_bytes(), &mut output).unwrap());
        let output = String::from_utf8(output).unwrap();
        let lines: Vec<&str> = output.lines().collect();
        assert_eq!(lines.len(), 6);
        assert!(lines[0].contains("unknown field `ttl`"), "{}", lines[0]);
        assert_eq!(lines[1], r#"{"error":"number: character 4 cannot be encoded"}"#);
        assert_eq!(lines[2], r#"{"error":"text: character 1 cannot be encoded"}"#);
        assert!(lines[3].starts_with(r#"{"error":"#) && lines[4].starts_with(r#"{"error":"#));
        assert_eq!(lines[5], r#"{"pdus":[{"hex":"00010005919451F100000178","length":11}]}"#);
    }
}
