//! Test worlds: the real program as a process, real peers as local processes, and clients that speak to it.
//!
//! Everything binds free ports on loopback and lives in a temporary directory of its own, so tests run side by side.
//! Whatever secret goes through the clients is remembered; when a server goes down, its database and its log are
//! searched for every one of them.

pub mod authority;
pub mod curl;
pub mod datagrams;
pub mod deployment;
mod expect;
pub mod freeradius;
pub mod history;
pub mod https;
pub mod jose;
pub mod oath;
pub mod openssh;
pub mod openvpn;
mod pam;
pub mod peer;
pub mod postgres;
pub mod process;
pub mod proof;
pub mod proxy;
pub mod radclient;
pub mod radius;
pub mod samba;
pub mod secrets;
pub mod server;
pub mod simulation;
pub mod slapd;
pub mod softhsm;
pub mod store;
pub mod wait;
pub mod webhook;
pub mod world;

pub use authority::{Authority, Certificate};
pub use curl::Answer;
pub use datagrams::Datagrams;
pub use freeradius::FreeRadius;
pub use https::Https;
pub use openssh::OpenSsh;
pub use openvpn::OpenVpn;
pub use postgres::{Database, Patroni, Postgres};
pub use process::Process;
pub use proof::Proof;
pub use proxy::{Chaos, Mode, Proxy};
pub use radclient::{Packet, radclient};
pub use radius::{Raw, Request};
pub use samba::SambaAd;
pub use server::{Options, Server};
pub use slapd::Slapd;
pub use softhsm::SoftHsm;
pub use store::Store;
pub use wait::{until, wait_until};
pub use webhook::Webhook;
pub use world::World;
