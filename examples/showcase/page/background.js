// The page's side of the hub: what its tabs want to hear, and who hears it.

import { Hub } from './hub.js';
import { keepAlive, kept } from './view.js';

/** By tab. */
const wants = {};
const listeners = [];
const place = kept('last-event-id', '');
let port = open();
let client = '';
let state = { name: 'connecting' };
/** From a reconnection to the event `hello`, what comes was missed. */
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
  // A browser that has shared workers, but not of modules.
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

/** Tells what a tab wants from now on: `{ channels, seats }`. */
export function want(tab, what) {
  wants[tab] = what;
  // All tabs start at once, and should make one request.
  if (!isPlanned) queueMicrotask(() => { isPlanned = false; send(); });
  isPlanned = true;
}

/** Calls `onBlock(block, isMissed)` and `onState(state)` from now on. */
export function follow(listener) {
  listeners.push(listener);
  listener.onState?.(state);
}

export const reconnect = () => port.postMessage({ reconnect: true });

/** Has the server break the connection. */
export const cut = () => fetch(`notifications/cut?${new URLSearchParams({ client })}`, { method: 'POST' });

// A shared worker does not hear of these in every browser.
for (const type of ['online', 'offline']) {
  window.addEventListener(type, () => port.postMessage({ isOnline: type === 'online' }));
}
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') port.postMessage({ woke: true });
});

// The lock is there only on pages of HTTPS or of this computer.
navigator.locks?.request(`window-${crypto.randomUUID()}`, ({ name }) => {
  port.postMessage({ lock: name });
  return new Promise(() => {});
});
window.addEventListener('pagehide', () => port.postMessage({ bye: true }));
window.addEventListener('pageshow', ({ persisted }) => { if (persisted) { hasSent = false; send(); } });
