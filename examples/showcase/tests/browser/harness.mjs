// Starts the showcase and a browser for the tests.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

import { chromium } from 'playwright-core';

import { args, executablePath } from '../../../../tests/differential/chromium.mjs';

/** A heartbeat and a pace that nobody has to wait for. */
const OPTIONS = ['--heartbeat', '200', '--pace', '150', '--thinking', '25'];

/** The server's address, and a way to end it. */
export async function startServer() {
  const program = process.env.SHOWCASE;
  assert(program && existsSync(program), 'SHOWCASE must be the path of the built example');
  const server = spawn(program, OPTIONS, { stdio: ['ignore', 'pipe', 'inherit'] });
  const { value: address } = await createInterface({ input: server.stdout })[Symbol.asyncIterator]().next();
  return {
    address,
    async interrupt() {
      const ended = new Promise((resolve) => { server.once('exit', (code) => resolve(code)); });
      server.kill('SIGINT');
      return ended;
    },
  };
}

/** Stands before the server, and can break all connections at once. */
export async function startBridge(address) {
  const sockets = new Set();
  const bridge = createServer((near) => {
    const far = connect(Number(new URL(address).port), '127.0.0.1');
    for (const [socket, other] of [[near, far], [far, near]]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => { sockets.delete(socket); other.destroy(); });
      socket.pipe(other);
    }
  });
  await new Promise((resolve) => { bridge.listen(0, '127.0.0.1', resolve); });
  const cut = () => { for (const socket of sockets) socket.destroy(); };
  return {
    address: `http://127.0.0.1:${bridge.address().port}`,
    cut,
    close() {
      bridge.close();
      cut();
    },
  };
}

export async function startBrowser() {
  return chromium.launch({ executablePath, args });
}

/** Opens a tab of the page as a person of their own, and fails if the page itself does. */
export async function visit(browser, address, tab, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1000, height: 860 }, ...options });
  const page = await context.newPage();
  const faults = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  await page.goto(`${address}/#/${tab}`);
  const section = page.locator(`#${tab}`);
  await section.waitFor({ state: 'visible' });
  return {
    page,
    section,
    status: section.locator('.status'),
    async close() {
      await context.close();
      assert.deepEqual(faults, []);
    },
  };
}

/** Waits until a value is as it should be. */
export async function until(what, get, isRight, milliseconds = 10_000) {
  const end = Date.now() + milliseconds;
  let value = await get();
  while (!isRight(value)) {
    assert(Date.now() < end, `${what}: still ${JSON.stringify(value)}`);
    await pause(20);
    value = await get();
  }
  return value;
}

/** Keeps a picture, if a folder for them is given. */
export async function picture(page, name) {
  const folder = process.env.SCREENSHOTS;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}
