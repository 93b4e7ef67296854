//! smsbridge-simulator
