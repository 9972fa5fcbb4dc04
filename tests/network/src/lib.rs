//! The tests are the test `network` of this package: the adapters against real servers and clients.
