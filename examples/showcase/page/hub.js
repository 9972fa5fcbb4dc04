// What all windows of the browser hear in the background, over one connection.
//
// Over HTTP/1.1, a browser opens only six connections to a server, for all its windows together. With
// a stream or two in each window, the third window would block everything. So this runs in a
// `SharedWorker`, which all windows share; where there is none, each page has a hub of its own.

import { EventStream } from './stream.js';

/** Windows that reload come back within this many milliseconds, and find their channels still open. */
const GRACE = 1500;

/** As many blocks are kept for a window that reloads. */
const RECENT = 300;

export class Hub {
  /** What each window wants. */
  #windows = new Map();
  #stream;
  /** The request body of the stream, to see if another one is needed. */
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
      // A window that was reloaded into a room needs to be told who is there.
      this.#update({ silence, isForced: isNew && want.seats.length > 0 });
    }
    if (reconnect) this.#stream?.reconnect();
    if (isOnline !== undefined) this.#stream?.networkChanged(isOnline);
    if (woke) this.#stream?.woke();
    // The window holds the lock until it is closed, even if it crashes and cannot say goodbye.
    if (lock) navigator.locks.request(lock, () => this.#drop(port));
    if (bye) this.#drop(port);
  }

  #drop(port) {
    this.#windows.delete(port);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#update(), GRACE);
  }

  /** Gives a window that was reloaded what came meanwhile. */
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
      // A window may stay open over night. It waits at most 30 seconds between two attempts.
      maxFailures: Infinity,
      // The new request goes on where the old one was.
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
