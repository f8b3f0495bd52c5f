//! Windows domains through winbind.

use super::{Target, Tried};
use countersign_engine::back_end::{Ask, Said};
use countersign_engine::model::Winbind;

/// What is kept between two questions.
#[derive(Debug, Default)]
pub(super) struct Connector {}

impl Connector {
    /// One try at one server.
    #[expect(clippy::unused_async, reason = "the connector is still to come")]
    pub(super) async fn ask(&self, _target: &Target, _own: &Winbind, _ask: &Ask) -> Tried {
        Ok((Said::Unsupported, String::new()))
    }
}
