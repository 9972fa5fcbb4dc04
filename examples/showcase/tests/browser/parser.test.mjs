// Tests the page's parser against the project's vectors, on many splits, and its client against
// servers that fail. Runs in Node; `showcase.test.mjs` repeats the vectors in the browser.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

import { EventStream, Parser } from '../../page/stream.js';
import { until } from './until.mjs';
import { check, splits } from './vectors.mjs';

const { cases } = JSON.parse(readFileSync(new URL('../../../../tests/vectors.json', import.meta.url)));

for (const [name, split] of Object.entries(splits)) {
  test(`the vectors, ${name}`, () => {
    assert(cases.length > 500);
    const wrong = cases.flatMap((vector) => check(Parser, vector, split));
    assert.deepEqual(wrong, []);
  });
}

test('the text of all blocks is the stream', () => {
  const parser = new Parser();
  const stream = ': hi\r\nid: 1\r\n\r\ndata: ä\rdata\n\r\n\n:\n\nrest';
  const blocks = [...new TextEncoder().encode(stream)].flatMap((byte) => parser.feed(Uint8Array.of(byte)));
  assert.equal(blocks.map(({ raw }) => raw).join('') + parser.pending.raw, stream);
});

test('a block has a limit, and a long one takes linear time', () => {
  const parser = new Parser({ maxBlock: 1000 });
  assert.throws(() => parser.feed(new Uint8Array(2000).fill(0x61)), /longer than 1000/);
  assert.throws(() => {
    const parser = new Parser({ maxBlock: 1000 });
    for (let line = 0; line < 500; line += 1) parser.feed(new TextEncoder().encode('data: a\n'));
  }, /longer than 1000/);
  const long = new Parser();
  const chunk = new Uint8Array(16).fill(0x61);
  const started = performance.now();
  for (let count = 0; count < 500_000; count += 1) long.feed(chunk);
  assert(performance.now() - started < 10_000);
});

/** Starts a server with these answers, which records its requests. */
async function serve(answer) {
  const requests = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    requests.push({ method: request.method, headers: request.headers, body, at: Date.now() });
    answer(response, requests.length);
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return {
    address: `http://127.0.0.1:${server.address().port}/`,
    requests,
    close() { server.close(); server.closeAllConnections(); },
  };
}

const streamType = { 'content-type': 'text/event-stream' };

/** Opens a stream, and records its events and states. */
function listen(address, options) {
  const heard = [];
  const states = [];
  const stream = new EventStream(address, {
    retry: 20,
    onEvent: (event) => heard.push(event),
    onState: (state) => states.push(state),
    ...options,
  });
  return { stream, heard, states };
}

test('a cut stream goes on, with the method, the body, the headers and the last event ID', async () => {
  const { address, requests, close } = await serve((response, number) => {
    response.writeHead(200, streamType);
    response.write(`retry: 30\nid: 第${number}\ndata: ${number}\n\ndata: half`);
    setTimeout(() => response.destroy(), 20);
  });
  const { stream, heard } = listen(address, { method: 'POST', headers: { authorization: 'Bearer a' }, body: 'question' });
  await until('three connections', () => requests.length, (count) => count >= 3);
  stream.close();
  close();
  assert.deepEqual(heard.slice(0, 2).map(({ data }) => data), ['1', '2']);
  for (const { method, headers, body } of requests) {
    assert.deepEqual([method, headers.authorization, headers.accept, body], ['POST', 'Bearer a', 'text/event-stream', 'question']);
  }
  const ids = requests.map(({ headers }) => headers['last-event-id'] && Buffer.from(headers['last-event-id'], 'latin1').toString());
  assert.deepEqual(ids.slice(0, 3), [undefined, '第1', '第2']);
});

