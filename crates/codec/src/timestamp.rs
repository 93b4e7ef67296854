//! Time stamps: seven octets of swapped decimal digits (TS 23.040 9.2.3.11).
//!
//! Service centres send invalid ones, which must not cost the message. There is no clock here: times to encode come
//! from the caller.

use std::fmt;

/// A local time with its offset from UTC, to the second. Years are 1970 to 2069: the octets hold two digits, and 70 to
/// 99 are read as 19xx.
///
/// With the feature `serde` it is serialized as RFC 3339, as `to_string()` writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Timestamp {
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    quarter_hours: i8,
}

/// The greatest offset that the octets can hold: 79 quarters of an hour, 19 h 45 min.
const MAX_QUARTER_HOURS: i8 = 79;

impl Timestamp {
    /// The local date (year, month, day) and time (hour, minute, second), `quarter_hours` quarters of an hour east of UTC.
    /// `None` if the date is not one of 1970 to 2069, the time is invalid, or the offset exceeds 79 quarters.
    ///
    /// ```
    /// use smsbridge_codec::Timestamp;
    ///
    /// assert!(Timestamp::new((2028, 2, 29), (12, 0, 0), 4).is_some());
    /// assert_eq!(Timestamp::new((2026, 2, 29), (12, 0, 0), 4), None);
    /// ```
    pub fn new(
        (year, month, day): (u16, u8, u8),
        (hour, minute, second): (u8, u8, u8),
        quarter_hours: i8,
    ) -> Option<Self> {
        let valid = (1970..=2069).contains(&year)
            && (1..=12).contains(&month)
            && day >= 1
            && day <= days_in_month(year, month)
            && hour < 24
            && minute < 60
            && second < 60
            && (-MAX_QUARTER_HOURS..=MAX_QUARTER_HOURS).contains(&quarter_hours);
        valid.then_some(Timestamp { year, month, day, hour, minute, second, quarter_hours })
    }

    /// Reads the seven octets of TP-SCTS, TP-DT or an absolute TP-VP. `None` if they are not a valid time: digits over 9,
    /// month 13, 31 February, all zeros.
    ///
    /// ```
    /// use smsbridge_codec::Timestamp;
    ///
    /// let time = Timestamp::decode([0x62, 0x11, 0x22, 0x01, 0x51, 0x03, 0x21]).unwrap();
    /// assert_eq!(time.to_string(), "2026-11-22T10:15:30+03:00");
    /// assert_eq!(time.unix_seconds(), 1_795_331_730);
    /// assert_eq!(Timestamp::decode([0; 7]), None);
    /// ```
    pub fn decode(octets: [u8; 7]) -> Option<Self> {
        let year = digits(octets[0])?;
        let year = u16::from(year) + if year >= 70 { 1900 } else { 2000 };
        // The sign of the offset is bit 3 of the octet, in the first of the two digits.
        let quarters = digits(octets[6] & !0x08)?.cast_signed();
        let quarters = if octets[6] & 0x08 != 0 { -quarters } else { quarters };
        Timestamp::new(
            (year, digits(octets[1])?, digits(octets[2])?),
            (digits(octets[3])?, digits(octets[4])?, digits(octets[5])?),
            quarters,
        )
    }

    /// The seven octets of the time stamp.
    pub fn encode(self) -> [u8; 7] {
        let zone = semi_octets(self.quarter_hours.unsigned_abs());
        [
            semi_octets((self.year % 100) as u8),
            semi_octets(self.month),
            semi_octets(self.day),
            semi_octets(self.hour),
            semi_octets(self.minute),
            semi_octets(self.second),
            if self.quarter_hours < 0 { zone | 0x08 } else { zone },
        ]
    }

