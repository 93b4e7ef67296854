//! Owns the MQTT 5 wire format as far as the harness writes and reads it.
//!
//! Written independently of the gateway's own client on purpose: what one gets wrong the other must notice.

/// A PUBLISH, in either direction.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Publish {
    pub topic: String,
    pub payload: Vec<u8>,
    pub qos: u8,
    pub retain: bool,
    pub dup: bool,
    /// 0 at QoS 0.
    pub packet_id: u16,
    pub response_topic: Option<String>,
    pub correlation_data: Option<Vec<u8>>,
    pub message_expiry_s: Option<u32>,
}

/// The packets the harness reads.
#[derive(Clone, Debug, PartialEq)]
pub enum Packet {
    Connect {
        client_id: String,
    },
    Connack {
        session_present: bool,
        reason: u8,
    },
    Publish(Publish),
    Puback {
        packet_id: u16,
        reason: u8,
    },
    /// Of a QoS 2 that only a hostile broker uses.
    Pubrec {
        packet_id: u16,
    },
    Subscribe {
        packet_id: u16,
        filters: usize,
    },
    Suback {
        packet_id: u16,
        reasons: Vec<u8>,
    },
    Disconnect {
        reason: u8,
    },
    /// Any other, by its type number.
    Other(u8),
}

/// Cuts a byte stream into packets, wherever its reads end.
#[derive(Default)]
pub struct Reader {
    buffer: Vec<u8>,
}

impl Reader {
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole packet, or `None` until more bytes came.
    pub fn next_packet(&mut self) -> Result<Option<Packet>, String> {
        Ok(self.next_with_octets()?.map(|(packet, _)| packet))
    }

    /// The same, with its octets.
    pub fn next_with_octets(&mut self) -> Result<Option<(Packet, Vec<u8>)>, String> {
        let Some((header, length)) = fixed_header(&self.buffer)? else { return Ok(None) };
        if self.buffer.len() < header + length {
            return Ok(None);
        }
        let packet = parse(self.buffer[0], &self.buffer[header..header + length])?;
        Ok(Some((packet, self.buffer.drain(..header + length).collect())))
    }

    /// What is left that is no whole packet.
    pub fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buffer)
    }
}

/// Octets of the fixed header and of what follows it.
fn fixed_header(bytes: &[u8]) -> Result<Option<(usize, usize)>, String> {
    let Some(rest) = bytes.get(1..) else { return Ok(None) };
    Ok(variable_int(rest)?.map(|(length, octets)| (1 + octets, length)))
}

/// MQTT 5 section 1.5.5; the value and its octets.
fn variable_int(bytes: &[u8]) -> Result<Option<(usize, usize)>, String> {
    let mut value = 0;
    for (i, octet) in bytes.iter().take(4).enumerate() {
        value |= usize::from(octet & 0x7f) << (7 * i);
        if octet & 0x80 == 0 {
            return Ok(Some((value, i + 1)));
        }
    }
    if bytes.len() < 4 { Ok(None) } else { Err("a variable byte integer of more than 4 octets".to_owned()) }
}

fn parse(first: u8, body: &[u8]) -> Result<Packet, String> {
    let mut fields = Fields(body);
    Ok(match first >> 4 {
        1 => {
            // Protocol name, level, flags and keep-alive come before the properties.
            fields.string()?;
            fields.take(4)?;
            fields.properties()?;
            Packet::Connect { client_id: fields.string()? }
        }
        2 => Packet::Connack { session_present: fields.u8()? & 1 == 1, reason: fields.u8()? },
        3 => Packet::Publish(parse_publish(first, fields)?),
        4 => Packet::Puback { packet_id: fields.u16()?, reason: fields.u8().unwrap_or(0) },
        5 => Packet::Pubrec { packet_id: fields.u16()? },
        8 => {
            let packet_id = fields.u16()?;
            fields.properties()?;
            let mut filters = 0;
            while !fields.0.is_empty() {
                fields.string().and(fields.u8())?;
                filters += 1;
            }
            Packet::Subscribe { packet_id, filters }
        }
        9 => {
            let packet_id = fields.u16()?;
            fields.properties()?;
            Packet::Suback { packet_id, reasons: fields.0.to_vec() }
        }
        14 => Packet::Disconnect { reason: fields.u8().unwrap_or(0) },
        other => Packet::Other(other),
    })
}

