use super::*;
use countersign_engine::time::Timestamp;
use countersign_service::timing::{Span, Stage};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;

fn timing(status: i32) -> Timing {
    let span = |stage, parent, start, took| Span {
        stage,
        parent,
        start: Duration::from_micros(start),
        took: Duration::from_micros(took),
    };
    Timing {
        id: *b"0123456789abcdef",
        request_id: Some("order 66".to_owned()),
        way: "radius",
        command: None,
        user: Some("alice".to_owned()),
        component: Some("radius_client".to_owned()),
        status,
        at: Timestamp::from_seconds(1000),
        took: Duration::from_micros(90),
        spans: vec![
            span(Stage::Load, None, 1, 9),
            span(Stage::Commit, None, 10, 70),
            span(Stage::Store, Some(1), 20, 60),
        ],
        left_out: 0,
    }
}

/// A collector that takes one message, answers with a status, and gives what it got.
fn collector(status: &'static str) -> (String, std::thread::JoinHandle<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            reader.read_line(&mut head).unwrap();
        }
        let length = head
            .lines()
            .find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length: ")?
                    .parse()
                    .ok()
            })
            .unwrap();
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        write!(
            reader.get_mut(),
            "HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n"
        )
        .unwrap();
        (head, body)
    });
    (endpoint, thread)
}

#[tokio::test]
async fn a_collector_gets_the_spans_of_a_request_as_a_tree() {
    let (endpoint, thread) = collector("200 OK");
    let endpoint: Endpoint = endpoint.parse().unwrap();
    let (sender, receiver) = channel(4);
    sender.try_send(Arc::new(timing(0))).unwrap();
    let node = Weak::new();
    export(receiver, endpoint, node, "node1".to_owned(), async {}).await;
    let (head, body) = thread.join().unwrap();
    assert!(head.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{head}");
    assert!(
        head.contains("content-type: application/x-protobuf"),
        "{head}"
    );
    let message = ExportTraceServiceRequest::decode(&body[..]).unwrap();
    let of_node = &message.resource_spans[0];
    let told = format!("{:?}", of_node.resource);
    assert!(
        told.contains("service.instance.id") && told.contains("node1"),
        "{told}"
    );
    let spans = &of_node.scope_spans[0].spans;
    let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["radius", "load", "commit", "store"]);
    assert!(
        spans
            .iter()
            .all(|span| span.trace_id == b"0123456789abcdef")
    );
    let parents: Vec<_> = spans.iter().map(|span| &span.parent_span_id).collect();
    assert_eq!(
        parents,
        [
            &vec![],
            &spans[0].span_id,
            &spans[0].span_id,
            &spans[2].span_id
        ]
    );
    let root = &spans[0];
    assert_eq!(root.start_time_unix_nano, 1_000_000_000_000);
    assert_eq!(root.end_time_unix_nano - root.start_time_unix_nano, 90_000);
    let text = format!("{spans:?}");
    assert!(
        text.contains("order 66") && !text.contains("alice"),
        "{text}"
    );
}

#[tokio::test]
async fn a_collector_that_refuses_is_told() {
    let (endpoint, thread) = collector("503 Service Unavailable");
    let endpoint: Endpoint = endpoint.parse().unwrap();
    let message = spans::message(&[Arc::new(timing(-106))], "node1");
    let error = endpoint.send(message).await.unwrap_err();
    assert!(error.to_string().contains("503"), "{error}");
    thread.join().unwrap();
    let gone = endpoint.send(Vec::new()).await.unwrap_err();
    assert!(
        gone.to_string().contains("send spans to 127.0.0.1"),
        "{gone}"
    );
}

#[test]
fn an_endpoint_is_plain_http() {
    let read = |text: &str| {
        text.parse::<Endpoint>()
            .map(|endpoint| format!("{endpoint:?}"))
    };
    assert!(read("http://localhost").unwrap().contains("localhost:4318"));
    assert!(read("http://[::1]:99/x").unwrap().contains("\"/x\""));
    for bad in ["https://host/", "localhost:4318", "", "http://"] {
        assert!(read(bad).is_err(), "{bad}");
    }
}
