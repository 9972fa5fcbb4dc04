//! Tests that every adapter returns the decoder's events, and keeps its own promises.

mod blocks;
mod body;
mod codec;
mod encode;
mod filtered;
mod headers;
mod io;
mod json;
mod open;
mod open_response;
mod polling;
mod reconnect_cuts;
mod reconnect_model;
mod reconnect_table;
mod reconnecting;
mod resume;
mod same;
mod sentinel;
mod sources;
mod stream;
mod types;
mod world;
