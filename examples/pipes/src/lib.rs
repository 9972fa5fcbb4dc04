//! The tools are the examples `sse2json` and `json2sse` of this package.
