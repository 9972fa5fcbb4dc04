// A client for event streams, on `fetch`. Copy it; it needs nothing else.
//
//   import { EventStream } from './stream.js';
//
//   const stream = new EventStream('chat', {
//     method: 'POST',
//     headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
//     body: JSON.stringify({ question }),
//     onEvent(event) {
//       if (event.type === 'done') stream.close();
//       else show(JSON.parse(event.data));
//     },
//     onState(state) { status.textContent = describe(state); },
//   });
//
// It does what the browser's `EventSource` does not: it takes any method, any header and a body; it
// retries after 5xx and 429; it backs off; it detects a silent connection; it reports its state,
// with a reason; and it can start again after it gave up.

/** @typedef {{ type: string, data: string, lastEventId: string }} StreamEvent */

/**
 * A block of the stream, up to its blank line.
 *
 * @typedef {object} Block
 * @property {string} raw the text as received, with its line ends
 * @property {string[]} comments
 * @property {string} [id] the value of its `id` field
 * @property {number} [retry] the value of its `retry` field, in milliseconds
 * @property {StreamEvent} [event] the event that it dispatches; none without data
 */

/** The longest block, in characters. A longer one ends the stream: the server may be hostile. */
const MAX_BLOCK = 16 * 2 ** 20;

/** Turns bytes into blocks, by the steps of the HTML standard. A chunk may end anywhere. */
export class Parser {
  /** The last event ID, for the next request. */
  lastEventId = '';
  /** The reconnection time that the server asked for, in milliseconds. */
  retry;

  // Drops a byte order mark, and replaces invalid UTF-8.
  #decoder = new TextDecoder();
  #line = '';
  #endedWithCr = false;
  #block = emptyBlock();
  #idBuffer;
  #maxBlock;

  constructor({ lastEventId = '', maxBlock = MAX_BLOCK } = {}) {
    this.lastEventId = lastEventId;
    this.#idBuffer = lastEventId;
    this.#maxBlock = maxBlock;
  }

  /**
   * Reads a chunk and returns the blocks that end in it.
   *
   * @param {Uint8Array} chunk
   * @returns {Block[]}
   */
  feed(chunk) {
    const blocks = [];
    const text = this.#decoder.decode(chunk, { stream: true });
    if (text === '') return blocks;
    let start = 0;
    // A CR ends its line at once. An LF right after it, in this chunk or the next, belongs to the
    // same line end.
    if (this.#endedWithCr && text[0] === '\n') {
      this.#block.raw += '\n';
      start = 1;
    }
    const lineEnd = /\r\n?|\n/g;
    lineEnd.lastIndex = start;
    for (let end = lineEnd.exec(text); end !== null; end = lineEnd.exec(text)) {
      const line = this.#line + text.slice(start, end.index);
      this.#line = '';
      this.#block.raw += line + end[0];
      start = lineEnd.lastIndex;
      if (line === '') blocks.push(this.#dispatch());
      else this.#field(line);
      this.#checkSize();
    }
    this.#line += text.slice(start);
    this.#endedWithCr = text.endsWith('\r');
    this.#checkSize();
    return blocks;
  }

  /** The incomplete block, which is dropped at the end of the stream. */
  get pending() {
    const { raw, comments } = this.#block;
    return { raw: raw + this.#line, comments };
  }

  #checkSize() {
    if (this.#block.raw.length + this.#line.length > this.#maxBlock) {
      throw new Error(`a block is longer than ${this.#maxBlock} characters`);
    }
  }

  #field(line) {
    const block = this.#block;
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? '' : line.slice(colon + 1);
    if (value[0] === ' ') value = value.slice(1);
    if (name === '') block.comments.push(value);
    else if (name === 'data') block.data.push(value);
    else if (name === 'event') block.type = value;
    else if (name === 'id' && !value.includes('\0')) block.id = this.#idBuffer = value;
    else if (name === 'retry' && /^[0-9]+$/.test(value)) block.retry = this.retry = Number(value);
  }

  #dispatch() {
    const { data, type, ...block } = this.#block;
    this.#block = emptyBlock();
    this.lastEventId = this.#idBuffer;
    if (data.length > 0) {
      block.event = { type: type || 'message', data: data.join('\n'), lastEventId: this.lastEventId };
    }
    return block;
  }
}

const emptyBlock = () => ({ raw: '', comments: [], data: [], type: '' });

