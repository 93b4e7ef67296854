//! smsbridge-modem
