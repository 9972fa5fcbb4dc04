// Starts the showcase and a browser for the tests.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import * as playwright from 'playwright-core';

import { args } from '../../../../tests/differential/chromium.mjs';
import { until } from './until.mjs';

/** A heartbeat and a pace that nobody has to wait for. */
const OPTIONS = ['--heartbeat', '500', '--thinking', '25'];

/** What a test that fails leaves open would keep the process, and so the tests, from ending. */
const leftOpen = new Set();

export function closeAll() {
  for (const close of leftOpen) close();
}

/** The server's address, and ways to end it. */
export async function startServer({ port = 0, pace = 150 } = {}) {
  const program = process.env.SHOWCASE;
  assert(program && existsSync(program), 'SHOWCASE must be the path of the built example');
  const server = spawn(program, [...OPTIONS, '--port', port, '--pace', pace], { stdio: ['ignore', 'pipe', 'ignore'] });
  const { value: address } = await createInterface({ input: server.stdout })[Symbol.asyncIterator]().next();
  leftOpen.add(() => server.kill('SIGKILL'));
  const end = (signal) => {
    if (server.exitCode !== null || server.signalCode !== null) return server.exitCode;
    const ended = new Promise((resolve) => { server.once('exit', (code) => resolve(code)); });
    server.kill(signal);
    return ended;
  };
  return {
    address,
    port: Number(new URL(address).port),
    interrupt: () => end('SIGINT'),
    kill: () => end('SIGKILL'),
  };
}

/** nginx before a server, as the README says; undefined if it is not installed. */
export async function startNginx(port) {
  const own = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'showcase-nginx-'));
  writeFileSync(join(folder, 'nginx.conf'), `daemon off; master_process off; pid nginx.pid; error_log error.log;
    events {}
    http {
      access_log off;
      client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
      server {
        listen 127.0.0.1:${own};
        location / { proxy_pass http://127.0.0.1:${port}; proxy_http_version 1.1; proxy_set_header Connection ""; }
      }
    }`);
  const nginx = spawn('nginx', ['-p', folder, '-c', 'nginx.conf', '-e', 'error.log'], { stdio: 'ignore' });
  const isThere = await new Promise((resolve) => {
    nginx.once('spawn', () => resolve(true));
    nginx.once('error', () => resolve(false));
  });
  if (!isThere) return undefined;
  const address = `http://127.0.0.1:${own}`;
  await until('nginx', () => fetch(address).then(() => true, () => false), Boolean);
  return { address, close() { nginx.kill(); rmSync(folder, { recursive: true, force: true }); } };
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const { port } = server.address();
  await new Promise((resolve) => { server.close(resolve); });
  return port;
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
  const close = () => {
    bridge.close();
    cut();
  };
  leftOpen.add(close);
  return { address: `http://127.0.0.1:${bridge.address().port}`, cut, close };
}

/** `chromium` or `firefox`. */
export const browserName = process.env.BROWSER ?? 'chromium';

/** Firefox as Mozilla builds it speaks WebDriver BiDi. Later versions of Playwright need a newer Firefox. */
const OPTIONS_OF = {
  chromium: { args },
  firefox: { channel: 'moz-firefox' },
};

export async function startBrowser() {
  return playwright[browserName].launch({ executablePath: process.env.BROWSER_PATH, ...OPTIONS_OF[browserName] });
}

/** Opens a tab of the page as a person of their own, and fails if the page itself does. */
export async function visit(browser, address, tab, { scripts = [], ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1000, height: 860 }, ...options });
  for (const script of scripts) await context.addInitScript(script);
  const faults = [];
  /** Another window of the same person. */
  async function open(tab) {
    const page = await context.newPage();
    page.on('pageerror', (error) => faults.push(String(error)));
    await page.goto(`${address}/#/${tab}`);
    const section = page.locator(`#${tab}`);
    await section.waitFor({ state: 'visible' });
    return { page, section, status: section.locator('.status').first(), connection: page.locator('#connection .status') };
  }
  return {
    ...await open(tab),
    context,
    open,
    async close() {
      await context.close();
      assert.deepEqual(faults, []);
    },
  };
}

/** Keeps a picture, if a folder for them is given. */
export async function picture(page, name) {
  const folder = process.env.SCREENSHOTS;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}
