//! A fair comparison: the sides take turns, so that whatever else the machine does affects them alike, and the median of many
//! rounds counts, not the best.

use std::time::Instant;

const ROUNDS: usize = 101;

/// A name and what is timed, which returns the number of items it processed.
pub type Side<'s> = (&'static str, Box<dyn FnMut() -> usize + 's>);

/// Times all sides in turns and prints, for each, nanoseconds per item and the ratio to the first side.
pub fn compare(title: &str, mut sides: Vec<Side<'_>>) {
    let mut nanoseconds = vec![Vec::with_capacity(ROUNDS); sides.len()];
    for _ in 0..ROUNDS {
        for ((_, run), times) in sides.iter_mut().zip(&mut nanoseconds) {
            let begin = Instant::now();
            let items = run();
            times.push(begin.elapsed().as_nanos() as f64 / items as f64);
        }
    }
    let medians: Vec<f64> = nanoseconds
        .iter_mut()
        .map(|times| {
            times.sort_by(f64::total_cmp);
            times[ROUNDS / 2]
        })
        .collect();
    println!("{title}");
    for ((name, _), median) in sides.iter().zip(&medians) {
        println!("  {name:<46} {median:>8.0} ns  {:>6.2}", median / medians[0]);
    }
}
