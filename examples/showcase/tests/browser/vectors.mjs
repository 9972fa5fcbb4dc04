// Checks a parser against `tests/vectors.json`. Runs in Node and in the page.

/** The ways to split a stream into chunks. */
export const splits = {
  'whole': (bytes) => [bytes],
  'byte by byte': (bytes) => [...bytes].map((byte) => Uint8Array.of(byte)),
  'in threes': (bytes) => Array.from({ length: Math.ceil(bytes.length / 3) }, (_, index) => bytes.subarray(3 * index, 3 * index + 3)),
};

/** Returns the differences, with a text for each. */
export function check(Parser, vector, split) {
  const bytes = vector.input_hex === undefined
    ? new TextEncoder().encode(vector.input)
    : Uint8Array.from(vector.input_hex.match(/../g) ?? [], (hex) => parseInt(hex, 16));
  const parser = new Parser();
  const blocks = split(bytes).flatMap((chunk) => parser.feed(chunk));
  const got = {
    events: blocks.filter(({ event }) => event).map(({ event, id, retry }) => (
      { event: event.type, data: event.data, id: id ?? null, last_event_id: event.lastEventId, retry: retry ?? null })),
    comments: [...blocks, parser.pending].flatMap(({ comments }) => comments),
    last_event_id: parser.lastEventId,
    reconnection_time: parser.retry ?? null,
    blocks: blocks.length,
  };
  return Object.entries(got).flatMap(([name, value]) => {
    const [is, should] = [value, vector[name]].map((value) => JSON.stringify(value, clamp));
    return is === should ? [] : [`${vector.name}: ${name} is ${is}, should be ${should}`];
  });
}

// For values beyond 64 bits, the vectors have the largest number that fits.
const clamp = (_, value) => (typeof value === 'number' ? Math.min(value, 2 ** 64) : value);
