//! The tests are in the test target `network` of this package: the adapters with real servers and
//! clients.