/**
 * The state of a stream.
 *
 * - `connecting`: the request is in progress.
 * - `live`: the server answered with an event stream.
 * - `waiting`: the connection failed or ended, because of `reason`; the next attempt is at `until`,
 *   in milliseconds like `Date.now()`.
 * - `offline`: the same, but the browser reports no network. Retries as soon as there is one.
 * - `given up`: the server refused, or too many attempts in a row failed; see `reason`.
 * - `over`: the server answered 204, so there are no more events.
 * - `closed`: `close` was called.
 *
 * @typedef {object} State
 * @property {'connecting' | 'live' | 'waiting' | 'offline' | 'given up' | 'over' | 'closed'} name
 * @property {string} [reason]
 * @property {number} [until]
 */

/** The error for a response that is not an event stream. */
class Refused extends Error {
  constructor(message, { mayRetry = false, retryAfter } = {}) {
    super(message);
    Object.assign(this, { mayRetry, retryAfter });
  }
}

export class EventStream {
  /** @type {State} */
  state = { name: 'connecting' };
  /** The ID to send as `Last-Event-ID` with the next request. */
  lastEventId;

  #address;
  #options;
  #retry;
  /** The number of failed attempts since the last event. */
  #failures = 0;
  /** Aborts the current request. Each attempt has its own, so it also identifies the attempt. */
  #attempt;
  #timer;
  #watchdog;
  #heard = 0;
  #isOnline = globalThis.navigator?.onLine ?? true;
  /** Removes the listeners for the network and for the page's visibility. */
  #listening = new AbortController();

