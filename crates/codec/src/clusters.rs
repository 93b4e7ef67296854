//! Owns the answer to "what does a reader take for one character" (grapheme clusters, Unicode annex 29), as far as
//! cutting a message needs it. It comes from a crate; this is the only place that names it.

use unicode_segmentation::UnicodeSegmentation;

pub(crate) fn of(text: &str) -> impl Iterator<Item = &str> {
    text.graphemes(true)
}
