//! Rules for incoming messages: captures become fields, and a template becomes a reply.
//!
//! Pure. Input: `[[rule]]` tables and texts.

use std::collections::BTreeMap;
use std::time::Duration;

use regex::Regex;

/// What bounds the replies of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyLimits {
    /// Replies to one sender in a rolling hour.
    pub per_hour: u32,
    /// Older messages are not replied to; none: any age.
    pub max_age: Option<Duration>,
}

/// A rule as configured.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name in `rule`.
    pub name: String,
    pattern: Regex,
    reply: Option<Template>,
    /// What bounds its replies.
    pub limits: ReplyLimits,
}

/// What a rule found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The rule's name.
    pub rule: String,
    /// Its named captures.
    pub fields: BTreeMap<String, String>,
    /// What to reply.
    pub reply: Option<String>,
    /// What bounds the rule's replies.
    pub limits: ReplyLimits,
}

impl Rule {
    /// A rule from its parts, or which of them is wrong and why.
    pub fn new(
        name: String,
        pattern: &str,
        reply: Option<&str>,
        limits: ReplyLimits,
    ) -> Result<Rule, (&'static str, String)> {
        let compiled = Regex::new(pattern).map_err(|error| ("match", in_a_line(&error)))?;
        let captures: Vec<&str> = compiled.capture_names().flatten().collect();
        let reply = reply.map(|text| Template::parse(text, &captures)).transpose();
        let reply = reply.map_err(|words| ("reply", words))?;
        Ok(Rule { name, reply, limits, pattern: compiled })
    }

    fn apply(&self, text: &str) -> Option<Match> {
        let captures = self.pattern.captures(text)?;
        let named = self.pattern.capture_names().flatten();
        let fields: BTreeMap<String, String> = named
            .filter_map(|name| Some((name.to_owned(), captures.name(name)?.as_str().to_owned())))
            .collect();
        Some(Match {
            rule: self.name.clone(),
            reply: self.reply.as_ref().map(|template| template.fill(&fields)),
            fields,
            limits: self.limits,
        })
    }
}

/// What is wrong with a pattern: the library draws it too, over several lines.
fn in_a_line(error: &regex::Error) -> String {
    let said = error.to_string();
    let last = said.lines().last().unwrap_or_default();
    format!("it is no regular expression: {}", last.trim_start_matches("error: "))
}

/// What the first rule that matches finds.
pub fn first_match(rules: &[Rule], text: &str) -> Option<Match> {
    rules.iter().find_map(|rule| rule.apply(text))
}

/// A text with placeholders for captures: `{name}`; `{{` and `}}` are literal braces.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Field(String),
}

impl Template {
    fn parse(text: &str, captures: &[&str]) -> Result<Template, String> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                plain.push_str(brace);
                rest = after;
            } else if brace == "{" {
                let (name, after) =
                    rest.split_once('}').ok_or("a { without its }; write {{ for a literal brace")?;
                if !captures.contains(&name) {
                    return Err(format!(
                        "{{{name}}} is not captured by match; it captures: {}",
                        captures.join(", ")
                    ));
                }
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
                pieces.push(Piece::Field(name.to_owned()));
                rest = after;
            } else {
                return Err("a } without its {; write }} for a literal brace".to_owned());
            }
        }
        plain.push_str(rest);
        pieces.push(Piece::Text(plain));
        Ok(Template(pieces))
    }

    fn fill(&self, fields: &BTreeMap<String, String>) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Field(name) => fields.get(name).cloned().unwrap_or_default(),
        };
        self.0.iter().map(piece).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: ReplyLimits = ReplyLimits { per_hour: 6, max_age: None };

    fn meter() -> Rule {
        let reply = "Принято. Абонент {account}, показание {reading}";
        Rule::new("meter".into(), r"(?<account>\d+)\D+(?<reading>\d+)", Some(reply), LIMITS).unwrap()
    }

    #[test]
    fn a_meter_reading_is_found_and_answered() {
        let found = first_match(&[meter()], "Счёт 12345, показание 678").unwrap();
        assert_eq!(found.fields["account"], "12345");
        assert_eq!(found.fields["reading"], "678");
        assert_eq!(found.reply.as_deref(), Some("Принято. Абонент 12345, показание 678"));
        assert_eq!(first_match(&[meter()], "Добрый день"), None);
    }

    #[test]
    fn a_template_that_names_what_is_not_captured_is_a_mistake_in_the_configuration() {
        for (reply, said) in
            [("{acount}", "account"), ("{account", "without its }"), ("account}", "without its {")]
        {
            let wrong = Rule::new("r".into(), "(?<account>x)", Some(reply), LIMITS).unwrap_err();
            assert!(wrong.0 == "reply" && wrong.1.contains(said), "{reply}: {wrong:?}");
        }
        let braces = Rule::new("r".into(), "(?<a>x)", Some("{{{a}}}"), LIMITS).unwrap();
        assert_eq!(first_match(&[braces], "x").unwrap().reply.as_deref(), Some("{x}"));
    }
}
