//! A stream as the server sends it. It ends at the first error and never reopens: see `watch.rs` for that.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::{Stream, StreamExt};

use crate::Error;

/// Messages of one server stream.
pub struct Streaming<T> {
    messages: tonic::Streaming<T>,
}

impl<T> Streaming<T> {
    pub(crate) fn new(messages: tonic::Streaming<T>) -> Self {
        Self { messages }
    }

    /// The next message; none once the server has ended the stream.
    ///
    /// # Errors
    /// What the server ended it with, or `UNAVAILABLE` when the connection was lost.
    pub async fn message(&mut self) -> Result<Option<T>, Error> {
        Ok(self.messages.message().await?)
    }
}

impl<T> Stream for Streaming<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.messages.poll_next_unpin(context);
        next.map(|message| message.map(|outcome| outcome.map_err(Error::from)))
    }
}

impl<T> fmt::Debug for Streaming<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streaming").finish_non_exhaustive()
    }
}
