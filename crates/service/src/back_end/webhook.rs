//! Web services of the site (authentication.md 10).

use super::{Asking, Step, Target, Trial, Tried, step};
use countersign_engine::back_end::{Ask, Said};
use countersign_engine::model::Webhook;

/// What is kept between two questions.
#[derive(Debug, Default)]
pub(super) struct Connector {}

impl Connector {
    /// One try at one server.
    #[expect(clippy::unused_async, reason = "the connector is still to come")]
    pub(super) async fn ask(
        &self,
        _target: &Target,
        _own: &Webhook,
        _ask: &Ask,
        _asking: &Asking,
    ) -> Tried {
        Ok((Said::Unsupported, String::new()))
    }

    /// Tests a record step by step.
    #[expect(clippy::unused_async, reason = "the connector is still to come")]
    pub(super) async fn test(&self, _target: &Target, _own: &Webhook, _trial: &Trial) -> Vec<Step> {
        vec![step(
            "connect",
            Err("this build does not ask it".to_owned()),
        )]
    }
}
