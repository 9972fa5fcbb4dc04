//! What the fuzz targets share: the laws, which are the property tests' own, and their inputs.

use arbitrary::{Arbitrary, Result, Unstructured};

#[path = "../../tests/suite/faces.rs"]
pub mod faces;
#[path = "../../tests/suite/laws.rs"]
pub mod laws;
#[path = "../../tests/reference/mod.rs"]
pub mod reference;

/// A stream and how it is cut: a few bytes for the sizes of its chunks, then the stream as it is, so
/// that the dictionary's words land in it.
#[derive(Debug)]
pub struct Cut<'a> {
    pub input: &'a [u8],
    pub sizes: Vec<usize>,
}

impl<'a> Arbitrary<'a> for Cut<'a> {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let sizes = (0..u.int_in_range(1..=4)?)
            .map(|_| u.int_in_range(0..=24))
            .collect::<Result<Vec<usize>>>()?;
        let input = u.bytes(u.len())?;
        Ok(Self { input, sizes })
    }
}

impl Cut<'_> {
    pub fn chunks(&self) -> Vec<&[u8]> {
        laws::cut(self.input, &self.sizes)
    }
}
