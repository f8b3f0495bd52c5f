//! RADIUS servers: passwords forwarded, questions passed on (radius.md 6).

use super::{Asking, Target, Tried};
use countersign_engine::back_end::{Ask, Said};
use countersign_engine::model::RadiusBackEnd;

/// What is kept between two questions.
#[derive(Debug, Default)]
pub(super) struct Connector {}

impl Connector {
    /// One try at one server.
    #[expect(clippy::unused_async, reason = "the connector is still to come")]
    pub(super) async fn ask(
        &self,
        _target: &Target,
        _own: &RadiusBackEnd,
        _ask: &Ask,
        _asking: &Asking,
    ) -> Tried {
        Ok((Said::Unsupported, String::new()))
    }
}
