// Tests the connections of a browser, and long URLs behind nginx.

import assert from 'node:assert/strict';
import { after, before, test as anyTest } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

import { browserName, closeAll, picture, startBrowser, startNginx, startServer, visit } from './harness.mjs';
import { ask, isLive, type } from './steps.mjs';
import { until } from './until.mjs';

/** Fails a test that hangs. */
const test = (name, run) => anyTest(name, { timeout: 120_000 }, run);

let server;
let browser;

before(async () => {
  // A long interval keeps requests alive while they wait for a connection.
  server = await startServer({ heartbeat: 10_000 });
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  await server?.interrupt();
  closeAll();
});

/** A text that takes 80 seconds to type. */
const LONG = '一二三四五六七八九十'.repeat(200);

/** A window too narrow for the view of the wire, which would keep the machine busy. */
const viewport = { width: 600, height: 700 };

/** Starts a stream of its own in a window. */
async function startTyping(window) {
  await type(window, LONG);
  await until('some text', () => typed(window), (count) => count > 0, 20_000);
}

/** Returns the number of characters typed. */
const typed = async ({ status }) => Number(/^(\d+) of 2000$/.exec(await status.textContent())?.[1] ?? 0);

test('nine windows over HTTP/2, each with a stream of its own', async (t) => {
  const nginx = await startNginx(server.port, { http2: true });
  if (nginx === undefined) {
    t.skip('nginx or openssl is not installed');
    return;
  }
  t.after(() => nginx.close());
  const visitor = await visit(browser, nginx.address, 'typewriter', { ignoreHTTPSErrors: true, viewport });
  const windows = [visitor];
  while (windows.length < 9) windows.push(await visitor.open('typewriter'));
  for (const window of windows) {
    assert.equal(await window.page.evaluate(() => performance.getEntriesByType('navigation')[0].nextHopProtocol), 'h2');
    await startTyping(window);
  }
  // All of them continue at once, and so does the background stream that they share.
  const before = await Promise.all(windows.map(typed));
  assert(before.every((count) => count > 0 && count < 2000), String(before));
  for (const [index, window] of windows.entries()) {
    await until(`window ${index}`, () => typed(window), (count) => count > before[index]);
    await isLive(window);
  }
  await picture(visitor.page, 'http2');
  const chat = await visitor.open('chat');
  await ask(chat, 'Why?', 'post');
  await until('the answer', () => chat.status.textContent(), (said) => said.startsWith('done: '), 20_000);
  await visitor.close();
});

test('over HTTP/1.1, the seventh stream of a browser waits for another one to end', async (t) => {
  if (browserName === 'firefox') {
    t.skip('Firefox opens a seventh connection for a click');
    return;
  }
  const visitor = await visit(browser, server.address, 'typewriter', { viewport });
  await isLive(visitor);
  const windows = [visitor];
  await startTyping(visitor);
  // Together with the background stream, these are six.
  while (windows.length < 5) {
    windows.push(await visitor.open('typewriter'));
    await startTyping(windows.at(-1));
  }
  const { page } = visitor;
  await page.getByRole('tab', { name: 'Chat' }).click();
  const chat = { section: page.locator('#chat'), status: page.locator('#chat .status') };
  await ask(chat, 'Why?', 'post');
  await until('the reason', () => chat.status.textContent(), (said) => said === 'still connecting: the server does not answer, or this browser has six connections to it already');
  await pause(500);
  assert.match(await chat.status.textContent(), /^still connecting/);
  await picture(page, 'http1');
  await windows.pop().page.close();
  await until('the answer', () => chat.status.textContent(), (said) => said.startsWith('done: '), 20_000);
  await visitor.close();
});

test('a long question passes nginx by POST, and is in no URL', async (t) => {
  const nginx = await startNginx(server.port);
  if (nginx === undefined) {
    t.skip('nginx is not installed');
    return;
  }
  t.after(() => nginx.close());
  const question = '为什么?'.repeat(1200);
  // With GET, the page would get this status.
  const { status: refused } = await fetch(`${nginx.address}/chat?${new URLSearchParams({ question })}`);
  assert.equal(refused, 414);
  const visitor = await visit(browser, nginx.address, 'chat');
  const { section, status, close } = visitor;
  await ask(visitor, question, 'get');
  await until('the reason', () => status.textContent(), (said) => said === 'not asked: too long for a URL; choose POST');
  assert.equal(await section.getByLabel('Question').inputValue(), question);
  await ask(visitor, question, 'post');
  await until('the end', () => status.textContent(), (said) => said.startsWith('done: '), 30_000);
  // `close` fails if the page has requested a long URL.
  await close();
});
