//! What a directory knows of a person.

use super::Work;
use super::profile::fields;
use super::user::Person;
use super::wire::Entry;
use crate::back_end::Tried;
use countersign_engine::back_end::{Said, UserInfo};
use countersign_engine::text::has_control;

/// The longest value of each field, in characters.
const LENGTHS: [(&str, usize); 4] = [
    ("name", 1024),
    ("phone", 64),
    ("mobile", 64),
    ("email", 255),
];

/// What is known of the person?
pub(super) async fn read(work: &Work<'_>, user: &str) -> Tried {
    let fields = fields(&work.target.record.map, work.own.profile);
    let attributes: Vec<&str> = fields
        .iter()
        .flat_map(|(_, names)| names.iter().copied())
        .collect();
    match work.find(user, &attributes).await? {
        Person::Nobody(why) => Ok((Said::Rejected, why)),
        Person::Is(entry) => Ok((of(&entry, &fields), String::new())),
    }
}

fn of(entry: &Entry, fields: &[(&'static str, Vec<&str>)]) -> Said {
    let mut info = UserInfo::default();
    for (field, attributes) in fields {
        let value = match value(entry, field, attributes) {
            Ok(value) => value,
            Err(why) => return Said::InfoUnusable(why),
        };
        let contact = &mut info.contact;
        match *field {
            "name" => contact.name = value,
            "phone" => contact.phone = value,
            "mobile" => contact.mobile = value,
            _ => contact.email = value,
        }
    }
    Said::Info(Box::new(info))
}

/// The first value of the first attribute that the entry has.
fn value(entry: &Entry, field: &str, attributes: &[&str]) -> Result<String, String> {
    let found = attributes
        .iter()
        .find_map(|name| Some((name, entry.first(name)?)));
    let Some((name, bytes)) = found else {
        return Ok(String::new());
    };
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(format!("the attribute {name} is no text"));
    };
    fitting(field, name, text)
}

/// The text of an attribute as a field of an account takes it; else why it does not fit.
pub(in crate::back_end) fn fitting(field: &str, name: &str, text: &str) -> Result<String, String> {
    if has_control(text) {
        return Err(format!("the attribute {name} holds a control character"));
    }
    let most = LENGTHS
        .iter()
        .find(|(own, _)| *own == field)
        .map_or(0, |(_, most)| *most);
    if text.chars().count() > most {
        return Err(format!(
            "the attribute {name} is longer than {most} characters, the most of {field}"
        ));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_engine::model::{AttributeMap, Profile};

    fn info(map: &AttributeMap, attributes: &[(&str, &str)]) -> Said {
        of(&Entry::new("cn=a", attributes), &fields(map, Profile::Ad))
    }

    #[test]
    fn the_map_of_the_record_goes_before_the_usual_attributes_and_blank_takes_nothing() {
        let map = AttributeMap {
            phone: Some("ipPhone".to_owned()),
            mobile: Some(String::new()),
            ..AttributeMap::default()
        };
        let attributes = [
            ("CN", "common"),
            ("telephoneNumber", "1"),
            ("ipphone", "2"),
            ("mobile", "3"),
            ("mail", "a@example.test"),
        ];
        let Said::Info(info) = info(&map, &attributes) else {
            panic!("no info");
        };
        let contact = info.contact;
        assert_eq!(
            (contact.name.as_str(), contact.phone.as_str()),
            ("common", "2")
        );
        assert_eq!(
            (contact.mobile.as_str(), contact.email.as_str()),
            ("", "a@example.test")
        );
    }

    #[test]
    fn what_does_not_fit_a_field_is_named() {
        let map = AttributeMap::default();
        for (name, text) in [("mobile", "1".repeat(65)), ("mail", "a\u{1}b".to_owned())] {
            let said = info(&map, &[(name, text.as_str())]);
            assert!(
                matches!(&said, Said::InfoUnusable(why) if why.contains(name)),
                "{said:?}"
            );
        }
    }
}
