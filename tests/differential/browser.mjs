// Chromium's own EventSource, which reads from a server on the loopback interface.

import { createServer } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import { setTimeout as pause } from 'node:timers/promises';

import { args, executablePath } from './chromium.mjs';

export const name = 'Chromium';

// Without a pause, most pieces reach the page together.
const PAUSE_MS = 2;

export async function open() {
  if (!executablePath) throw new Error('no Chromium is installed');
  const { chromium } = await import('playwright-core');
  // Starts the browser before the server: if this fails, nothing keeps the process alive.
  const browser = await chromium.launch({ executablePath, args });
  const streams = [];
  const server = createServer((request, response) => serve(streams, request, response));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    /** Decodes many streams, each with the event types that the page is to listen for. */
    async decodeAll(inputs) {
      streams.push(...inputs.map(({ pieces }) => pieces));
      const page = await browser.newPage();
      await page.goto(`http://127.0.0.1:${server.address().port}/page`);
      const all = await observe(page, inputs.length);
      const types = inputs.map((input) => [...new Set(['message', ...input.types])]);
      const heard = await page.evaluate(receiveAll, types);
      return heard.map((events, number) => {
        const expected = all[number].filter(({ event }) => types[number].includes(event));
        return isDeepStrictEqual(events, expected) ? { events: all[number] } : { events, all: all[number] };
      });
    },
    async close() {
      await browser.close();
      server.closeAllConnections();
      server.close();
    },
  };
}

async function serve(streams, request, response) {
  const pieces = streams[Number(request.url.slice(1))];
  if (!pieces) return response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>');
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.socket.setNoDelay(true);
  for (const [index, piece] of pieces.entries()) {
    if (index > 0) await pause(PAUSE_MS);
    response.write(piece);
  }
  response.end();
}

/** A page hears only the types that it listens for; the DevTools protocol tells of every event. */
async function observe(page, count) {
  const all = Array.from({ length: count }, () => []);
  const numbers = new Map();
  const session = await page.context().newCDPSession(page);
  session.on('Network.requestWillBeSent', ({ requestId, request }) => numbers.set(requestId, Number(new URL(request.url).pathname.slice(1))));
  session.on('Network.eventSourceMessageReceived', ({ requestId, eventName, data, eventId }) =>
    all[numbers.get(requestId)].push({ event: eventName, data, last_event_id: eventId }));
  await session.send('Network.enable');
  return all;
}

/** Runs in the page. */
async function receiveAll(types) {
  const receive = (number) =>
    new Promise((resolve, reject) => {
      const events = [];
      const source = new EventSource(`/${number}`);
      const timer = setTimeout(() => reject(new Error(`stream ${number} does not end`)), 60_000);
      // An event of the stream may be called `error`, like the event that signals the end of the stream.
      const listen = (event) => {
        if (event instanceof MessageEvent) {
          events.push({ event: event.type, data: event.data, last_event_id: event.lastEventId });
        }
      };
      for (const type of types[number]) source.addEventListener(type, listen);
      source.addEventListener('error', (event) => {
        if (event instanceof MessageEvent) return;
        clearTimeout(timer);
        source.close();
        resolve(events);
      });
    });
  const found = [];
  let next = 0;
  // Browsers allow six connections to a server.
  const worker = async () => {
    while (next < types.length) {
      const number = next++;
      found[number] = await receive(number);
    }
  };
  await Promise.all(Array.from({ length: 6 }, worker));
  return found;
}

/** What of our outcome it can tell, too. */
export const view = ({ items }) => ({
  events: items.filter((item) => 'data' in item).map(({ event, data, last_event_id }) => ({ event, data, last_event_id })),
});
