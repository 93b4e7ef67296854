//! Texts in columns of a terminal. Pure.
//!
//! Widths are what a terminal takes: a Chinese character or an emoji has two columns.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use unicode_width::UnicodeWidthStr as _;

#[cfg(feature = "demo")]
use unicode_segmentation::UnicodeSegmentation as _;

/// A recipient, with the name of the contact it was written as.
pub(super) fn with_contact(contact: Option<&str>, number: &str) -> String {
    contact.map_or_else(|| number.to_owned(), |name| format!("{name} {number}"))
}

/// Spaces up to `width` columns; a text that is longer stays as it is.
pub(super) fn padded(text: &str, width: usize) -> String {
    let spaces = width.saturating_sub(text.width());
    format!("{text}{}", " ".repeat(spaces))
}

/// The beginning of a text that has `width` columns at most, with `…` for what is left out.
#[cfg(feature = "demo")]
pub(super) fn truncated(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let (mut shown, mut columns) = (String::new(), 1);
    for character in text.graphemes(true) {
        columns += character.width();
        if columns > width {
            break;
        }
        shown.push_str(character);
    }
    if width > 0 {
        shown.push('…');
    }
    shown
}

/// The local time of day of an RFC 3339 time, `HH:MM:SS`; of now where there is none.
pub(super) fn time_of_day(at: Option<&str>, zone: TimeZone) -> String {
    let at = at.and_then(|at| at.parse::<Timestamp>().ok()).unwrap_or_else(Timestamp::now);
    at.to_zoned(zone).strftime("%H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(padded("您好", 6), "您好  ");
        assert_eq!(padded("абв", 5), "абв  ");
        assert_eq!(padded("too long", 3), "too long");
        assert_eq!(truncated("您的验证码是", 6), "您的…");
        assert_eq!(truncated("Hello", 5), "Hello");
        assert_eq!(truncated("Hello!", 5), "Hell…");
        assert_eq!(truncated("x👩\u{200d}👧y", 4), "x👩\u{200d}👧y");
        assert_eq!(truncated("Hello", 0), "");
    }

    #[test]
    fn a_time_is_shown_where_the_reader_is() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        assert_eq!(time_of_day(Some("2026-11-22T07:15:35.002Z"), zone), "08:15:35");
        assert_eq!(time_of_day(Some("yesterday"), TimeZone::UTC).len(), 8);
    }

    proptest! {
        #[test]
        fn no_text_is_wider_than_its_column(text in "(?s).{0,40}", width in 0usize..30) {
            prop_assert!(truncated(&text, width).width() <= width);
            prop_assert!(padded(&truncated(&text, width), width).width() == width);
        }
    }
}