    /// The local time at `seconds` since 1970-01-01T00:00:00Z, `quarter_hours` quarters of an hour east of UTC. `None`
    /// outside the local years 1970 to 2069, or if the offset exceeds 79 quarters.
    ///
    /// ```
    /// let time = smsbridge_codec::Timestamp::from_unix(1_795_331_730, -20).unwrap();
    /// assert_eq!(time.to_string(), "2026-11-22T02:15:30-05:00");
    /// assert_eq!(time.encode(), [0x62, 0x11, 0x22, 0x20, 0x51, 0x03, 0x0A]);
    /// ```
    pub fn from_unix(seconds: i64, quarter_hours: i8) -> Option<Self> {
        let local = seconds.checked_add(i64::from(quarter_hours) * 900)?;
        let (days, second) = (local.div_euclid(86_400), local.rem_euclid(86_400) as u32);
        let (year, month, day) = civil_from_days(days)?;
        let time = ((second / 3600) as u8, (second / 60 % 60) as u8, (second % 60) as u8);
        Timestamp::new((year, month, day), time, quarter_hours)
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub fn unix_seconds(self) -> i64 {
        let time = i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second);
        days_from_civil(self.year, self.month, self.day) * 86_400 + time - i64::from(self.quarter_hours) * 900
    }

    /// The year, 1970 to 2069.
    pub fn year(self) -> u16 {
        self.year
    }

    /// The month, 1 to 12.
    pub fn month(self) -> u8 {
        self.month
    }

    /// The day of the month, 1 to 31.
    pub fn day(self) -> u8 {
        self.day
    }

    /// The hour, 0 to 23.
    pub fn hour(self) -> u8 {
        self.hour
    }

    /// The minute, 0 to 59.
    pub fn minute(self) -> u8 {
        self.minute
    }

    /// The second, 0 to 59.
    pub fn second(self) -> u8 {
        self.second
    }

    /// The offset from UTC in quarters of an hour, positive to the east: -79 to 79.
    pub fn quarter_hours(self) -> i8 {
        self.quarter_hours
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 with the offset of the time stamp: `2026-11-22T10:15:30+03:00`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Timestamp { year, month, day, hour, minute, second, quarter_hours } = self;
        let sign = if *quarter_hours < 0 { '-' } else { '+' };
        let zone = quarter_hours.unsigned_abs();
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        write!(f, "{sign}{:02}:{:02}", zone / 4, zone % 4 * 15)
    }
}

/// Two decimal digits, the low half first; `None` if either is over 9.
pub(crate) fn digits(octet: u8) -> Option<u8> {
    let (tens, ones) = (octet & 0x0F, octet >> 4);
    (tens < 10 && ones < 10).then_some(tens * 10 + ones)
}

/// A number under 100 as two decimal digits, the low half first.
pub(crate) fn semi_octets(number: u8) -> u8 {
    ((number % 10) << 4) | (number / 10)
}

fn days_in_month(year: u16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a later date.
fn days_from_civil(year: u16, month: u8, day: u8) -> i64 {
    let before = i64::from(year) - 1;
    // Leap days up to the year before, less the 477 up to 1969.
    let leap_days = before / 4 - before / 100 + before / 400 - 477;
    let months: i64 = (1..month).map(|month| i64::from(days_in_month(year, month))).sum();
    (before - 1969) * 365 + leap_days + months + i64::from(day) - 1
}

/// The date `days` days after 1970-01-01; `None` before that or after 2069.
fn civil_from_days(days: i64) -> Option<(u16, u8, u8)> {
    let mut days = u32::try_from(days).ok().filter(|&days| days < 100 * 366)?;
    for year in 1970..=2069 {
        for month in 1..=12 {
            let length = u32::from(days_in_month(year, month));
            if days < length {
                return Some((year, month, days as u8 + 1));
            }
            days -= length;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_the_same_at_every_offset() {
        for quarter_hours in -79..=79 {
            let time = Timestamp::from_unix(1_795_331_730, quarter_hours).unwrap();
            assert_eq!(time.unix_seconds(), 1_795_331_730);
            assert_eq!(Timestamp::decode(time.encode()), Some(time));
        }
        let time = Timestamp::from_unix(1_795_331_730, 12).unwrap();
        assert_eq!(time.to_string(), "2026-11-22T10:15:30+03:00");
    }

    #[test]
    fn every_day_from_1970_to_2069_converts_both_ways() {
        for day in 0..36_525 {
            let time = Timestamp::from_unix(day * 86_400, 0).unwrap();
            assert_eq!(time.unix_seconds(), day * 86_400, "{time}");
        }
        assert_eq!(Timestamp::from_unix(36_525 * 86_400, 0), None);
        assert_eq!(Timestamp::from_unix(-1, 0), None);
        assert_eq!(Timestamp::from_unix(i64::MAX, 1), None);
    }
}
