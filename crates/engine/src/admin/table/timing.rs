//! Timings of requests, kept by the node that is asked (feature 110).

use super::domain::none;
use super::field::{QUERY, name};
use super::{Verb, rules};
use crate::admin::decide::{Action, Context, Outcome};
use crate::admin::{Query, Stop};

pub(super) const VERBS: &[Verb] = &[
    rules(
        "timing",
        "list",
        "audit.view",
        QUERY,
        "Lists how long requests took on the node that is asked, while the setting timing.keep is on.",
        r#"{"filter": {"way": "radius", "took_us": {"from": 50000}}, "sort": ["-took_us"]}"#,
        none,
        list,
    ),
    rules(
        "timing",
        "show",
        "audit.view",
        &[name(
            "request_id",
            64,
            "The request, by its own name or the id of its audit record.",
        )
        .required()],
        "Shows where the time of a request went, stage by stage.",
        r#"{"request_id": "0190f5a60b1c7d1f8e2a3b4c5d6e7f80"}"#,
        none,
        show,
    ),
];

fn list(context: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(Outcome::read(Query::read("timing", context.fields)?))
}

fn show(context: &Context<'_>) -> Result<Outcome, Stop> {
    let request = context.fields.need("request_id")?.to_owned();
    Ok(Outcome::action(Action::Timing { request }))
}
