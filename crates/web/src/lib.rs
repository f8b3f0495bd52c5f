//! The HTTP side: JSON API over HTTPS, its OpenAPI document and page, health and metrics.
//!
//! A handler reads bytes, obtains a caller, hands over to the service and writes the envelope. It decides nothing.
//!
//! * [`api::router`] answers `/v1/…` and `/docs`;
//! * [`health::router`] answers `/health` and `/metrics` on a listener of its own;
//! * [`server::serve`] carries a router over TCP or TLS, within [`server::Limits`];
//! * [`tls::Certificates`] hold the server's certificate and can be reloaded while serving.

pub mod api;
pub mod catalogue;
pub mod health;
pub mod openapi;
pub mod server;
pub mod tls;

mod docs;
mod envelope;
mod headers;
mod problem;
