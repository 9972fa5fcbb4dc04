// Chromium's own EventSource, fed by a server on the loopback interface.

import { createServer } from 'node:http';
import { existsSync } from 'node:fs';

export const name = 'Chromium';

const PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

export async function open() {
  const executablePath = PATHS.find(existsSync);
  if (!executablePath) throw new Error('no Chromium is installed');
  const { chromium } = await import('playwright-core');

  let streams = [];
  const server = createServer(async (request, response) => {
    const number = Number(request.url.slice(1));
    if (!(number in streams)) {
      return response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>');
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.socket.setNoDelay(true);
    for (const piece of streams[number]) {
      response.write(piece);
      await new Promise(setImmediate);
    }
    response.end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${server.address().port}/`;
  const browser = await chromium.launch({ executablePath, args: FLAGS });
  const page = await browser.newPage();
  await page.goto(`${address}page`);

  return {
    /** Decodes many streams, each given with the event types to listen for. */
    async decodeAll(inputs) {
      streams = inputs.map(({ pieces }) => pieces);
      return page.evaluate(receiveAll, inputs.map(({ types }) => types));
    },
    async close() {
      await browser.close();
      server.close();
    },
  };
}

/** Runs in the page. */
async function receiveAll(types) {
  const receive = (number) =>
    new Promise((resolve) => {
      const events = [];
      const source = new EventSource(`/${number}`);
      // An event of the stream may be called `error`, like the one that tells the stream's end.
      const listen = (event) => {
        if (event instanceof MessageEvent) {
          events.push({ event: event.type, data: event.data, last_event_id: event.lastEventId });
        }
      };
      for (const type of new Set(['message', ...types[number]])) source.addEventListener(type, listen);
      source.addEventListener('error', (event) => {
        if (event instanceof MessageEvent) return;
        source.close();
        resolve({ events });
      });
    });
  const found = [];
  let next = 0;
  // Browsers allow six connections to one server.
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
export const view = ({ events }) => ({
  events: events.map(({ event, data, last_event_id }) => ({ event, data, last_event_id })),
});
