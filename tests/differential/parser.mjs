// The npm package `eventsource-parser`, fed with text as its users do.

export const name = 'eventsource-parser';

export async function open() {
  const { createParser } = await import('eventsource-parser');
  return {
    decode(pieces) {
      const found = { events: [], comments: [], reconnectionTime: null };
      const parser = createParser({
        onEvent: ({ event, data, id }) => found.events.push({ event: event || 'message', data, id: id ?? null }),
        onComment: (text) => found.comments.push(text),
        onRetry: (time) => (found.reconnectionTime = time),
      });
      const decoder = new TextDecoder('utf-8');
      for (const piece of pieces) parser.feed(decoder.decode(piece, { stream: true }));
      parser.feed(decoder.decode());
      return found;
    },
    close() {},
  };
}

/** What of our outcome it can tell, too. */
export const view = ({ events, comments, reconnectionTime }) => ({
  events: events.map(({ event, data, id }) => ({ event, data, id })),
  comments,
  reconnectionTime,
});
