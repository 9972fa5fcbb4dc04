// The npm package `eventsource-parser`, which is fed with text, as its users do.

export const name = 'eventsource-parser';

export async function open() {
  const { createParser } = await import('eventsource-parser');
  return {
    decodeAll: (inputs) => inputs.map(({ pieces }) => decode(createParser, pieces)),
    close() {},
  };
}

function decode(createParser, pieces) {
  const found = { items: [], lastEventId: '', reconnectionTime: null };
  const parser = createParser({
    // Called before the event of the same block.
    onId: (id) => (found.lastEventId = id),
    onEvent: ({ event, data, id }) =>
      found.items.push({ event: event ?? 'message', data, id: id ?? null, last_event_id: found.lastEventId }),
    onComment: (comment) => found.items.push({ comment }),
    onRetry: (time) => (found.reconnectionTime = time),
  });
  const decoder = new TextDecoder('utf-8');
  for (const piece of pieces) parser.feed(decoder.decode(piece, { stream: true }));
  parser.feed(decoder.decode());
  return found;
}

/** What of our outcome it can tell, too. */
export const view = ({ items, summary }) => ({
  items: items.map(({ retry, ...item }) => item),
  lastEventId: summary.last_event_id,
  reconnectionTime: summary.reconnection_time,
});
