//! RADIUS as bytes: packets, attributes, dictionary, and the proofs of a password (PAP, CHAP, MS-CHAP).
//!
//! Bytes come in, bytes go out. Nothing here opens a socket, reads a clock or draws a random number: whoever
//! calls passes the time, the salts and the challenges in.
//!
//! A request walks through [`Packet::read`], [`admit`], [`credentials`] and leaves as a [`Reply`].

pub mod chap;
mod credentials;
pub mod dictionary;
pub mod duplicate;
pub mod eap;
pub mod forward;
pub mod framing;
pub mod kind;
pub mod mschap;
pub mod packet;
pub mod password;
mod reply;
mod request;
pub mod salted;
mod secret;
pub mod verify;
mod write;

pub use credentials::{Credentials, CredentialsFault, credentials};
pub use dictionary::Dictionary;
pub use packet::{Attribute, Code, Malformed, Packet};
pub use password::Password;
pub use reply::Reply;
pub use request::RequestBuilder;
pub use secret::SharedSecret;
pub use verify::{
    Demand, MessageAuthenticator, Refused, admit, message_authenticator, verify_response,
};
pub use write::Overflow;

#[cfg(test)]
mod tests;
