//! The code that all fuzz targets share: their inputs, and the laws of the property tests.

use arbitrary::{Arbitrary, Result, Unstructured};

#[path = "../../tests/suite/faces.rs"]
pub mod faces;
#[path = "../../tests/suite/laws.rs"]
pub mod laws;
#[path = "../../tests/suite/model.rs"]
pub mod model;
#[path = "../../tests/reference/mod.rs"]
pub mod reference;
#[path = "../../tests/suite/walks.rs"]
pub mod walks;

/// A stream, and how to split it. The input starts with a few bytes for the sizes of the chunks and
/// for the number of items to take of each. The rest is the stream itself, so that words from the
/// dictionary end up in it.
#[derive(Debug)]
pub struct Cut<'a> {
    pub input: &'a [u8],
    pub sizes: Vec<usize>,
    pub takes: Vec<usize>,
}

impl<'a> Arbitrary<'a> for Cut<'a> {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let mut numbers = |most: usize, largest: usize| {
            (0..u.int_in_range(1..=most)?).map(|_| u.int_in_range(0..=largest)).collect()
        };
        let (sizes, takes): (Result<_>, Result<_>) = (numbers(4, 24), numbers(2, 3));
        let (sizes, takes) = (sizes?, takes?);
        let input = u.bytes(u.len())?;
        Ok(Self { input, sizes, takes })
    }
}

impl Cut<'_> {
    pub fn chunks(&self) -> Vec<&[u8]> {
        laws::cut(self.input, &self.sizes)
    }
}
