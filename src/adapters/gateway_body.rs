//! `http_body::Body`: what a gateway passes on, as a body.

use core::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_core::TryStream;
use http_body::{Body, Frame as BodyFrame};

use super::{
    filtered::{FilterBlocks, WithLastWords},
    injected::Inject,
};

/// Implements [`Body`] for a stream of chunks: each of them is a frame of data.
macro_rules! body {
    ($type:ident<$($parameter:ident),*>) => {
        impl<$($parameter),*> Body for $type<$($parameter),*>
        where
            Self: TryStream<Ok = Bytes>,
        {
            type Data = Bytes;
            type Error = <Self as TryStream>::Error;

            fn poll_frame(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
            ) -> Poll<Option<Result<BodyFrame<Bytes>, Self::Error>>> {
                self.try_poll_next(cx).map(|chunk| Some(chunk?.map(BodyFrame::data)))
            }
        }
    };
}

body!(FilterBlocks<S, F>);
body!(WithLastWords<S, F, L, E>);
body!(Inject<S, I, K>);
