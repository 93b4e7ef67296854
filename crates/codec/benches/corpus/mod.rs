//! What is measured: a thousand PDUs and a thousand texts to send, from a seeded generator, so that every run on every machine
//! reads and writes the same.
//!
//! Of the PDUs 60 % are SMS-DELIVER, 25 % SMS-SUBMIT, 15 % SMS-STATUS-REPORT. Of the texts in them two thirds go in the 7-bit
//! alphabet, one in eight of these with characters of the extension table, the rest in UCS-2; four in ten are a part of
//! several. The proportions are those of a mailbox: words, digits, a few emoji.

use smsbridge_codec::{
    Address, Concatenation, Dcs, Deliver, Direction, Parameters, Pdu, ReportRequest, SplitOptions, Status,
    StatusReport, SubmitOptions, Timestamp, Tpdu, Validity, split, submit,
};

/// With another seed, figures cannot be compared.
const SEED: u64 = 23_040;

/// A line as a modem gives it, service centre address in front.
pub struct Line {
    pub digits: String,
    pub direction: Direction,
}

/// A text to send and the number it goes to.
pub struct Job {
    pub to: String,
    pub text: String,
}

pub struct Corpus {
    pub delivers: Vec<Line>,
    pub submits: Vec<Line>,
    pub status_reports: Vec<Line>,
    pub jobs: Vec<Job>,
}

impl Corpus {
    pub fn new() -> Self {
        let mut random = Random(SEED);
        Corpus {
            delivers: (0..600).map(|_| random.deliver()).collect(),
            submits: (0..250).map(|_| random.submit()).collect(),
            status_reports: (0..150).map(|_| random.status_report()).collect(),
            jobs: (0..1000).map(|_| random.job()).collect(),
        }
    }

    /// All PDUs, with the types mixed as they would be on a line.
    pub fn mixed(&self) -> Vec<&Line> {
        let kinds = [&self.delivers, &self.submits, &self.status_reports];
        let mut placed: Vec<(usize, &Line)> = Vec::new();
        for lines in kinds {
            placed.extend(lines.iter().enumerate().map(|(index, line)| (index * 1000 / lines.len(), line)));
        }
        placed.sort_by_key(|(place, _)| *place);
        placed.into_iter().map(|(_, line)| line).collect()
    }
}

const ENGLISH: &str = "your parcel will be delivered today between code is do not share it with anyone the meeting \
    moved to please call me back when you can thanks see you at home soon water meter reading alarm pump station";
const GERMAN: &str =
    "Störung Pumpe läuft wieder Zählerstand grün über Straße Termin bestätigt für morgen früh Grüße";
const SIGNS: &str = "{12} [ok] 5€ a^b ~30 x|y C:\\log";
const RUSSIAN: &str =
    "показание счётчика принято ваш код никому не сообщайте доставка завтра позвоните мне когда сможете";
const CHINESE: &str = "您的验证码是请勿泄露 快递已到达 会议改到下午三点 谢谢 水位报警 明天见";
const EMOJI: &str = "😀 👍 ok 🚀 ❤ see you 🎉 great";