fn parse_publish(first: u8, mut fields: Fields) -> Result<Publish, String> {
    let qos = first >> 1 & 3;
    let topic = fields.string()?;
    let packet_id = if qos > 0 { fields.u16()? } else { 0 };
    let mut publish =
        Publish { topic, qos, packet_id, retain: first & 1 == 1, dup: first & 8 == 8, ..Publish::default() };
    let mut properties = fields.properties()?;
    while !properties.0.is_empty() {
        match properties.u8()? {
            0x02 => publish.message_expiry_s = Some(properties.u32()?),
            0x08 => publish.response_topic = Some(properties.string()?),
            0x09 => publish.correlation_data = Some(properties.binary()?),
            other => properties.skip(other)?,
        }
    }
    publish.payload = fields.0.to_vec();
    Ok(publish)
}

/// What is left of a packet, read from the front.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, octets: usize) -> Result<&'a [u8], String> {
        let (head, tail) = self.0.split_at_checked(octets).ok_or("a packet ends too early")?;
        self.0 = tail;
        Ok(head)
    }

    fn u8(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    fn u16(&mut self) -> Result<u16, String> {
        let octets = self.take(2)?;
        Ok(u16::from_be_bytes([octets[0], octets[1]]))
    }

    fn u32(&mut self) -> Result<u32, String> {
        Ok(u32::from(self.u16()?) << 16 | u32::from(self.u16()?))
    }

    fn binary(&mut self) -> Result<Vec<u8>, String> {
        let length = self.u16()?;
        Ok(self.take(usize::from(length))?.to_vec())
    }

    fn string(&mut self) -> Result<String, String> {
        String::from_utf8(self.binary()?).map_err(|_| "a string that is not UTF-8".to_owned())
    }

    fn properties(&mut self) -> Result<Fields<'a>, String> {
        let (length, octets) = variable_int(self.0)?.ok_or("a packet ends within its property length")?;
        self.take(octets)?;
        self.take(length).map(Fields)
    }

    /// Skips a property we do not read, by its type (MQTT 5 section 2.2.2.2).
    fn skip(&mut self, property: u8) -> Result<(), String> {
        match property {
            0x01 | 0x17 | 0x19 | 0x24 | 0x25 | 0x28 | 0x29 | 0x2a => self.take(1).map(drop),
            0x13 | 0x21..=0x23 => self.take(2).map(drop),
            0x11 | 0x18 | 0x27 => self.take(4).map(drop),
            0x0b => {
                let (_, octets) = variable_int(self.0)?.ok_or("a packet ends within a property")?;
                self.take(octets).map(drop)
            }
            0x26 => self.string().and(self.string()).map(drop),
            _ => self.binary().map(drop),
        }
    }
}

/// CONNECT of a test client with a session that outlives its connections.
pub fn connect(client_id: &str, login: Option<(&str, &str)>) -> Vec<u8> {
    let mut body = Vec::new();
    put_binary(&mut body, b"MQTT");
    body.push(5);
    body.push(if login.is_some() { 0xc0 } else { 0 });
    // No keep-alive: a test that waits long must not be put off by it.
    body.extend([0, 0]);
    let mut properties = vec![0x11];
    properties.extend(3600_u32.to_be_bytes());
    put_properties(&mut body, &properties);
    put_binary(&mut body, client_id.as_bytes());
    if let Some((user, password)) = login {
        put_binary(&mut body, user.as_bytes());
        put_binary(&mut body, password.as_bytes());
    }
    packet(0x10, &body)
}

