//! The proxy is the example `llm_proxy` of this package.
