//! stub
pub struct Modem;
#[derive(Default)]
pub struct ModemOptions;
impl Modem {
    pub fn start(_: &std::path::Path, _: &ModemOptions) -> Self {
        Self
    }
    pub fn port(&self) -> &str {
        ""
    }
    pub fn deliver(&self, _: &str, _: &str) {}
}