/// A small generator (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to below the limit.
    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(b'0' + self.below(10) as u8)).collect()
    }

    fn number(&mut self) -> String {
        let count = 9 + self.below(4);
        format!("+{}{}", 1 + self.below(9), self.digits(count))
    }

    fn sender(&mut self) -> Address {
        match self.below(5) {
            0 => Address::alphanumeric(["Bank", "Parcel24", "InfoService"][self.below(3)]).unwrap(),
            1 => Address::from_number(&self.digits(5)).unwrap(),
            _ => Address::from_number(&self.number()).unwrap(),
        }
    }

    fn time(&mut self) -> Timestamp {
        let seconds = 1_600_000_000 + self.below(200_000_000) as i64;
        Timestamp::from_unix(seconds, self.below(60) as i8 - 20).unwrap()
    }

    /// Words of about so many characters.
    fn text(&mut self, length: usize) -> String {
        let (words, more) = match self.below(24) {
            0..=11 => (ENGLISH, ENGLISH),
            12..=13 => (ENGLISH, GERMAN),
            14..=15 => (ENGLISH, SIGNS),
            16..=20 => (RUSSIAN, RUSSIAN),
            21..=22 => (CHINESE, CHINESE),
            _ => (ENGLISH, EMOJI),
        };
        let mut text = String::new();
        let mut characters = 0;
        while characters < length {
            if characters > 0 {
                text.push(' ');
            }
            let from: Vec<&str> = if self.below(3) == 0 { more } else { words }.split(' ').collect();
            let word = if self.below(8) == 0 { self.digits(4) } else { from[self.below(from.len())].into() };
            characters += word.chars().count() + 1;
            text.push_str(&word);
        }
        text
    }

    /// The length of a message: most are short, some take several parts.
    fn length(&mut self) -> usize {
        match self.below(20) {
            0..=7 => 5 + self.below(35),
            8..=15 => 40 + self.below(60),
            16..=18 => 100 + self.below(100),
            _ => 200 + self.below(250),
        }
    }

    /// User data of one part; in three cases of ten, of a concatenated message.
    fn user_data(&mut self) -> smsbridge_codec::UserData<'static> {
        let length = if self.below(10) < 3 { 180 } else { 20 + self.below(120) };
        let reference = smsbridge_codec::Reference::EightBit(self.next() as u8);
        let parts = split(&self.text(length), &SplitOptions::default().with_reference(reference)).unwrap();
        parts[self.below(parts.len())].clone()
    }

    fn line(&mut self, direction: Direction, tpdu: Tpdu<'_>) -> Line {
        let service_centre = match direction {
            Direction::MobileTerminated => Some(Address::from_number(&self.number()).unwrap()),
            Direction::MobileOriginated => None,
        };
        Line { digits: Pdu { service_centre, tpdu }.encode().unwrap().hex, direction }
    }

    fn deliver(&mut self) -> Line {
        let user_data = self.user_data();
        let dcs = Dcs::new(user_data.alphabet(), None);
        let deliver = Deliver::new(self.sender(), dcs, self.time(), user_data);
        self.line(Direction::MobileTerminated, Tpdu::Deliver(deliver))
    }

    fn submit(&mut self) -> Line {
        let user_data = self.user_data();
        let dcs = Dcs::new(user_data.alphabet(), None);
        let to = Address::from_number(&self.number()).unwrap();
        let mut submit = smsbridge_codec::Submit::new(to, dcs, user_data);
        submit.validity = (self.below(2) == 0).then(|| Validity::from_minutes(60 * 24));
        submit.status_report_request = self.below(2) == 0;
        self.line(Direction::MobileOriginated, Tpdu::Submit(submit))
    }

    fn status_report(&mut self) -> Line {
        let to = Address::from_number(&self.number()).unwrap();
        let status = Status([0x00, 0x00, 0x00, 0x30, 0x46][self.below(5)]);
        let mut report = StatusReport::new(self.next() as u8, to, self.time(), self.time(), status);
        report.parameters = (self.below(4) == 0).then(Parameters::default);
        self.line(Direction::MobileTerminated, Tpdu::StatusReport(report))
    }

    fn job(&mut self) -> Job {
        let length = self.length();
        Job { to: self.number(), text: self.text(length) }
    }
}

/// The size of the corpus, so that figures can be compared.
pub fn describe(corpus: &Corpus) -> String {
    let lines = corpus.mixed();
    let octets: usize = lines.iter().map(|line| line.digits.len() / 2).sum();
    let characters: usize = corpus.jobs.iter().map(|job| job.text.chars().count()).sum();
    let options = SubmitOptions::default().with_report(ReportRequest::EachPart);
    let pdus: usize = corpus.jobs.iter().map(|job| submit(&job.to, &job.text, &options).unwrap().len()).sum();
    let part = |line: &&&Line| {
        let pdu = Pdu::decode_hex(&line.digits, line.direction).unwrap();
        let place: Option<Concatenation> = pdu.tpdu.user_data().and_then(|data| data.concatenation());
        place.is_some()
    };
    format!(
        "{} PDUs of {} octets on average, {} of them parts of several; {} texts of {} characters on average, {pdus} PDUs",
        lines.len(),
        octets / lines.len(),
        lines.iter().filter(part).count(),
        corpus.jobs.len(),
        characters / corpus.jobs.len(),
    )
}
