//! The tools are the examples of this package: `sse2json` and `json2sse`.
