//! The text format of Prometheus, version 0.0.4. Pure.

use std::fmt::Write as _;

use crate::counts::Histogram;

/// What the answer says it is.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Names and values of labels.
pub(super) type Labels<'a> = Vec<(&'static str, &'a str)>;

/// Metrics as they are written.
#[derive(Debug, Default)]
pub(super) struct Text(String);

impl Text {
    /// A value that goes up and down; without a sample nothing.
    pub(super) fn gauge<'a>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Labels<'a>, f64)>,
    ) {
        self.family(name, "gauge", help, samples);
    }

    /// A value that only goes up, and begins again at zero with the gateway.
    pub(super) fn counter<'a>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Labels<'a>, u64)>,
    ) {
        self.family(name, "counter", help, samples.into_iter().map(|(labels, value)| (labels, value as f64)));
    }

    /// How often something took at most how long.
    pub(super) fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.head(name, "histogram", help);
        let mut sum = 0;
        for (limit, count) in &histogram.buckets {
            sum += count;
            self.sample(&format!("{name}_bucket"), &[("le", &limit.to_string())], sum as f64);
        }
        self.sample(&format!("{name}_bucket"), &[("le", "+Inf")], histogram.count as f64);
        self.sample(&format!("{name}_sum"), &[], histogram.sum);
        self.sample(&format!("{name}_count"), &[], histogram.count as f64);
    }

    /// All of it.
    pub(super) fn into_string(self) -> String {
        self.0
    }

    fn family<'a>(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Labels<'a>, f64)>,
    ) {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_some() {
            self.head(name, kind, help);
        }
        for (labels, value) in samples {
            self.sample(name, &labels, value);
        }
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&'static str, &str)], value: f64) {
        let labels: Vec<String> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_histogram_adds_up_its_buckets() {
        let mut text = Text::default();
        let histogram = Histogram { buckets: vec![(0.5, 2), (1.0, 3)], count: 7, sum: 12.5 };
        text.histogram("x_seconds", "What took long.", &histogram);
        let expected = "# HELP x_seconds What took long.\n# TYPE x_seconds histogram\n\
                        x_seconds_bucket{le=\"0.5\"} 2\nx_seconds_bucket{le=\"1\"} 5\nx_seconds_bucket{le=\"+Inf\"} 7\n\
                        x_seconds_sum 12.5\nx_seconds_count 7\n";
        assert_eq!(text.into_string(), expected);
    }

    #[test]
    fn a_metric_without_samples_is_not_named() {
        let mut text = Text::default();
        text.gauge("x", "Nothing.", []);
        assert_eq!(text.into_string(), "");
    }

    proptest! {
        /// What a network calls itself forges no line and no label.
        #[test]
        fn any_value_of_a_label_is_one_value(value in "\\PC*|[\\\\\"\n{}]*") {
            let mut text = Text::default();
            text.gauge("x", "Help.", [(vec![("operator", value.as_str())], 1.0)]);
            let text = text.into_string();
            let sample = text.strip_prefix("# HELP x Help.\n# TYPE x gauge\nx{operator=\"").expect("its head");
            let written = sample.strip_suffix("\"} 1\n").expect("its end");
            let (mut read, mut rest) = (String::new(), written.chars());
            while let Some(c) = rest.next() {
                prop_assert!(c != '"' && c != '\n', "{written:?}");
                read.push(match c {
                    '\\' => match rest.next() {
                        Some('n') => '\n',
                        Some(c @ ('"' | '\\')) => c,
                        other => panic!("{other:?} behind a backslash"),
                    },
                    c => c,
                });
            }
            prop_assert_eq!(read, value);
        }
    }
}