  /**
   * Connects, and stays connected until `close`.
   *
   * @param {string | URL} address
   * @param {object} [options]
   * @param {string} [options.method]
   * @param {Record<string, string>} [options.headers]
   * @param {BodyInit} [options.body] sent again with each attempt
   * @param {RequestCredentials} [options.credentials]
   * @param {string} [options.lastEventId] the ID to resume from, of an earlier stream
   * @param {number} [options.silence] the time without any bytes after which it reconnects, in
   *   milliseconds; three times the server's keep-alive interval is a good value
   * @param {number} [options.retry] the reconnection time until the server sets one, in milliseconds
   * @param {number} [options.maxDelay] the longest time between two attempts, in milliseconds
   * @param {number} [options.maxFailures] the number of failures in a row after which it gives up
   * @param {(event: StreamEvent) => void} [options.onEvent]
   * @param {(block: Block) => void} [options.onBlock] called for each block, before `onEvent`
   * @param {(state: State) => void} [options.onState]
   */
  constructor(address, options = {}) {
    this.#address = address;
    this.#options = { silence: 45_000, maxDelay: 30_000, maxFailures: 10, ...options };
    this.#retry = options.retry ?? 1000;
    this.lastEventId = options.lastEventId ?? '';
    const { signal } = this.#listening;
    globalThis.addEventListener?.('online', () => this.networkChanged(true), { signal });
    globalThis.addEventListener?.('offline', () => this.networkChanged(false), { signal });
    globalThis.document?.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.woke();
    }, { signal });
    // Runs after the constructor, so that `onState` can use the new object.
    queueMicrotask(() => { if (this.state.name !== 'closed') this.#connect(); });
  }

  /** Connects now, in any state but `closed`, and resets the count of failures. */
  reconnect() {
    this.#failures = 0;
    if (this.state.name !== 'closed') this.#connect();
  }

  /** Ends the request for good. No callback runs after this. */
  close() {
    this.#stop();
    this.#listening.abort();
    this.state = { name: 'closed' };
  }

  /**
   * Reconnects if the network came or went: the old connection may not know it yet, and a new
   * attempt does. A page calls this by itself. A worker needs the call from its pages, because not
   * every browser sends it the events.
   */
  networkChanged(isOnline) {
    if (isOnline === this.#isOnline) return;
    this.#isOnline = isOnline;
    if (['connecting', 'live', 'waiting', 'offline'].includes(this.state.name)) this.#connect();
  }

  /**
   * Stops waiting for the next attempt, or checks whether the connection went silent. Timers run
   * slowly on a hidden page, and not at all on a sleeping computer. A page that is shown again
   * calls this by itself.
   */
  woke() {
    if (this.state.name === 'waiting' || this.state.name === 'offline') this.#connect();
    else if (this.state.name !== 'closed') this.#watch();
  }

  #stop() {
    clearTimeout(this.#timer);
    clearTimeout(this.#watchdog);
    const attempt = this.#attempt;
    this.#attempt = undefined;
    attempt?.abort();
  }

  #tell(state) {
    this.state = state;
    call(this.#options.onState, state);
  }

  #connect() {
    this.#stop();
    const attempt = new AbortController();
    this.#attempt = attempt;
    this.#heard = performance.now();
    this.#tell({ name: 'connecting' });
    if (this.#attempt !== attempt) return;
    this.#watch();
    this.#read(attempt).catch((error) => {
      if (this.#attempt === attempt) this.#failed(error);
    });
  }

  /** Ends the attempt after too long a silence. Otherwise checks again when that could be. */
  #watch() {
    clearTimeout(this.#watchdog);
    if (this.#attempt === undefined) return;
    const { silence } = this.#options;
    const left = this.#heard + silence - performance.now();
    if (left > 0) this.#watchdog = setTimeout(() => this.#watch(), left);
    else this.#failed(new Error(`received nothing for ${Math.round(silence / 100) / 10} s`));
  }

  async #read(attempt) {
    const { method, body, credentials } = this.#options;
    const headers = new Headers(this.#options.headers);
    headers.set('accept', 'text/event-stream');
    // IDs in a header are UTF-8, but `fetch` takes one character for each byte.
    if (this.lastEventId !== '') headers.set('last-event-id', utf8(this.lastEventId));
    const { signal } = attempt;
    const response = await fetch(this.#address, { method, headers, body, credentials, signal, cache: 'no-store' });
    if (response.status === 204) {
      this.#stop();
      this.#tell({ name: 'over' });
      return;
    }
    await check(response);
    if (this.#attempt !== attempt) return;
    this.#tell({ name: 'live' });
    const parser = new Parser({ lastEventId: this.lastEventId });
    const reader = response.body.getReader();
    try {
      while (this.#attempt === attempt) {
        const { done, value } = await reader.read();
        if (done) throw new Error('the connection ended');
        this.#heard = performance.now();
        for (const block of parser.feed(value)) {
          // A callback may have closed the stream, or reconnected it.
          if (this.#attempt !== attempt) return;
          if (block.retry !== undefined) this.#retry = block.retry;
          if (block.id !== undefined) this.lastEventId = block.id;
          call(this.#options.onBlock, block);
          if (block.event && this.#attempt === attempt) {
            this.#failures = 0;
            call(this.#options.onEvent, block.event);
          }
        }
      }
    } finally {
      reader.cancel().catch(() => {});
    }
  }

  #failed(error) {
    this.#stop();
    const { maxDelay, maxFailures } = this.#options;
    const reason = error instanceof TypeError ? 'no connection' : error.message;
    this.#failures += 1;
    if (error instanceof Refused && !error.mayRetry) {
      this.#tell({ name: 'given up', reason });
    } else if (this.#failures > maxFailures) {
      this.#tell({ name: 'given up', reason: `${maxFailures} attempts failed; the last one: ${reason}` });
    } else {
      // Doubles the maximum after each failure. The delay is random up to that, so that the clients
      // of a server that restarts do not all come back at once.
      const most = Math.min(maxDelay, this.#retry * 2 ** (this.#failures - 1));
      let delay = error.retryAfter ?? Math.random() * most;
      const isOffline = globalThis.navigator?.onLine === false;
      // The event `online` ends this wait. The timer is for browsers that are wrong about the
      // network.
      if (isOffline) delay = maxDelay;
      this.#timer = setTimeout(() => this.#connect(), delay);
      this.#tell({ name: isOffline ? 'offline' : 'waiting', reason, until: Date.now() + delay });
    }
  }
}

/** Throws if a response is not an event stream. */
async function check(response) {
  const { ok, status, headers } = response;
  const type = headers.get('content-type') ?? '';
  if (ok && /^text\/event-stream *(;|$)/i.test(type)) return;
  if (ok) {
    response.body?.cancel().catch(() => {});
    throw new Refused(`the server answered with ${type || 'no type'}, not with an event stream`);
  }
  const seconds = Number(headers.get('retry-after') ?? NaN);
  const isPlain = type.startsWith('text/plain');
  const text = isPlain ? await response.text() : '';
  if (!isPlain) response.body?.cancel().catch(() => {});
  throw new Refused(`the server answered ${status}${text && `: ${text.slice(0, 200)}`}`, {
    mayRetry: status >= 500 || status === 429 || status === 408,
    retryAfter: Number.isNaN(seconds) ? undefined : Math.min(seconds, 600) * 1000,
  });
}

const utf8 = (text) => String.fromCharCode(...new TextEncoder().encode(text));

/** A callback that throws must not end the stream. */
function call(callback, value) {
  try {
    callback?.(value);
  } catch (error) {
    if (globalThis.reportError) reportError(error);
    else console.error(error);
  }
}
