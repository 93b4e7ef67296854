//! The parameters on an information line: `1,"SM",(0-3),,30`.
//!
//! Pure functions over a line without its prefix. Tolerant by design, since firmware is: stray
//! blanks, missing fields and missing quotes give fields, never errors. What a field means is the
//! caller's business.

/// Splits at commas outside quotes and parentheses; quotes around a whole field are removed.
pub fn fields(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut field = String::new();
    let (mut quoted, mut depth) = (false, 0usize);
    for c in text.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                field.push(c);
            }
            '(' if !quoted => {
                depth += 1;
                field.push(c);
            }
            ')' if !quoted => {
                depth = depth.saturating_sub(1);
                field.push(c);
            }
            ',' if !quoted && depth == 0 => out.push(unquote(&std::mem::take(&mut field))),
            _ => field.push(c),
        }
    }
    out.push(unquote(&field));
    out
}

/// A field without blanks and without the quotes around it.
pub fn unquote(field: &str) -> String {
    let field = field.trim();
    let inner = field.strip_prefix('"').unwrap_or(field);
    inner.strip_suffix('"').unwrap_or(inner).to_string()
}

/// The number in a field, if it is one.
pub fn number<T: std::str::FromStr>(field: Option<&String>) -> Option<T> {
    field.and_then(|f| f.trim().parse().ok())
}

/// The whole numbers a `=?` group offers: `(0-2,5)` gives 0, 1, 2, 5. At most 4096 of them, so
/// that an absurd range costs nothing.
pub fn range(group: &str) -> Vec<u16> {
    const MAX: usize = 4096;
    let inner = group.trim().trim_start_matches('(').trim_end_matches(')');
    let mut out = Vec::new();
    for item in inner.split(',') {
        let item = item.trim();
        match item.split_once('-') {
            Some((from, to)) => {
                if let (Ok(from), Ok(to)) = (from.trim().parse::<u16>(), to.trim().parse::<u16>()) {
                    out.extend((from..=to).take(MAX));
                }
            }
            None => out.extend(item.parse::<u16>().ok()),
        }
        if out.len() >= MAX {
            out.truncate(MAX);
            break;
        }
    }
    out
}

/// The quoted names a `=?` group offers: `("SM","ME")` gives SM, ME.
pub fn names(group: &str) -> Vec<String> {
    group
        .split('"')
        .enumerate()
        .filter(|(i, _)| i % 2 == 1)
        .map(|(_, name)| name.trim().to_string())
        .filter(|name| !name.is_empty())
        .collect()
}

/// Whether a line is nothing but pairs of hexadecimal digits.
pub fn is_hex(line: &str) -> bool {
    line.len() >= 2 && line.len().is_multiple_of(2) && line.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_real_lines() {
        let rows: &[(&str, &str, &[&str])] = &[
            ("plain", "1,2,3", &["1", "2", "3"]),
            ("quoted comma", r#"0,0,"T-Mobile, D",7"#, &["0", "0", "T-Mobile, D", "7"]),
            ("empty field", "1,,24", &["1", "", "24"]),
            ("groups", r#"("SM","ME"),(0-3)"#, &[r#"("SM","ME")"#, "(0-3)"]),
            ("blanks", r#" "SM" , 3"#, &["SM", "3"]),
            ("nothing", "", &[""]),
        ];
        for (name, text, expect) in rows {
            assert_eq!(fields(text), *expect, "{name}");
        }
    }

    #[test]
    fn ranges() {
        assert_eq!(range("(0-2,5)"), [0, 1, 2, 5]);
        assert_eq!(range("(1)"), [1]);
        assert_eq!(range("()"), [0u16; 0]);
        assert_eq!(range("(0-65535)").len(), 4096);
        assert_eq!(names(r#"("SM","ME")"#), ["SM", "ME"]);
    }
}