/// SUBSCRIBE at QoS 1 with Retain As Published, so that the test sees the flag as it was set.
pub fn subscribe(packet_id: u16, filters: &[String]) -> Vec<u8> {
    let mut body = packet_id.to_be_bytes().to_vec();
    put_properties(&mut body, &[]);
    for filter in filters {
        put_binary(&mut body, filter.as_bytes());
        body.push(0b0000_1001);
    }
    packet(0x82, &body)
}

pub fn publish(publish: &Publish) -> Vec<u8> {
    let mut body = Vec::new();
    put_binary(&mut body, publish.topic.as_bytes());
    if publish.qos > 0 {
        body.extend(publish.packet_id.to_be_bytes());
    }
    let mut properties = Vec::new();
    if let Some(seconds) = publish.message_expiry_s {
        properties.push(0x02);
        properties.extend(seconds.to_be_bytes());
    }
    if let Some(topic) = &publish.response_topic {
        properties.push(0x08);
        put_binary(&mut properties, topic.as_bytes());
    }
    if let Some(data) = &publish.correlation_data {
        properties.push(0x09);
        put_binary(&mut properties, data);
    }
    put_properties(&mut body, &properties);
    body.extend(&publish.payload);
    let flags = u8::from(publish.dup) << 3 | publish.qos << 1 | u8::from(publish.retain);
    packet(0x30 | flags, &body)
}

pub fn puback(packet_id: u16) -> Vec<u8> {
    packet(0x40, &packet_id.to_be_bytes())
}

/// DISCONNECT, normal: the broker discards the will and keeps the session.
pub fn disconnect() -> Vec<u8> {
    packet(0xe0, &[])
}

pub fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    put_variable_int(&mut bytes, body.len());
    bytes.extend(body);
    bytes
}

pub fn put_properties(body: &mut Vec<u8>, properties: &[u8]) {
    put_variable_int(body, properties.len());
    body.extend(properties);
}

fn put_variable_int(bytes: &mut Vec<u8>, mut value: usize) {
    loop {
        let octet = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            bytes.push(octet);
            return;
        }
        bytes.push(octet | 0x80);
    }
}

pub fn put_binary(bytes: &mut Vec<u8>, value: &[u8]) {
    let length = u16::try_from(value.len()).expect("MQTT strings have at most 65535 octets");
    bytes.extend(length.to_be_bytes());
    bytes.extend(value);
}

#[test]
fn packets_are_found_however_the_stream_is_chopped() {
    let sent = Publish {
        topic: "sms/send".to_owned(),
        payload: "Привет".repeat(40).into_bytes(),
        qos: 1,
        packet_id: 513,
        dup: true,
        response_topic: Some("answers/1".to_owned()),
        correlation_data: Some(vec![0, 255]),
        message_expiry_s: Some(90_000),
        ..Publish::default()
    };
    let mut stream = connect("one", Some(("u", "p")));
    stream.extend(publish(&sent));
    stream.extend(puback(7));
    let expected = [
        Packet::Connect { client_id: "one".to_owned() },
        Packet::Publish(sent),
        Packet::Puback { packet_id: 7, reason: 0 },
    ];
    for chunk in [1, 3, 1000] {
        let mut reader = Reader::default();
        let mut packets = Vec::new();
        for bytes in stream.chunks(chunk) {
            reader.push(bytes);
            while let Some(packet) = reader.next_packet().expect("a valid stream") {
                packets.push(packet);
            }
        }
        assert_eq!(packets, expected, "in chunks of {chunk}");
    }
}

#[test]
fn a_broken_packet_is_an_error_and_no_panic() {
    for bytes in [&[0x30, 0x02, 0x00, 0x09][..], &[0x30, 0xff, 0xff, 0xff, 0xff, 0x01], &[0x20, 0x00]] {
        let mut reader = Reader::default();
        reader.push(bytes);
        assert!(reader.next_packet().is_err(), "{bytes:02x?}");
    }
}
