//! The bookkeeping of a record as the answer of a command shows it; the store sets it for good.

use crate::model::Meta;
use crate::time::Timestamp;

/// Of a new record.
pub(super) fn fresh(at: Timestamp) -> Meta {
    Meta {
        created: at,
        modified: at,
        record_version: 1,
        revision: 1,
    }
}

/// Of a changed record.
pub(super) fn touched(meta: Meta, at: Timestamp) -> Meta {
    Meta {
        modified: at,
        revision: meta.revision.saturating_add(1),
        ..meta
    }
}
