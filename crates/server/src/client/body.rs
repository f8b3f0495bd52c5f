use hyper::body::{Body, Bytes, Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Told how many bytes have been handed to the connection.
pub(crate) type Progress = Box<dyn FnMut(u64) + Send>;

/// Bytes handed over at a time, so that progress shows.
const PIECE: usize = 64 << 10;

/// A body sent in pieces.
pub(super) struct Upload {
    rest: Bytes,
    progress: Option<Progress>,
}

impl Upload {
    pub(super) fn new(body: Bytes, progress: Option<Progress>) -> Self {
        Self {
            rest: body,
            progress,
        }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let size = self.rest.len().min(PIECE);
        let piece = self.rest.split_to(size);
        if let Some(progress) = &mut self.progress {
            progress(size as u64);
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}
