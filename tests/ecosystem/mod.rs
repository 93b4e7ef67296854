//! What people connect to smsbridge, as it really is. `tests/run ecosystem` installs it and runs these tests.

mod node_red;
