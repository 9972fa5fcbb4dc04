// What the tabs share: reading an event stream out of a `fetch`, and showing events as they came.

/**
 * The events of a response, by the steps of the standard: an `EventSource` for what `EventSource`
 * cannot do, a POST, headers, an abort.
 *
 * @param {Response} response
 */
export async function* events(response) {
  let line = '';
  let afterCr = false;
  let event = { type: '', data: [], id: '' };
  // The decoder takes off the byte order mark.
  for await (const text of chunks(response.body.pipeThrough(new TextDecoderStream()))) {
    for (const part of text.split(/(\r\n|\r|\n)/)) {
      if (!/^[\r\n]/.test(part)) {
        if (part) afterCr = false;
        line += part;
        continue;
      }
      // A CRLF may have been cut in two.
      const isRest = afterCr && part === '\n';
      afterCr = part === '\r';
      if (isRest) continue;
      if (line === '') {
        if (event.data.length > 0) {
          yield { type: event.type || 'message', data: event.data.join('\n'), lastEventId: event.id };
        }
        event = { type: '', data: [], id: event.id };
      } else {
        field(event, line);
      }
      line = '';
    }
  }
}

function field(event, line) {
  const [, name, value] = /^([^:]*)(?:: ?)?(.*)$/s.exec(line);
  if (name === 'event') event.type = value;
  else if (name === 'data') event.data.push(value);
  else if (name === 'id' && !value.includes('\0')) event.id = value;
}

// Not every browser can iterate a stream.
async function* chunks(stream) {
  const reader = stream.getReader();
  try {
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) yield chunk.value;
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** Lists events in a section's box, the newest first. */
export function wire(root, { limit = 60 } = {}) {
  const list = root.querySelector('.wire ol');
  return {
    clear() { list.replaceChildren(); },
    note({ type, data, lastEventId }) {
      const row = document.createElement('li');
      const name = document.createElement('b');
      name.textContent = lastEventId ? `${type} ${lastEventId.split('-').pop()}` : type;
      row.append(name, data);
      list.prepend(row);
      while (list.children.length > limit) list.lastChild.remove();
    },
  };
}

/** Tells how it stands. */
export function status(root) {
  const line = root.querySelector('.status');
  return (text, how = '') => {
    line.textContent = text;
    line.className = `status ${how && `is-${how}`}`;
  };
}
