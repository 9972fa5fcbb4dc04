//! Generates the streams to measure, which resemble those of today's services and are always the
//! same.
//!
//! A corpus knows its events, so that no benchmark can measure a wrong decoder. A test compares the
//! generators with the reference decoder.

/// The size of each stream: larger than the L1 and L2 caches, and quick to decode.
const BYTES: usize = 4 << 20;

/// A stream, and its contents.
pub struct Corpus {
    pub name: &'static str,
    pub bytes: Vec<u8>,
    /// The event type, or "", and the data of each event.
    pub events: Vec<(&'static str, String)>,
    /// The index in `bytes` where each event's blank line ends.
    pub ends: Vec<usize>,
}

/// A way to split a stream.
#[derive(Clone, Copy)]
pub enum Chunks {
    /// One event in each chunk, which is what a client sees while a model generates tokens.
    PerEvent,
    /// Chunks of this many bytes.
    Fixed(usize),
    Whole,
}

impl Chunks {
    pub const ALL: [(&'static str, Self); 5] = [
        ("16KiB", Self::Fixed(16 << 10)),
        ("1400B", Self::Fixed(1400)),
        ("64B", Self::Fixed(64)),
        ("event", Self::PerEvent),
        ("whole", Self::Whole),
    ];
}

impl Corpus {
    /// Returns the number of bytes of data in all events.
    pub fn data_bytes(&self) -> usize {
        self.events.iter().map(|(_, data)| data.len()).sum()
    }

    pub fn chunks(&self, chunks: Chunks) -> Vec<&[u8]> {
        match chunks {
            Chunks::Whole => vec![&self.bytes],
            Chunks::Fixed(size) => self.bytes.chunks(size).collect(),
            Chunks::PerEvent => {
                let starts = std::iter::once(&0).chain(&self.ends);
                starts.zip(&self.ends).map(|(&start, &end)| &self.bytes[start..end]).collect()
            }
        }
    }
}

/// Returns all corpora.
pub fn all() -> Vec<Corpus> {
    vec![
        Generator::fill("llm", |g, number| {
            let (token, padding) = (g.words(1), g.hex(4, 24));
            let data = format!(
                r#"{{"id":"chatcmpl-9f3a1c7e5b2d4860","object":"chat.completion.chunk","created":1790000000,"model":"model-4o-mini","choices":[{{"index":0,"delta":{{"content":"{token}"}},"logprobs":null,"finish_reason":null}}],"n":{number},"pad":"{padding}"}}"#
            );
            g.event("\n", "", &data);
        }),
        Generator::fill("llm_named", |g, number| {
            if number % 50 == 3 {
                return g.event("\n", "ping", r#"{"type":"ping"}"#);
            }
            let token = g.words(2);
            let data = format!(
                r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":"{token}"}}}}"#
            );
            g.event("\n", "content_block_delta", &data);
        }),
        Generator::fill("responses", |g, number| {
            let (name, text) = if number % 120 == 119 {
                let words = 500 + g.below(15_000);
                ("response.completed", g.words(words))
            } else {
                ("response.output_text.delta", g.words(2))
            };
            let data = format!(
                r#"{{"type":"{name}","sequence_number":{number},"item_id":"msg_68af1c20d7b4819fa3e5c6d2","output_index":0,"content_index":0,"delta":"{text}","logprobs":[],"obfuscation":"{}"}}"#,
                g.hex(4, 16)
            );
            g.event("\n", name, &data);
        }),
        Generator::fill("cjk", |g, number| {
            let text = g.chinese(60);
            let data =
                format!(r#"{{"id":"{number}","choices":[{{"delta":{{"content":"{text}"}}}}]}}"#);
            g.event("\n", "", &data);
        }),
        Generator::fill("gemini", |g, number| {
            let text = g.words(20);
            let signature = if number % 30 == 29 { g.hex(2_000, 40_000) } else { g.hex(100, 200) };
            let data = format!(
                r#"{{"candidates": [{{"content": {{"parts": [{{"text": "{text}"}}],"role": "model"}},"index": 0}}],"usageMetadata": {{"totalTokenCount": {number}}},"thoughtSignature": "{signature}"}}"#
            );
            g.event("\r\n", "", &data);
        }),
        Generator::fill("tiny", |g, _| {
            let data = g.hex(1, 8);
            g.event("\n", "", &data);
        }),
        Generator::fill("multiline", |g, number| {
            g.line("\r\n", &format!("id: {number}"));
            let lines: Vec<_> = (0..8).map(|_| g.words(5)).collect();
            g.event("\r\n", "patch", &lines.join("\n"));
        }),
        Generator::fill("large", |g, _| {
            let data = g.hex(60_000, 65_000);
            g.event("\n", "", &data);
        }),
        Generator::fill("heartbeat", |g, number| {
            for _ in 0..10 {
                g.line("\n", ": ping - 2026-11-20 12:00:00.000000+00:00");
                g.line("\n", "");
            }
            g.event("\n", "", &format!("{{\"n\":{number}}}"));
        }),
    ]
}

/// Writes a stream, and records its contents.
struct Generator {
    corpus: Corpus,
    random: u64,
}

impl Generator {
    /// Adds events until the stream is long enough.
    fn fill(name: &'static str, mut add: impl FnMut(&mut Self, usize)) -> Corpus {
        let corpus = Corpus { name, bytes: Vec::new(), events: Vec::new(), ends: Vec::new() };
        let mut generator = Self { corpus, random: 0x9e37_79b9_7f4a_7c15 };
        for number in 0.. {
            if generator.corpus.bytes.len() >= BYTES {
                break;
            }
            add(&mut generator, number);
        }
        generator.corpus
    }

    fn line(&mut self, end: &str, line: &str) {
        self.corpus.bytes.extend_from_slice(line.as_bytes());
        self.corpus.bytes.extend_from_slice(end.as_bytes());
    }

    fn event(&mut self, end: &str, event_type: &'static str, data: &str) {
        if !event_type.is_empty() {
            self.line(end, &format!("event: {event_type}"));
        }
        for line in data.split('\n') {
            self.line(end, &format!("data: {line}"));
        }
        self.line(end, "");
        self.corpus.events.push((event_type, data.to_owned()));
        self.corpus.ends.push(self.corpus.bytes.len());
    }

    /// Returns a number below the limit (xorshift, which is the same on every machine).
    fn below(&mut self, limit: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 33) as usize % limit
    }

    fn words(&mut self, count: usize) -> String {
        const WORDS: [&str; 12] = [
            " the", " stream", " of", " tokens", " is", " decoded", " as", " it", " comes", " and",
            " answers", " quickly",
        ];
        (0..count).map(|_| WORDS[self.below(WORDS.len())]).collect()
    }

    fn chinese(&mut self, count: usize) -> String {
        const CHARACTERS: [char; 12] =
            ['你', '好', '世', '界', '流', '式', '回', '答', '的', '字', '，', '。'];
        (0..count).map(|_| CHARACTERS[self.below(CHARACTERS.len())]).collect()
    }

    fn hex(&mut self, least: usize, most: usize) -> String {
        let count = least + self.below(most - least + 1);
        (0..count).map(|_| char::from(b"0123456789abcdef"[self.below(16)])).collect()
    }
}
