//! Packet codes.

/// The kind of a packet (RFC 2865, 2866, 5176, 5997).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// 1
    AccessRequest,
    /// 2
    AccessAccept,
    /// 3
    AccessReject,
    /// 4
    AccountingRequest,
    /// 5
    AccountingResponse,
    /// 11
    AccessChallenge,
    /// 12
    StatusServer,
    /// 40
    DisconnectRequest,
    /// 41
    DisconnectAck,
    /// 42
    DisconnectNak,
    /// 43
    CoaRequest,
    /// 44
    CoaAck,
    /// 45
    CoaNak,
    /// Any other number.
    Other(u8),
}

const NAMED: [(u8, Code, &str); 13] = [
    (1, Code::AccessRequest, "Access-Request"),
    (2, Code::AccessAccept, "Access-Accept"),
    (3, Code::AccessReject, "Access-Reject"),
    (4, Code::AccountingRequest, "Accounting-Request"),
    (5, Code::AccountingResponse, "Accounting-Response"),
    (11, Code::AccessChallenge, "Access-Challenge"),
    (12, Code::StatusServer, "Status-Server"),
    (40, Code::DisconnectRequest, "Disconnect-Request"),
    (41, Code::DisconnectAck, "Disconnect-ACK"),
    (42, Code::DisconnectNak, "Disconnect-NAK"),
    (43, Code::CoaRequest, "CoA-Request"),
    (44, Code::CoaAck, "CoA-ACK"),
    (45, Code::CoaNak, "CoA-NAK"),
];

impl Code {
    /// The number on the wire.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Other(number) => number,
            known => NAMED
                .iter()
                .find(|row| row.1 == known)
                .map_or(0, |row| row.0),
        }
    }

    /// The name the RFCs use; `other` where they have none.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMED
            .iter()
            .find(|row| row.1 == self)
            .map_or("other", |row| row.2)
    }

    /// Whether the authenticator of such a request is a digest of the packet, so that it counts as zero while a
    /// Message-Authenticator is computed (RFC 2866 section 3, RFC 5176 section 2.3).
    #[must_use]
    pub fn is_self_authenticated(self) -> bool {
        matches!(
            self,
            Self::AccountingRequest | Self::DisconnectRequest | Self::CoaRequest
        )
    }
}

impl From<u8> for Code {
    fn from(number: u8) -> Self {
        NAMED
            .iter()
            .find(|row| row.0 == number)
            .map_or(Self::Other(number), |row| row.1)
    }
}
