// Listens in the background for all windows of the browser, over one connection.
//
// Over HTTP/1.1, a browser opens only six connections to a server, for all its windows together.
// With a stream or two in each window, the third window would block everything. So the hub runs in
// a `SharedWorker`, which all windows share. Without shared workers, each page has its own hub.

import { EventStream } from './stream.js';

/** The time that a window has to reload before its channels close, in milliseconds. */
const GRACE = 1500;

/** The number of blocks that are kept for a window that reloads. */
const RECENT = 300;

export class Hub {
  /** The channels and seats that each window wants. */
  #windows = new Map();
  #stream;
  /** The request body of the stream. A different one needs a new request. */
  #body = '';
  #lastEventId = '';
  #recent = [];
  #state = { name: 'connecting' };
  #timer;
  #silence;
  #client = `hub-${Math.random().toString(36).slice(2)}`;

  /** Serves a window. */
  connect(port) {
    port.onmessage = ({ data }) => this.#hear(port, data);
    port.postMessage({ client: this.#client, state: this.#state });
  }

  #hear(port, { want, lastEventId, silence, reconnect, isOnline, woke, bye, lock }) {
    if (want) {
      const isNew = !this.#windows.has(port);
      this.#windows.set(port, want);
      if (isNew && lastEventId) this.#catchUp(port, lastEventId);
      // A window that reloads in a room needs a new presence event.
      this.#update({ silence, isForced: isNew && want.seats.length > 0 });
    }
    if (reconnect) this.#stream?.reconnect();
    if (isOnline !== undefined) this.#stream?.networkChanged(isOnline);
    if (woke) this.#stream?.woke();
    // The window holds the lock until it is closed, even if it crashes and sends no `bye`.
    if (lock) navigator.locks.request(lock, () => this.#drop(port));
    if (bye) this.#drop(port);
  }

  #drop(port) {
    this.#windows.delete(port);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#update(), GRACE);
  }

  /** Sends a reloaded window the blocks that arrived in the meantime. */
  #catchUp(port, lastEventId) {
    if (this.#stream === undefined) {
      this.#lastEventId ||= lastEventId;
      return;
    }
    const at = this.#recent.findLastIndex(({ id }) => id === lastEventId);
    if (at >= 0) for (const block of this.#recent.slice(at + 1)) port.postMessage({ block, isMissed: true });
  }

  #update({ silence = this.#silence, isForced = false } = {}) {
    this.#silence = silence;
    const wants = [...this.#windows.values()];
    const channels = [...new Set(wants.flatMap(({ channels }) => channels))].sort();
    const seats = new Map(wants.flatMap(({ seats }) => seats).map((seat) => [JSON.stringify(seat), seat]));
    const body = JSON.stringify({ channels, seats: [...seats.values()], client: this.#client });
    const isIdle = channels.length === 0 && seats.size === 0;
    if (!isForced && body === this.#body && isIdle === (this.#stream === undefined)) return;
    this.#body = body;
    this.#stream?.close();
    this.#stream = undefined;
    if (isIdle) {
      this.#tell({ name: 'closed' });
      return;
    }
    const stream = new EventStream('channels', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      silence,
      // A window may stay open overnight. The longest delay between two attempts is 30 seconds.
      maxFailures: Infinity,
      // The new request continues where the old one stopped.
      lastEventId: this.#lastEventId,
      onBlock: (block) => {
        if (block.id !== undefined) {
          this.#lastEventId = block.id;
          this.#recent.push(block);
          if (this.#recent.length > RECENT) this.#recent.shift();
        }
        for (const port of this.#windows.keys()) port.postMessage({ block });
      },
      onState: (state) => this.#tell(state),
    });
    this.#stream = stream;
  }

  #tell(state) {
    this.#state = state;
    for (const port of this.#windows.keys()) port.postMessage({ state });
  }
}

if (globalThis.SharedWorkerGlobalScope && globalThis instanceof SharedWorkerGlobalScope) {
  const hub = new Hub();
  globalThis.onconnect = ({ ports: [port] }) => hub.connect(port);
}
