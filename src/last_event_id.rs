//! The last event ID, as the decoder and its owned events hold it.

use alloc::{string::String, sync::Arc};
use core::fmt;

use crate::wire::{self, Shortened};

/// The last event ID, shared by the decoder and the owned events that were dispatched with it: a
/// server may send a large ID once and small events ever after.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct LastEventId(Option<Arc<String>>);

impl LastEventId {
    pub(crate) const NONE: Self = Self(None);

    pub(crate) fn new(id: &str) -> Self {
        Self((!id.is_empty()).then(|| Arc::new(id.into())))
    }

    #[inline]
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_ref().map_or("", |id| id)
    }

    /// Sets the ID, in the memory of the last one if no event shares it.
    pub(crate) fn set(&mut self, id: &str) {
        match self.0.as_mut().and_then(Arc::get_mut) {
            Some(last) if last.capacity() <= wire::KEPT => {
                last.clear();
                last.push_str(id);
            }
            _ => *self = Self::new(id),
        }
    }
}

impl fmt::Debug for LastEventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Shortened(self.as_str()).fmt(f)
    }
}
