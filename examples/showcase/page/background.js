// Connects the page with the hub, and passes blocks to the tabs that want them.

import { Hub } from './hub.js';
import { keepAlive, kept } from './view.js';

/** The channels and seats that each tab wants. */
const wants = {};
const listeners = [];
const place = kept('last-event-id', '');
let port = open();
let client = '';
let state = { name: 'connecting' };
/** Set from a reconnection to the event `hello`: the events in between were missed. */
let isCatchingUp = false;
let isNew = place.get() === '';
let hasSent = false;

function open() {
  const own = () => {
    const { port1, port2 } = new MessageChannel();
    new Hub().connect(port2);
    return port1;
  };
  if (!globalThis.SharedWorker) return listen(own());
  const worker = new SharedWorker('hub.js', { type: 'module', name: 'hub' });
  // The browser has shared workers, but cannot load a module in them.
  worker.addEventListener('error', () => { port = listen(own()); hasSent = false; send(); });
  return listen(worker.port);
}

function listen(opened) {
  opened.onmessage = ({ data }) => {
    if (data.client) client = data.client;
    if (data.state) setState(data.state);
    if (data.block) hear(data.block, data.isMissed ?? false);
  };
  return opened;
}

function setState(now) {
  state = now;
  if (now.name === 'connecting') isCatchingUp = !isNew;
  for (const { onState } of listeners) onState?.(now);
}

function hear(block, wasMissed) {
  isNew = false;
  if (block.id !== undefined) place.set(block.id);
  if (block.event?.type === 'hello') isCatchingUp = false;
  for (const { onBlock } of listeners) onBlock?.(block, isCatchingUp || wasMissed);
}

function send() {
  const all = Object.values(wants);
  const want = {
    channels: all.flatMap(({ channels = [] }) => channels),
    seats: all.flatMap(({ seats = [] }) => seats),
  };
  port.postMessage({ want, lastEventId: hasSent ? undefined : place.get(), silence: 3 * keepAlive });
  hasSent = true;
}

let isPlanned = false;

/** Sets what a tab wants from now on: `{ channels, seats }`. */
export function want(tab, what) {
  wants[tab] = what;
  // All tabs start at once, and one request should do for all of them.
  if (!isPlanned) queueMicrotask(() => { isPlanned = false; send(); });
  isPlanned = true;
}

/** Calls `onBlock(block, isMissed)` and `onState(state)` from now on. */
export function follow(listener) {
  listeners.push(listener);
  listener.onState?.(state);
}

export const reconnect = () => port.postMessage({ reconnect: true });

/** Makes the server break the connection. */
export const cut = () => fetch(`notifications/cut?${new URLSearchParams({ client })}`, { method: 'POST' });

// Not every browser sends these events to shared workers.
for (const type of ['online', 'offline']) {
  window.addEventListener(type, () => port.postMessage({ isOnline: type === 'online' }));
}
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') port.postMessage({ woke: true });
});

// Locks exist only on pages with HTTPS or from this computer.
navigator.locks?.request(`window-${crypto.randomUUID()}`, ({ name }) => {
  port.postMessage({ lock: name });
  return new Promise(() => {});
});
window.addEventListener('pagehide', () => port.postMessage({ bye: true }));
window.addEventListener('pageshow', ({ persisted }) => { if (persisted) { hasSent = false; send(); } });
