//! Messages that wait elsewhere, such as voice mail: what the data coding scheme and the header say of them together
//! (TS 23.038 4, TS 23.040 9.2.3.24.2, 9.2.3.24.13).

use crate::dcs::{Dcs, WaitingKind};
use crate::information::Information;
use crate::udh::Element;

/// That messages of a kind wait, or no longer do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Waiting {
    /// The kind of message.
    pub kind: WaitingKind,
    /// Whether any wait.
    pub active: bool,
    /// How many, where that is told; 255 means 255 or more.
    pub count: Option<u8>,
}

impl Waiting {
    /// What a message says, each kind once. The header knows the number, so it decides over the data coding scheme.
    ///
    /// ```
    /// use smsbridge_codec::{Dcs, Element, ElementId, Waiting, WaitingKind};
    ///
    /// let header = Element { id: ElementId::MESSAGE_INDICATION, data: &[0x00, 3] };
    /// let [waiting] = Waiting::read(Dcs(0xC8), [header])[..] else { panic!() };
    /// assert_eq!((waiting.kind, waiting.active, waiting.count), (WaitingKind::Voicemail, true, Some(3)));
    /// assert!(Waiting::read(Dcs(0x00), []).is_empty());
    /// ```
    pub fn read<'a>(dcs: Dcs, elements: impl IntoIterator<Item = Element<'a>>) -> Vec<Waiting> {
        let mut all: Vec<Waiting> = Vec::new();
        let from_dcs = dcs.message_waiting().map(|waiting| Waiting {
            kind: waiting.kind,
            active: waiting.active,
            count: None,
        });
        for waiting in from_dcs.into_iter().chain(elements.into_iter().filter_map(from_element)) {
            match all.iter_mut().find(|known| known.kind == waiting.kind) {
                Some(known) => *known = waiting,
                None => all.push(waiting),
            }
        }
        all
    }
}

fn from_element(element: Element<'_>) -> Option<Waiting> {
    let (kind, count) = match element.information() {
        Information::MessageIndication { kind, count, .. } => {
            let kind = match kind {
                0 => WaitingKind::Voicemail,
                1 => WaitingKind::Fax,
                2 => WaitingKind::Email,
                7 => WaitingKind::Video,
                _ => WaitingKind::Other,
            };
            (kind, count)
        }
        Information::EnhancedVoiceMail { count, .. } => (WaitingKind::Voicemail, count),
        _ => return None,
    };
    Some(Waiting { kind, active: count > 0, count: Some(count) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::udh::ElementId;

    fn read(dcs: u8, elements: &[(u8, &[u8])]) -> Vec<(&'static str, bool, Option<u8>)> {
        let elements = elements.iter().map(|&(id, data)| Element { id: ElementId(id), data });
        let waiting = Waiting::read(Dcs(dcs), elements);
        waiting.into_iter().map(|waiting| (waiting.kind.name(), waiting.active, waiting.count)).collect()
    }

    #[test]
    fn each_kind_is_told_once_and_the_header_knows_the_number() {
        assert_eq!(read(0xC8, &[]), [("voicemail", true, None)]);
        assert_eq!(read(0xD1, &[]), [("fax", false, None)]);
        assert_eq!(read(0xEA, &[]), [("email", true, None)]);
        assert_eq!(read(0xC8, &[(0x01, &[0x80, 0])]), [("voicemail", false, Some(0))]);
        assert_eq!(
            read(0x00, &[(0x01, &[0x00, 2]), (0x01, &[0x07, 1])]),
            [("voicemail", true, Some(2)), ("video", true, Some(1)),]
        );
        assert_eq!(read(0x00, &[(0x23, &[0x00, 0x02, 0x81, 0x21, 5, 0])]), [("voicemail", true, Some(5))]);
        assert_eq!(read(0xF0, &[(0x01, &[0x00])]), []);
    }
}
