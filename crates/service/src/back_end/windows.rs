//! Windows domains through winbind.

use super::{Step, Target, Trial, Tried, step};
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

    /// Tests a record step by step.
    #[expect(clippy::unused_async, reason = "the connector is still to come")]
    pub(super) async fn test(&self, _target: &Target, _own: &Winbind, _trial: &Trial) -> Vec<Step> {
        vec![step(
            "connect",
            Err("this build does not ask it".to_owned()),
        )]
    }
}
