//! The proxy is the example of this package: `llm_proxy`.