test('it retries after 5xx and 429, and stops at 204', async () => {
  const { address, requests, close } = await serve((response, number) => {
    if (number === 1) response.writeHead(502).end();
    else if (number === 2) response.writeHead(429, { 'retry-after': '0' }).end();
    else if (number === 3) response.writeHead(200, streamType).end('data: a\n\n');
    else response.writeHead(204).end();
  });
  const { stream, states } = listen(address);
  await until('the end', () => stream.state.name, (name) => name === 'over');
  assert.deepEqual(states.map(({ name }) => name), [
    'connecting', 'waiting', 'connecting', 'waiting', 'connecting', 'live', 'waiting', 'connecting', 'over',
  ]);
  assert.equal(states[1].reason, 'the server answered 502');
  await pause(100);
  assert.equal(requests.length, 4, 'nothing after 204');
  close();
});

test('it gives up at a refusal, and after too many failures; `reconnect` starts it again', async () => {
  const answers = {
    'the server answered 400: no such channel': (response) => response.writeHead(400, { 'content-type': 'text/plain' }).end('no such channel'),
    'the server answered with text/html, not with an event stream': (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>'),
    '3 attempts failed; the last one: the server answered 503': (response) => response.writeHead(503).end(),
    '3 attempts failed; the last one: the connection ended': (response) => response.writeHead(200, streamType).end(': hi\n\n'),
    '3 attempts failed; the last one: no connection': (response) => response.destroy(),
  };
  for (const [reason, answer] of Object.entries(answers)) {
    let isWell = false;
    const { address, requests, close } = await serve((response) => {
      if (isWell) response.writeHead(200, streamType).write('data: a\n\n');
      else answer(response);
    });
    const { stream, heard } = listen(address, { maxFailures: 3 });
    await until(reason, () => stream.state, ({ name }) => name === 'given up');
    assert.equal(stream.state.reason, reason);
    assert.equal(requests.length, reason.startsWith('3') ? 4 : 1);
    isWell = true;
    stream.reconnect();
    await until('an event', () => heard.length, (count) => count === 1);
    stream.close();
    close();
  }
});

test('it waits longer after each failure, up to the limit, and not always the same time', async () => {
  const { address, close } = await serve((response) => response.writeHead(503).end());
  const delays = [];
  const streams = Array.from({ length: 30 }, () => new EventStream(address, {
    retry: 20,
    maxDelay: 80,
    maxFailures: 8,
    onState({ name, until }) { if (name === 'waiting') delays.push(until - Date.now()); },
  }));
  await until('the end', () => streams.every(({ state }) => state.name === 'given up'), Boolean, 20_000);
  close();
  assert(Math.max(...delays) <= 80);
  assert(Math.max(...delays) > 40, `backs off: ${Math.max(...delays)}`);
  assert(Math.min(...delays) < 10, 'full jitter');
});

test('a silent connection is left; comments keep one', async () => {
  const { address, requests, close } = await serve((response, number) => {
    response.writeHead(200, streamType).flushHeaders();
    if (number > 1) setInterval(() => response.write(':\n\n'), 30).unref();
  });
  const { stream, states } = listen(address, { silence: 150 });
  await until('the second connection', () => requests.length, (count) => count === 2);
  assert.equal(states.find(({ name }) => name === 'waiting').reason, 'received nothing for 0.2 s');
  await pause(500);
  assert.equal(requests.length, 2, 'comments are enough');
  stream.close();
  close();
});

test('a closed stream stays closed, and calls nothing', async () => {
  const { address, requests, close } = await serve((response) => {
    response.writeHead(200, streamType).write('data: 1\n\ndata: 2\n\n');
  });
  const heard = [];
  const stream = new EventStream(address, {
    onEvent({ data }) { heard.push(data); stream.close(); },
    onState({ name }) { heard.push(name); },
  });
  await until('the event', () => heard.includes('1'), Boolean);
  stream.reconnect();
  const early = new EventStream(address);
  early.close();
  await pause(100);
  assert.deepEqual(heard, ['connecting', 'live', '1']);
  assert.equal(requests.length, 1);
  close();
});
