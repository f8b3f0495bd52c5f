//! Controls: what may come with a request and with its answer.

use super::ber::{ENUMERATED, INTEGER, OCTETS, Reader, SEQUENCE, Writer};

const PAGED: &str = "1.2.840.113556.1.4.319";
const PASSWORD_POLICY: &str = "1.3.6.1.4.1.42.2.27.8.5.1";
const NETSCAPE_EXPIRED: &str = "2.16.840.1.113730.3.4.4";

/// A control as it goes over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Control {
    oid: String,
    value: Option<Vec<u8>>,
}

/// What the password policy says with an answer (draft-behera-ldap-password-policy-10 section 6.2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in super::super) struct PasswordPolicy {
    pub(in super::super) warning: Option<Warning>,
    pub(in super::super) error: Option<PasswordError>,
}

/// A warning of the password policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Warning {
    /// Seconds until the password expires.
    Expires(i64),
    /// Logons left with an expired password.
    Grace(i64),
}

/// An error of the password policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum PasswordError {
    Expired,
    Locked,
    ChangeAfterReset,
    ModNotAllowed,
    MustSupplyOld,
    InsufficientQuality,
    TooShort,
    TooYoung,
    InHistory,
}

const ERRORS: [PasswordError; 9] = [
    PasswordError::Expired,
    PasswordError::Locked,
    PasswordError::ChangeAfterReset,
    PasswordError::ModNotAllowed,
    PasswordError::MustSupplyOld,
    PasswordError::InsufficientQuality,
    PasswordError::TooShort,
    PasswordError::TooYoung,
    PasswordError::InHistory,
];

impl Control {
    /// One that a test makes a server send.
    #[cfg(test)]
    pub(in super::super) fn new(oid: &str, value: Option<Vec<u8>>) -> Self {
        let oid = oid.to_owned();
        Self { oid, value }
    }

    /// Asks for a page of at most `size` entries, after the one that ended with `cookie` (RFC 2696).
    pub(in super::super) fn page(size: i32, cookie: &[u8]) -> Self {
        let mut writer = Writer::new();
        writer.constructed(SEQUENCE, |w| {
            w.integer(INTEGER, size);
            w.octets(cookie);
        });
        Self {
            oid: PAGED.to_owned(),
            value: Some(writer.finish().to_vec()),
        }
    }

    /// Asks for the words of the password policy.
    pub(in super::super) fn password_policy() -> Self {
        Self {
            oid: PASSWORD_POLICY.to_owned(),
            value: None,
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut fields = reader.within(SEQUENCE)?;
        let oid = std::str::from_utf8(fields.take(OCTETS)?).ok()?.to_owned();
        let _critical = fields.optional(super::ber::BOOLEAN);
        let value = fields.optional(OCTETS).map(<[u8]>::to_vec);
        Some(Self { oid, value })
    }

    /// Never critical: a directory that does not know it does without.
    pub(super) fn write(&self, writer: &mut Writer) {
        writer.constructed(SEQUENCE, |w| {
            w.octets(self.oid.as_bytes());
            self.value.iter().for_each(|value| w.octets(value));
        });
    }

    /// The cookie of the next page; none after the last one.
    pub(in super::super) fn next_page(controls: &[Self]) -> Option<Vec<u8>> {
        let own = controls.iter().find(|one| one.oid == PAGED)?;
        let mut fields = Reader::new(own.value.as_deref()?).within(SEQUENCE)?;
        fields.integer(INTEGER)?;
        let cookie = fields.take(OCTETS)?;
        (!cookie.is_empty()).then(|| cookie.to_vec())
    }

    /// Whether the server says by the control of old that the password has expired.
    pub(in super::super) fn says_expired(controls: &[Self]) -> bool {
        controls.iter().any(|one| one.oid == NETSCAPE_EXPIRED)
    }
}

impl PasswordPolicy {
    /// What the controls of an answer say; nothing if the server knows no such policy, or its words cannot be read.
    pub(in super::super) fn of(controls: &[Control]) -> Self {
        let own = controls.iter().find(|one| one.oid == PASSWORD_POLICY);
        let value = own.and_then(|own| own.value.as_deref());
        value.and_then(Self::read).unwrap_or_default()
    }

    fn read(value: &[u8]) -> Option<Self> {
        let mut fields = Reader::new(value).within(SEQUENCE)?;
        let warning = match fields.optional(0xa0) {
            None => None,
            Some(inner) => match Reader::new(inner).next()? {
                (0x80, number) => Some(Warning::Expires(super::ber::integer(number)?)),
                (0x81, number) => Some(Warning::Grace(super::ber::integer(number)?)),
                _ => None,
            },
        };
        let error = fields
            .optional(0x81)
            .or_else(|| fields.optional(ENUMERATED))
            .and_then(super::ber::integer)
            .and_then(|number| ERRORS.get(usize::try_from(number).ok()?).copied());
        Some(Self { warning, error })
    }
}
