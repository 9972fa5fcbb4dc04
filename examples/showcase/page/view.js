// What the tabs share: the view of the wire, the status line, and what a reload must not lose.

/** The server's keep-alive interval, in milliseconds. */
export const keepAlive = Math.max(500, Number(document.querySelector('meta[name=keep-alive]').content));

/** A value that outlives a reload, but not the window. */
export function kept(key, initial) {
  let value = initial;
  try {
    value = JSON.parse(sessionStorage.getItem(key)) ?? initial;
  } catch {
    // Storage is forbidden, or somebody else wrote to it.
  }
  return {
    get: () => value,
    set(now) {
      value = now;
      try {
        sessionStorage.setItem(key, JSON.stringify(now));
      } catch {
        // Forbidden, or full.
      }
    },
  };
}

/** Keeps what is in a field. */
export function keepField(field, key) {
  const text = kept(key, field.value);
  field.value = text.get();
  field.addEventListener('input', () => text.set(field.value));
  return { clear() { field.value = ''; text.set(''); } };
}

/** Runs `change`, and stays at the bottom of a box that was scrolled there, and only then. */
export function scrolled(box, change) {
  const wasAtBottom = box.scrollHeight - box.scrollTop - box.clientHeight < 24;
  change();
  if (wasAtBottom) box.scrollTop = box.scrollHeight;
}

/** Shows blocks as they came, beside what they mean. */
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
      // What nobody sees is not drawn.
      if (!details.open) return;
      scrolled(list, () => {
        list.append(row(block));
        while (list.children.length > limit) list.firstChild.remove();
      });
    },
    /** An event of the browser's `EventSource`, which does not give the bytes. */
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

/** Shows the line ends, too, which make the difference between a field and a block. */
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

/** The state of a stream in words. */
export function describe({ name, reason, until }) {
  switch (name) {
    case 'waiting': return `waiting ${Math.max(0, Math.ceil((until - Date.now()) / 1000))} s: ${reason}`;
    case 'offline': return 'offline: the browser has no network';
    case 'given up': return `given up: ${reason}`;
    case 'over': return 'over: the server has nothing more';
    case 'closed': return 'not connected';
    default: return name;
  }
}

/** A request is answered sooner than in so many milliseconds. */
const PATIENCE = 3000;
const SLOW = 'still connecting: the server does not answer, or this browser has six connections to it already';

/** A line that tells how it stands, and a button to reconnect where that helps. */
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
    // A screen reader repeats what is set again.
    if (line.textContent !== text) line.textContent = text;
    line.className = `status ${how && `is-${how}`}`;
  }

  /** Shows a stream's state, while it needs attention with a button. */
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
