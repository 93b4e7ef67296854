//! What others make, beside the gateway: run by `tests/run ecosystem`, which installs it.

mod import;
