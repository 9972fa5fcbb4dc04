//! A slow, obvious decoder, written from the steps of the standard. It defines what is right.
//!
//! It reads the whole stream at once, goes through it step by step, and shares no code with the
//! crate. Where the standard leaves a choice, a comment says which one is made.

/// An event as it is dispatched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The event type, `message` by default.
    pub event_type: String,
    pub data: String,
    /// The valid `id` of the event's own block, if it has one.
    pub id: Option<String>,
    pub last_event_id: String,
    /// The valid `retry` of the event's own block, in milliseconds, if it has one.
    pub retry: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    Event(Event),
    /// The text after the colon and one space.
    Comment(String),
    /// A block without data that sets an ID or a reconnection time. The standard dispatches nothing
    /// for it, but decoders can return it as an item.
    Update {
        id: Option<String>,
        retry: Option<u64>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decoded {
    pub items: Vec<Item>,
    /// Blank lines, each of which ends a block, maybe an empty one.
    pub blocks: u64,
    pub last_event_id: String,
    pub reconnection_time: Option<u64>,
    /// The number of bytes after the last blank line.
    pub pending_bytes: u64,
    /// `true` if there is data among them.
    pub had_data: bool,
    /// Lines with a field name that the standard does not define.
    pub unknown_fields: u64,
    pub bytes: u64,
}

impl Item {
    pub fn event(&self) -> Option<&Event> {
        match self {
            Self::Event(event) => Some(event),
            Self::Comment(_) | Self::Update { .. } => None,
        }
    }

    pub fn comment(&self) -> Option<&str> {
        match self {
            Self::Event(_) | Self::Update { .. } => None,
            Self::Comment(text) => Some(text),
        }
    }
}

impl Decoded {
    pub fn events(&self) -> Vec<&Event> {
        self.items.iter().filter_map(Item::event).collect()
    }
}

/// Decodes a whole stream.
pub fn decode(input: &[u8]) -> Decoded {
    let mut decoded = Decoded { bytes: input.len() as u64, ..Decoded::default() };
    let mut text = utf8_decode(input);
    if text.first() == Some(&('\u{feff}', 3)) {
        // The byte order mark is not part of a line, but of the first block's bytes.
        decoded.pending_bytes = 3;
        text.remove(0);
    }

    let mut data = String::new();
    let mut event_type = String::new();
    let mut last_event_id_buffer = String::new();
    let (mut id, mut retry) = (None, None);
    let mut at = 0;
    while at < text.len() {
        let Some(line) = text[at..].iter().position(|&(c, _)| c == '\n' || c == '\r') else {
            break;
        };
        let end = at + line;
        let crlf = text[end].0 == '\r' && text.get(end + 1).is_some_and(|&(c, _)| c == '\n');
        let next = end + if crlf { 2 } else { 1 };
        let line: String = text[at..end].iter().map(|&(c, _)| c).collect();
        decoded.pending_bytes += text[at..next].iter().map(|&(_, len)| len).sum::<u64>();
        at = next;

        if line.is_empty() {
            // Dispatch the event.
            decoded.pending_bytes = 0;
            decoded.blocks += 1;
            decoded.last_event_id.clone_from(&last_event_id_buffer);
            if !data.is_empty() {
                data.pop();
                decoded.items.push(Item::Event(Event {
                    event_type: if event_type.is_empty() { "message" } else { &event_type }.into(),
                    data: data.clone(),
                    id: id.clone(),
                    last_event_id: decoded.last_event_id.clone(),
                    retry,
                }));
            } else if id.is_some() || retry.is_some() {
                decoded.items.push(Item::Update { id: id.clone(), retry });
            }
            data.clear();
            event_type.clear();
            (id, retry) = (None, None);
        } else if let Some(comment) = line.strip_prefix(':') {
            decoded.items.push(Item::Comment(comment.strip_prefix(' ').unwrap_or(comment).into()));
        } else {
            let (field, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => event_type = value.into(),
                "data" => {
                    data.push_str(value);
                    data.push('\n');
                }
                "id" if !value.contains('\0') => {
                    last_event_id_buffer = value.into();
                    id = Some(value.into());
                }
                "retry" if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) => {
                    // Parsing digits can only fail because there are too many.
                    retry = Some(value.parse().unwrap_or(u64::MAX));
                    decoded.reconnection_time = retry;
                }
                "id" | "retry" => {}
                _ => decoded.unknown_fields += 1,
            }
        }
    }
    // At the end of the stream, a pending block is discarded.
    let cut: String = text[at..].iter().map(|&(c, _)| c).collect();
    decoded.had_data = !data.is_empty() || cut == "data" || cut.starts_with("data:");
    decoded.pending_bytes += text[at..].iter().map(|&(_, len)| len).sum::<u64>();
    decoded
}

/// The Encoding Standard's "UTF-8 decoder". Returns characters, with the length of each in the
/// input.
fn utf8_decode(input: &[u8]) -> Vec<(char, u64)> {
    let mut text = Vec::new();
    let (mut code_point, mut needed, mut seen) = (0_u32, 0, 0);
    let (mut lower, mut upper) = (0x80, 0xBF);
    let mut index = 0;
    while index < input.len() {
        let byte = input[index];
        index += 1;
        if needed == 0 {
            (lower, upper, seen) = (0x80, 0xBF, 0);
            match byte {
                0x00..=0x7F => text.push((char::from(byte), 1)),
                0xC2..=0xDF => (needed, code_point) = (1, u32::from(byte & 0x1F)),
                0xE0..=0xEF => {
                    if byte == 0xE0 {
                        lower = 0xA0;
                    }
                    if byte == 0xED {
                        upper = 0x9F;
                    }
                    (needed, code_point) = (2, u32::from(byte & 0x0F));
                }
                0xF0..=0xF4 => {
                    if byte == 0xF0 {
                        lower = 0x90;
                    }
                    if byte == 0xF4 {
                        upper = 0x8F;
                    }
                    (needed, code_point) = (3, u32::from(byte & 0x07));
                }
                _ => text.push(('\u{fffd}', 1)),
            }
        } else if byte < lower || byte > upper {
            text.push(('\u{fffd}', 1 + seen));
            needed = 0;
            // "Restore byte to ioQueue": the byte may start another character.
            index -= 1;
        } else {
            (lower, upper) = (0x80, 0xBF);
            code_point = code_point << 6 | u32::from(byte & 0x3F);
            seen += 1;
            if seen == needed {
                let character = char::from_u32(code_point).expect("the boundaries leave no other");
                text.push((character, 1 + needed));
                needed = 0;
            }
        }
    }
    if needed > 0 {
        text.push(('\u{fffd}', 1 + seen));
    }
    text
}
