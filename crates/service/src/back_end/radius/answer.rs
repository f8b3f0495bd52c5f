//! What a RADIUS server's answer means.

use crate::back_end::Tried;
use crate::charset::decode;
use countersign_engine::Secret;
use countersign_engine::back_end::{Given, Question, Said};
use countersign_engine::model::{BackEndKey, Charset};
use countersign_engine::text::has_control;
use countersign_radius::mschap::ReadError;
use countersign_radius::{Code, Dictionary, Packet, SharedSecret, forward, kind};
use std::sync::LazyLock;

/// Characters of a text that are taken over.
const MOST_TEXT: usize = 1000;

static DICTIONARY: LazyLock<Dictionary> = LazyLock::new(Dictionary::built_in);

/// Translates an answer whose authenticity was checked. `keys` opens the keys of an MS-CHAP answer.
pub(super) fn read(
    packet: &Packet<'_>,
    server: BackEndKey,
    charset: Charset,
    keys: Option<(&[u8; 16], &SharedSecret)>,
) -> (Said, String) {
    let message = message(packet, charset);
    match packet.code() {
        Code::AccessAccept => {
            let keys = keys.and_then(|(authenticator, secret)| {
                forward::reply_keys(packet, authenticator, secret)
            });
            let given = Given {
                attributes: forward::reply_attributes(packet, &DICTIONARY),
                keys: keys.map(|keys| Secret::new(keys.to_vec())),
                message,
            };
            (Said::Accepted(Box::new(given)), String::new())
        }
        Code::AccessChallenge => {
            let question = Question {
                server,
                state: packet.first(kind::STATE).unwrap_or_default().to_vec(),
                message,
            };
            (Said::Challenge(Box::new(question)), String::new())
        }
        _ => rejected(packet, message),
    }
}

/// MS-CHAP-Error says more than the rejection (RFC 2759 section 6).
fn rejected(packet: &Packet<'_>, message: String) -> (Said, String) {
    let error = packet
        .vendor(kind::MICROSOFT, kind::MS_CHAP_ERROR)
        .and_then(ReadError::read);
    let said = match error.map(|error| error.error) {
        Some(648) => Said::Expired,
        Some(647) => Said::Disabled,
        Some(_) | None => Said::Rejected,
    };
    let note = match error {
        Some(error) if message.is_empty() => format!("MS-CHAP error {}", error.error),
        Some(error) => format!("MS-CHAP error {}: {message}", error.error),
        None => message,
    };
    (said, note)
}

/// The text for the user: all Reply-Messages, without control characters.
fn message(packet: &Packet<'_>, charset: Charset) -> String {
    let mut text = String::new();
    for value in packet.all(kind::REPLY_MESSAGE) {
        let piece =
            decode(charset, value).unwrap_or_else(|_| String::from_utf8_lossy(value).into_owned());
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(piece.trim());
    }
    let text: String = text
        .chars()
        .map(|c| {
            if has_control(c.encode_utf8(&mut [0; 4])) {
                ' '
            } else {
                c
            }
        })
        .take(MOST_TEXT)
        .collect();
    text.trim().to_owned()
}

/// What came of a try, for a test of the record.
pub(super) fn in_words(tried: Tried) -> Result<String, String> {
    let (said, note) = tried?;
    let note = if note.is_empty() {
        note
    } else {
        format!(": {note}")
    };
    match said {
        Said::Accepted(_) => Ok("the password was accepted".to_owned()),
        Said::Challenge(question) => Ok(format!("the server asks: {}", question.message)),
        Said::Expired => Err(format!("the password has expired{note}")),
        Said::Disabled => Err(format!("the account is disabled{note}")),
        Said::Locked => Err(format!("the account is locked{note}")),
        Said::Unsupported => Err(format!("the back-end does not offer this{note}")),
        _ => Err(format!("the password was refused{note}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_radius::mschap::{error_text, error_value};
    use countersign_radius::{Reply, RequestBuilder};

    fn secret() -> SharedSecret {
        SharedSecret::new(b"secret of the server")
    }

    fn answer(code: Code, fill: impl FnOnce(&mut Reply)) -> (Said, String) {
        let request = RequestBuilder::new(Code::AccessRequest, 1, [3; 16]).sign(&secret());
        let mut reply = Reply::new(code, &Packet::read(&request).unwrap()).unwrap();
        fill(&mut reply);
        let bytes = reply.sign(&secret());
        let packet = Packet::read(&bytes).unwrap();
        read(
            &packet,
            BackEndKey(4),
            Charset::Utf8,
            Some((&[3; 16], &secret())),
        )
    }

    #[test]
    fn an_mschap_error_is_read_before_the_rejection() {
        for (error, said) in [
            (646, Said::Rejected),
            (647, Said::Disabled),
            (648, Said::Expired),
            (649, Said::Rejected),
            (691, Said::Rejected),
        ] {
            let value = error_value(9, &error_text(error, false, &[1; 16], "no"));
            let found = answer(Code::AccessReject, |reply| {
                reply
                    .add_vendor(kind::MICROSOFT, kind::MS_CHAP_ERROR, &value)
                    .unwrap();
            });
            assert_eq!(found, (said, format!("MS-CHAP error {error}")));
        }
        let found = answer(Code::AccessReject, |reply| {
            reply.add_text(kind::REPLY_MESSAGE, "not\ntoday").unwrap();
            reply.add_text(kind::REPLY_MESSAGE, "\u{7f}sorry").unwrap();
        });
        assert_eq!(found, (Said::Rejected, "not today  sorry".to_owned()));
    }

    #[test]
    fn a_challenge_keeps_its_state() {
        let (said, _) = answer(Code::AccessChallenge, |reply| {
            reply.add(kind::STATE, &[0x5a; 253]).unwrap();
            reply.add_text(kind::REPLY_MESSAGE, "Code?").unwrap();
        });
        let Said::Challenge(question) = said else {
            panic!("{said:?}");
        };
        assert_eq!(question.server, BackEndKey(4));
        assert_eq!(question.state, [0x5a; 253]);
        assert_eq!(question.message, "Code?");
    }

    #[test]
    fn keys_and_attributes_of_an_acceptance_are_apart() {
        let (said, _) = answer(Code::AccessAccept, |reply| {
            reply.add(kind::CLASS, b"staff").unwrap();
            reply
                .add_mppe_key(kind::MS_MPPE_SEND_KEY, &[7; 16], [0x80, 1], &secret())
                .unwrap();
        });
        let Said::Accepted(given) = said else {
            panic!("{said:?}");
        };
        assert_eq!(given.attributes, b"\x19\x07staff");
        let keys = given.keys.unwrap();
        assert!(keys.expose().ends_with(&[7; 16]));
    }
}
