//! One connection: a request, its answer, bounded in entries, bytes and time.

use super::fault::Fault;
use super::wire::{self, Control, Entry, Message, Operation, Outcome, Request, Search};
use bytes::BytesMut;
use futures_util::FutureExt;
use std::future::Future;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

/// The most bytes of one answer.
const ANSWER_MAX: usize = 16 << 20;
/// Messages of one answer besides its entries that are read over.
const OTHERS_MAX: usize = 1000;

/// What bytes go over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection that carries one request at a time.
pub(super) struct Connection<S = Box<dyn Stream>> {
    stream: S,
    buffer: BytesMut,
    /// Number of the last request.
    id: i32,
    /// Whether no answer is under way: such a connection alone may be used again.
    idle: bool,
    /// When a request must have been answered.
    deadline: Instant,
}

/// How a request ended, with the controls of its answer.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) outcome: Outcome,
    pub(super) controls: Vec<Control>,
}

/// What a search found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) entries: Vec<Entry>,
    /// Where the server says that more may be.
    pub(super) references: Vec<String>,
    pub(super) end: Answer,
}

impl<S: Stream> Connection<S> {
    pub(super) fn new(stream: S, deadline: Instant) -> Self {
        Self {
            stream,
            buffer: BytesMut::new(),
            id: 0,
            idle: true,
            deadline,
        }
    }

    /// Sets when requests must have been answered from now on.
    pub(super) fn until(&mut self, deadline: Instant) {
        self.deadline = deadline;
    }

    /// Whether it may be used for another request.
    pub(super) fn is_idle(&self) -> bool {
        self.idle
    }

    /// Whether the server has closed it, or said something nobody asked for.
    pub(super) fn is_dead(&mut self) -> bool {
        let mut byte = [0];
        !self.buffer.is_empty() || self.stream.read(&mut byte).now_or_never().is_some()
    }

    /// The bare stream, for TLS to begin on it.
    ///
    /// # Errors
    /// More bytes have come than were asked for: they were not protected (RFC 4513 section 6.2).
    pub(super) fn into_stream(self) -> Result<S, Fault> {
        if self.buffer.is_empty() && self.idle {
            return Ok(self.stream);
        }
        Err(Fault::new("StartTLS", "the server went on without TLS"))
    }

    /// One request that has one answer.
    pub(super) async fn call(
        &mut self,
        step: &'static str,
        request: &Request<'_>,
        controls: &[Control],
    ) -> Result<Answer, Fault> {
        self.send(step, request, controls).await?;
        for _ in 0..OTHERS_MAX {
            let (message, _) = self.receive(step).await?;
            let expected = match (request, message.operation) {
                (Request::Bind { .. }, Operation::Bound(outcome))
                | (Request::Modify { .. }, Operation::Modified(outcome))
                | (
                    Request::StartTls | Request::PasswordModify { .. },
                    Operation::Extended(outcome),
                ) => outcome,
                (_, Operation::Other) => continue,
                _ => return Err(Fault::new(step, "the answer does not fit the request")),
            };
            self.idle = true;
            return Ok(Answer {
                outcome: expected,
                controls: message.controls,
            });
        }
        Err(Fault::new(step, "the answer has no end"))
    }

    /// Entries, all of them or at most those the search allows.
    pub(super) async fn search(
        &mut self,
        step: &'static str,
        search: &Search,
        controls: &[Control],
    ) -> Result<Found, Fault> {
        let most = usize::try_from(search.most).unwrap_or(0);
        self.send(step, &Request::Search(search), controls).await?;
        let (mut found, mut bytes, mut others) = (Found::default(), 0, 0);
        loop {
            let (message, length) = self.receive(step).await?;
            bytes += length;
            if bytes > ANSWER_MAX || others > OTHERS_MAX {
                return Err(Fault::new(step, "the answer is too long"));
            }
            match message.operation {
                Operation::Entry(_) if most > 0 && found.entries.len() == most => {
                    return Err(Fault::new(step, "more entries came than were asked for"));
                }
                Operation::Entry(entry) => found.entries.push(entry),
                Operation::Reference(more) => {
                    others += 1;
                    if found.references.is_empty() {
                        found.references = more;
                    }
                }
                Operation::Searched(outcome) => {
                    self.idle = true;
                    found.end = Answer {
                        outcome,
                        controls: message.controls,
                    };
                    return Ok(found);
                }
                Operation::Other => others += 1,
                _ => return Err(Fault::new(step, "the answer does not fit the request")),
            }
        }
    }

    /// Says farewell, as far as that takes no time.
    pub(super) fn close(mut self) {
        let bytes = Request::Unbind.write(self.id.wrapping_add(1), &[]);
        let _ = self.stream.write_all(&bytes).now_or_never();
        let _ = self.stream.flush().now_or_never();
    }

    async fn send(
        &mut self,
        step: &'static str,
        request: &Request<'_>,
        controls: &[Control],
    ) -> Result<(), Fault> {
        self.idle = false;
        self.id = self.id.checked_add(1).unwrap_or(1);
        let bytes = request.write(self.id, controls);
        let stream = &mut self.stream;
        let write = async {
            stream.write_all(&bytes).await?;
            stream.flush().await
        };
        in_time(step, self.deadline, write)
            .await?
            .map_err(|error| Fault::gone(step, format_args!("the connection broke: {error}")))
    }

    /// The next message of the answer, and its length.
    async fn receive(&mut self, step: &'static str) -> Result<(Message, usize), Fault> {
        loop {
            let length = wire::message_len(&self.buffer).map_err(|why| Fault::new(step, why))?;
            if let Some(length) = length.filter(|length| *length <= self.buffer.len()) {
                let bytes = self.buffer.split_to(length);
                let message = Message::read(&bytes).map_err(|why| Fault::new(step, why))?;
                return self.own(step, message).map(|message| (message, length));
            }
            let read = self.stream.read_buf(&mut self.buffer);
            match in_time(step, self.deadline, read).await? {
                Ok(0) => return Err(Fault::gone(step, "the server closed the connection")),
                Ok(_) => {}
                Err(error) => {
                    return Err(Fault::gone(
                        step,
                        format_args!("the connection broke: {error}"),
                    ));
                }
            }
        }
    }

    /// A message that belongs to the request under way.
    fn own(&self, step: &'static str, message: Message) -> Result<Message, Fault> {
        match (message.id, message.operation) {
            (id, operation) if id == i64::from(self.id) => Ok(Message {
                operation,
                ..message
            }),
            // RFC 4511 section 4.4.1: the server is about to close the connection
            (0, Operation::Extended(outcome)) => Err(Fault::gone(
                step,
                format_args!("the server ended the connection: {outcome}"),
            )),
            _ => Err(Fault::new(step, "an answer came that nobody asked for")),
        }
    }
}

/// The end of a step, which must come before the deadline.
pub(super) async fn in_time<T>(
    step: &'static str,
    deadline: Instant,
    work: impl Future<Output = T>,
) -> Result<T, Fault> {
    let late = |_| Fault::new(step, "no answer in time");
    timeout_at(deadline, work).await.map_err(late)
}
