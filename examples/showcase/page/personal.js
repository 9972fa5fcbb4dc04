import { EventStream } from './stream.js';
import { keepAlive, keepField, status, wire } from './view.js';

/** Shows notifications for one user. Returns a function that ends the connection. */
export function init(root) {
  const form = root.querySelector('form');
  const { user, how, send } = form.elements;
  const { say, state } = status(root);
  const log = wire(root);
  let close = () => {};
  let key;

  keepField(user, 'user');

  async function post(path, body) {
    const response = await fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) },
      body: JSON.stringify(body ?? {}),
    });
    if (!response.ok) throw new Error(await response.text());
    return response.json();
  }

  function stop() {
    close();
    close = () => {};
    key = undefined;
    send.disabled = true;
  }

  /** Listens with `stream.js`, which sends the key and the last event ID with each attempt. */
  function byHeader() {
    const stream = new EventStream('personal', {
      headers: { authorization: `Bearer ${key}` },
      silence: 3 * keepAlive,
      onBlock: log.block,
      onState: (now) => state(now, () => stream.reconnect()),
    });
    return () => stream.close();
  }

  /** Listens with `EventSource`. It would retry with a used token, so each attempt gets a new one. */
  function byToken() {
    let source;
    let last = '';
    let timer;
    let isClosed = false;
    async function open() {
      try {
        const { token } = await post('personal/token');
        if (isClosed) return;
        source = new EventSource(`personal?${new URLSearchParams({ token, last_event_id: last })}`);
        for (const type of ['hello', 'gap', 'personal']) {
          source.addEventListener(type, (event) => {
            last = event.lastEventId;
            log.event(event);
          });
        }
        source.addEventListener('open', () => state({ name: 'live' }));
        source.addEventListener('error', again);
      } catch {
        again();
      }
    }
    function again() {
      source?.close();
      if (isClosed) return;
      const delay = 500 + 2000 * Math.random();
      state({ name: 'waiting', reason: 'the connection was lost', until: Date.now() + delay }, () => { clearTimeout(timer); open(); });
      timer = setTimeout(open, delay);
    }
    open();
    return () => {
      isClosed = true;
      clearTimeout(timer);
      source?.close();
    };
  }

  form.addEventListener('submit', async (submit) => {
    submit.preventDefault();
    stop();
    log.clear();
    try {
      ({ key } = await post('personal/login', { user: user.value }));
      close = how.value === 'header' ? byHeader() : byToken();
      send.disabled = false;
    } catch (error) {
      say(`not logged in: ${error.message}`, 'bad');
    }
  });

  let sent = 0;
  send.addEventListener('click', async () => {
    try {
      sent += 1;
      await post('personal', { to: user.value, text: `letter ${sent}` });
    } catch (error) {
      say(`not sent: ${error.message}`, 'bad');
    }
  });

  root.addEventListener('toggle', (event) => {
    if (event.target === root && !root.open) stop();
  });
  return stop;
}
