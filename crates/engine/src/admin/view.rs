//! Records as administrators see them: never a secret, moving state as integers.

mod authenticator;
mod back_end;
mod component;
mod node;
mod organisation;
mod policy;
mod session;
mod sync_profile;
mod user;

pub use authenticator::{application, authenticator, authenticator_type};
pub use back_end::{back_end, back_end_group};
pub use component::{component, location};
pub use node::node;
pub use organisation::{domain, org_unit, setting};
pub use policy::policy;
pub use session::{key, rotation, session, session_id};
pub use sync_profile::{sync_profile, sync_run};
pub use user::{attribute, last_auth_at, user};

use crate::model::Meta;
use crate::time::Timestamp;
use serde_json::{Map, Value as Json};

type View = Map<String, Json>;

/// A view of `object` with the fields that `json!` made.
fn view(fields: Json) -> View {
    match fields {
        Json::Object(map) => map,
        _ => Map::new(),
    }
}

fn with_meta(mut fields: View, meta: &Meta) -> View {
    fields.insert("created".to_owned(), Json::from(meta.created.rfc3339()));
    fields.insert("modified".to_owned(), Json::from(meta.modified.rfc3339()));
    fields.insert("record_version".to_owned(), Json::from(meta.record_version));
    fields.insert("revision".to_owned(), Json::from(meta.revision));
    fields
}

fn moment(time: Option<Timestamp>) -> Option<String> {
    time.map(Timestamp::rfc3339)
}

/// `None` for an empty text.
fn filled(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}
