//! Row numbers of the store, one type for each kind of record.

use serde::{Deserialize, Serialize};

macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);
    )*};
}

keys! {
    /// Row of a domain.
    DomainKey;
    /// Row of an organizational unit.
    UnitKey;
    /// Row of a user account; not the user ID, which can change.
    UserKey;
    /// Row of an authenticator; not the serial number.
    AuthenticatorKey;
    /// Row of an authenticator application.
    ApplicationKey;
    /// Row of a client or server component.
    ComponentKey;
    /// Row of a policy.
    PolicyKey;
    /// Row of a back-end record.
    BackEndKey;
}
