//! The causes for which a packet is dropped unread.

/// Why a datagram is no RADIUS packet; one variant per cause, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Malformed {
    /// Fewer than 20 octets.
    #[error("read a packet of fewer than 20 octets")]
    TooShort,
    /// The Length field is below 20.
    #[error("read a packet whose length field is below 20")]
    LengthBelowHeader,
    /// The Length field is above 4096.
    #[error("read a packet whose length field is above 4096")]
    LengthAboveMaximum,
    /// The Length field speaks of more octets than came.
    #[error("read a packet cut short of its length field")]
    LengthBeyondDatagram,
    /// A single octet is left, too few for type and length.
    #[error("read an attribute without a length")]
    AttributeCut,
    /// An attribute's length is 0.
    #[error("read an attribute of length 0")]
    AttributeLengthZero,
    /// An attribute's length is 1.
    #[error("read an attribute of length 1")]
    AttributeLengthOne,
    /// An attribute reaches beyond the packet's end.
    #[error("read an attribute that overruns the packet")]
    AttributeOverruns,
    /// User-Password above 128 octets.
    #[error("read a User-Password of more than 128 octets")]
    UserPasswordTooLong,
    /// User-Password is empty or no multiple of 16 octets.
    #[error("read a User-Password that is not made of blocks of 16 octets")]
    UserPasswordUneven,
    /// More than one User-Password.
    #[error("read a packet with several User-Passwords")]
    SeveralUserPasswords,
    /// Message-Authenticator is not 16 octets long.
    #[error("read a Message-Authenticator that is not 16 octets long")]
    MessageAuthenticatorLength,
    /// More than one Message-Authenticator.
    #[error("read a packet with several Message-Authenticators")]
    SeveralMessageAuthenticators,
}

impl Malformed {
    /// Every cause, for registering metrics.
    pub const ALL: [Self; 13] = [
        Self::TooShort,
        Self::LengthBelowHeader,
        Self::LengthAboveMaximum,
        Self::LengthBeyondDatagram,
        Self::AttributeCut,
        Self::AttributeLengthZero,
        Self::AttributeLengthOne,
        Self::AttributeOverruns,
        Self::UserPasswordTooLong,
        Self::UserPasswordUneven,
        Self::SeveralUserPasswords,
        Self::MessageAuthenticatorLength,
        Self::SeveralMessageAuthenticators,
    ];

    /// The label of the cause in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TooShort => "too_short",
            Self::LengthBelowHeader => "length_below_header",
            Self::LengthAboveMaximum => "length_above_maximum",
            Self::LengthBeyondDatagram => "length_beyond_datagram",
            Self::AttributeCut => "attribute_cut",
            Self::AttributeLengthZero => "attribute_length_zero",
            Self::AttributeLengthOne => "attribute_length_one",
            Self::AttributeOverruns => "attribute_overruns",
            Self::UserPasswordTooLong => "user_password_too_long",
            Self::UserPasswordUneven => "user_password_uneven",
            Self::SeveralUserPasswords => "several_user_passwords",
            Self::MessageAuthenticatorLength => "message_authenticator_length",
            Self::SeveralMessageAuthenticators => "several_message_authenticators",
        }
    }
}
