use super::{View, view};
use crate::model::{KeyRecord, Rotation, RotationState, Session, SessionKey};
use data_encoding::HEXLOWER;
use serde_json::json;

/// An administrative session of this user; `own` marks the caller's.
pub fn session(session: &Session, user: &str, domain: &str, own: bool) -> View {
    view(json!({
        "id": session_id(session.key),
        "user": user,
        "domain": domain,
        "source": session.source,
        "component": session.component_type,
        "started": session.started.rfc3339(),
        "last_use": session.last_use.rfc3339(),
        "own": own,
    }))
}

/// A session as it is named: the hash of its token, hexadecimal.
pub fn session_id(key: SessionKey) -> String {
    HEXLOWER.encode(&key.0)
}

/// A data key, without the key itself.
pub fn key(key: &KeyRecord) -> View {
    view(json!({
        "id": key.id,
        "class": key.class,
        "algorithm": key.algorithm,
        "state": key.state,
        "root": key.root,
        "created": key.created.rfc3339(),
    }))
}

/// A rotation of data keys and how far it is.
pub fn rotation(rotation: &Rotation) -> View {
    let looked_at = rotation.done.saturating_add(rotation.shut);
    let percent = match rotation.total {
        _ if rotation.state == RotationState::Done => Some(100),
        Some(total) if total > 0 => Some((looked_at.saturating_mul(100) / total).clamp(0, 100)),
        _ => None,
    };
    view(json!({
        "class": rotation.class,
        "from": rotation.from,
        "to": rotation.to,
        "state": rotation.state.name(),
        "total": rotation.total,
        "done": rotation.done,
        "shut": rotation.shut,
        "percent": percent,
        "node": rotation.node,
        "started": rotation.started.rfc3339(),
        "seen": rotation.seen.rfc3339(),
        "ended": rotation.ended.map(crate::time::Timestamp::rfc3339),
    }))
}
