//! smsbridge-codec
