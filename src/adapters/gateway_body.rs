//! `http_body::Body`: what a gateway passes on, as a body.

use alloc::vec::Vec;
use core::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_core::Stream;
use http_body::{Body, Frame as BodyFrame};

use super::{
    error::StreamError,
    filtered::{FilterBlocks, WithLastWords},
    injected::Inject,
    timer::Timer,
};
use crate::{
    block::{Block, BlockEnd},
    encoder::{Encoder, Frame},
    error::DecodeError,
    gateway::Verdict,
};

/// Implements [`Body`] for a stream of chunks: each of them is a frame of data.
macro_rules! body {
    (impl[$($parameter:ident),*] $type:ty, error $error:ty, where $($bounds:tt)*) => {
        impl<$($parameter),*> Body for $type
        where
            $($bounds)*
        {
            type Data = Bytes;
            type Error = $error;

            fn poll_frame(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
            ) -> Poll<Option<Result<BodyFrame<Bytes>, Self::Error>>> {
                self.poll_next(cx).map(|chunk| Some(chunk?.map(BodyFrame::data)))
            }
        }
    };
}

body! {
    impl[S, B, E, F] FilterBlocks<S, F>, error StreamError<E>, where
    S: Stream<Item = Result<B, E>>,
    B: Into<Bytes>,
    F: FnMut(Result<&mut Block<'_>, DecodeError>, &mut Encoder<&mut Vec<u8>>) -> Verdict,
}

body! {
    impl[S, B, E, F, L] WithLastWords<S, F, L, E>, error StreamError<E>, where
    S: Stream<Item = Result<B, E>>,
    B: Into<Bytes>,
    F: FnMut(Result<&mut Block<'_>, DecodeError>, &mut Encoder<&mut Vec<u8>>) -> Verdict,
    L: FnOnce(Result<BlockEnd<'_>, StreamError<E>>, &mut Encoder) -> Result<(), StreamError<E>>,
}

body! {
    impl[S, B, E, I, K] Inject<S, I, K>, error E, where
    S: Stream<Item = Result<B, E>>,
    B: Into<Bytes>,
    I: Stream<Item = Frame>,
    K: Timer,
}
