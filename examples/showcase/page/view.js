// Has the parts that tabs share: the view of the wire, the status line, and storage that survives a
// reload.

/** The server's keep-alive interval, in milliseconds. */
export const keepAlive = Math.max(500, Number(document.querySelector('meta[name=keep-alive]').content));

/** Stores a value that survives a reload, but not the window. */
export function kept(key, initial) {
  let value = initial;
  try {
    value = JSON.parse(sessionStorage.getItem(key)) ?? initial;
  } catch {
    // Storage is not allowed, or has something else under this key.
  }
  return {
    get: () => value,
    set(now) {
      value = now;
      try {
        sessionStorage.setItem(key, JSON.stringify(now));
      } catch {
        // Storage is not allowed, or full.
      }
    },
  };
}

/** Stores the text of a field. */
export function keepField(field, key) {
  const text = kept(key, field.value);
  field.value = text.get();
  field.addEventListener('input', () => text.set(field.value));
  return { clear() { field.value = ''; text.set(''); } };
}

/** Runs `change`. If the box was scrolled to its bottom before, it stays at the bottom. */
export function scrolled(box, change) {
  const wasAtBottom = box.scrollHeight - box.scrollTop - box.clientHeight < 24;
  change();
  if (wasAtBottom) box.scrollTop = box.scrollHeight;
}

/** Shows the bytes of blocks next to their meaning. */
export function wire(root, { limit = 60 } = {}) {
  const details = root.querySelector('details.wire');
  const list = details.querySelector('ol');
  let blocks = [];
  details.open = matchMedia('(min-width: 50rem)').matches;
  details.addEventListener('toggle', () => {
    if (!details.open) return;
    list.replaceChildren(...blocks.map(row));
    list.scrollTop = list.scrollHeight;
  });
  return {
    clear() { blocks = []; list.replaceChildren(); },
    block(block) {
      blocks.push(block);
      if (blocks.length > limit) blocks.shift();
      // Blocks are drawn only while they are visible.
      if (!details.open) return;
      scrolled(list, () => {
        list.append(row(block));
        while (list.children.length > limit) list.firstChild.remove();
      });
    },
    /** Shows an event of the browser's `EventSource`, which hides the bytes. */
    event({ type, data, lastEventId }) {
      this.block({ event: { type, data, lastEventId }, comments: [] });
    },
  };
}

function row({ raw, event, comments, id, retry }) {
  const row = document.createElement('li');
  const bytes = row.appendChild(document.createElement('pre'));
  if (raw === undefined) bytes.textContent = '(EventSource hides the bytes)';
  else showBytes(bytes, raw);
  const meaning = row.appendChild(document.createElement('dl'));
  const tell = (name, value) => {
    meaning.appendChild(document.createElement('dt')).textContent = name;
    meaning.appendChild(document.createElement('dd')).textContent = value;
  };
  for (const comment of comments) tell('comment', comment || '(empty: a keep-alive)');
  if (retry !== undefined) tell('reconnect after', `${retry} ms`);
  if (event) {
    tell('event', event.type);
    tell('data', event.data || '(empty)');
  } else if (id !== undefined || (comments.length === 0 && retry === undefined)) {
    tell('event', 'none, as there is no data');
  }
  if (id ?? event?.lastEventId) tell('last event ID', id ?? event.lastEventId);
  return row;
}

/** Shows text with its line ends, by which a field differs from a block. */
function showBytes(box, raw) {
  for (const part of raw.split(/(\r\n|\r|\n)/).filter(Boolean)) {
    if (!/^[\r\n]/.test(part)) {
      box.append(part);
      continue;
    }
    box.appendChild(document.createElement('i')).textContent = part.replace('\r', '\\r').replace('\n', '\\n');
    box.append('\n');
  }
}

/** Describes the state of a stream. */
export function describe({ name, reason, until }) {
  switch (name) {
    case 'waiting': return `waiting ${Math.max(0, Math.ceil((until - Date.now()) / 1000))} s: ${reason}`;
    case 'offline': return 'offline: the browser has no network';
    case 'given up': return `given up: ${reason}`;
    case 'over': return 'over: the server has no more events';
    case 'closed': return 'not connected';
    default: return name;
  }
}

/** The time in which a request normally gets its response, in milliseconds. */
const PATIENCE = 3000;
const SLOW = 'still connecting: the server does not answer, or this browser has six connections to it already';

/** Controls the status line, and adds a button to reconnect. */
export function status(root) {
  const line = root.querySelector('.status');
  const again = document.createElement('button');
  again.type = 'button';
  again.className = 'again stop';
  again.textContent = 'Reconnect';
  again.hidden = true;
  line.after(again);
  let reconnect = () => {};
  let timer;
  again.addEventListener('click', () => reconnect());

  function say(text, how = '') {
    clearTimeout(timer);
    again.hidden = true;
    // Screen readers repeat a text that is set again.
    if (line.textContent !== text) line.textContent = text;
    line.className = `status ${how && `is-${how}`}`;
  }

  /** Shows a stream's state, with the button if reconnecting helps. */
  function state(state, act) {
    reconnect = act;
    const isWell = ['live', 'connecting'].includes(state.name);
    say(describe(state), { live: 'good', connecting: '' }[state.name] ?? 'bad');
    again.hidden = isWell || state.name === 'over' || state.name === 'closed';
    if (state.name === 'waiting') timer = setInterval(() => { line.textContent = describe(state); }, 1000);
    if (state.name === 'connecting') timer = setTimeout(() => say(SLOW), PATIENCE);
  }
  return { say, state };
}
