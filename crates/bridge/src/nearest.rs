//! The known word that an unknown one was probably meant to be. Pure.

/// How similar two words are at least, from 0 to 1: less is another word.
const MIN_SIMILARITY: f64 = 0.75;

/// Octets of a longer word are not compared: it may be anything, and as long as a payload.
const MAX_COMPARED: usize = 64;

/// The most similar of the known words; none where none is similar.
pub fn nearest<'a>(unknown: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if unknown.len() > MAX_COMPARED {
        return None;
    }
    let similarity = |word: &str| strsim::jaro_winkler(unknown, word);
    let best = known.max_by(|a, b| similarity(a).total_cmp(&similarity(b)))?;
    (similarity(best) >= MIN_SIMILARITY).then_some(best)
}
