use crate::node::Node;
use crate::reply::Reply;
use countersign_engine::attempt::Via;
use countersign_engine::decision::KeptAnswer;
use countersign_engine::time::Timestamp;
use countersign_engine::{Secret, Status};
use serde_json::{Map, Value, json};

/// Seconds for which an answer is kept.
const KEPT_S: i64 = 30;

/// A request that named its own id: the id, and the keyed hash of its whole body.
pub(super) struct Whole {
    request_id: String,
    body: [u8; 32],
}

impl Whole {
    /// `None` if the request named no id.
    pub(super) fn of(node: &Node, via: Via, fields: &Map<String, Value>) -> Option<Self> {
        let request_id = fields.get("request_id")?.as_str()?.to_owned();
        let text = Secret::new(format!("{via:?} {}", Value::Object(fields.clone())).into_bytes());
        Some(Self {
            request_id,
            body: node.keyed_hash("request", text.expose())?,
        })
    }
}

/// The stored answer of the same request, or -2 for another body under the same id.
pub(super) fn find(node: &Node, component: &str, whole: &Whole) -> Option<Reply> {
    let kept = node
        .store()
        .kept_answer(component, &whole.request_id)
        .ok()??;
    repeated(&kept, whole, Node::now())
}

/// Nothing once the time of the answer is over, though its row may still be there.
fn repeated(kept: &KeptAnswer, whole: &Whole, now: Timestamp) -> Option<Reply> {
    if kept.expires < now {
        return None;
    }
    if !bool::from(subtle::ConstantTimeEq::ct_eq(
        kept.body.as_slice(),
        whole.body.as_slice(),
    )) {
        return Some(Reply::with(
            Status::INVPARAM,
            "request_id was used for another request within 30 seconds",
            whole.request_id.clone(),
        ));
    }
    read(kept.answer.expose(), &whole.request_id)
}

/// The answer to be kept.
pub(super) fn answer(
    component_type: &str,
    whole: &Whole,
    reply: &Reply,
    at: Timestamp,
) -> KeptAnswer {
    let warnings: Vec<_> = reply
        .warnings
        .iter()
        .map(|(status, text)| json!([status.number(), text]))
        .collect();
    let text = json!({"status": reply.status.number(), "message": reply.message, "result": reply.result, "warnings": warnings}).to_string();
    KeptAnswer {
        component_type: component_type.to_owned(),
        request_id: whole.request_id.clone(),
        body: whole.body,
        answer: Secret::new(text.into_bytes()),
        expires: at.plus_seconds(KEPT_S),
    }
}

fn read(text: &[u8], request_id: &str) -> Option<Reply> {
    let mut value: Value = serde_json::from_slice(text).ok()?;
    let status = Status::from_number(value.get("status")?.as_i64()?)?;
    let mut reply = Reply::with(status, value.get("message")?.as_str()?, request_id);
    if let Some(Value::Object(result)) = value.get_mut("result").map(Value::take) {
        reply.result = result;
    }
    let warnings = value
        .get("warnings")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    reply.warnings = warnings
        .filter_map(|entry| {
            Some((
                Status::from_number(entry.get(0)?.as_i64()?)?,
                entry.get(1)?.as_str()?.to_owned(),
            ))
        })
        .collect();
    Some(reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(body: u8) -> Whole {
        Whole {
            request_id: "r1".to_owned(),
            body: [body; 32],
        }
    }

    #[test]
    fn an_answer_is_repeated_for_thirty_seconds_and_no_longer() {
        let mut reply = Reply::bare(Status::SUCCESS, "r1");
        reply.set("user", Some("anna"));
        let at = Timestamp::from_seconds(1000);
        let kept = answer("web 1", &whole(1), &reply, at);
        let again = repeated(&kept, &whole(1), at.plus_seconds(30)).unwrap();
        assert_eq!((again.status, &again.result), (reply.status, &reply.result));
        let other = repeated(&kept, &whole(2), at.plus_seconds(30)).unwrap();
        assert_eq!(other.status, Status::INVPARAM);
        assert!(repeated(&kept, &whole(1), at.plus_seconds(31)).is_none());
        assert!(repeated(&kept, &whole(2), at.plus_seconds(31)).is_none());
    }
}
