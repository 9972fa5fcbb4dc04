// Starts the showcase and a browser for the tests.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import * as playwright from 'playwright-core';

import { args } from '../../../../tests/differential/chromium.mjs';
import { until } from './until.mjs';


/** The programs to end after the tests. One that a failed test leaves open would keep Node running. */
const leftOpen = new Set();

export function closeAll() {
  for (const close of leftOpen) close();
}

/** Starts a server with quick heartbeats and tokens. Returns its address, and ways to end it. */
export async function startServer({ port = 0, pace = 150, heartbeat = 500, ...more } = {}) {
  const program = process.env.SHOWCASE;
  assert(program && existsSync(program), 'SHOWCASE must be the path of the built example');
  const options = Object.entries({ port, pace, heartbeat, thinking: 25, ...more }).flatMap(([name, value]) => [`--${name}`, value]);
  const server = spawn(program, options, { stdio: ['ignore', 'pipe', 'ignore'] });
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

/**
 * Starts nginx in front of a server, as in the README: over HTTP/1.1, or over HTTP/2 with TLS.
 * Returns `undefined` if nginx, or openssl for the certificate, is not installed.
 */
export async function startNginx(port, { http2 = false } = {}) {
  const own = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'showcase-nginx-'));
  if (http2 && !makeCertificate(folder)) return undefined;
  const certificate = 'ssl_certificate certificate.pem; ssl_certificate_key key.pem;';
  writeFileSync(join(folder, 'nginx.conf'), `daemon off; master_process off; pid nginx.pid; error_log error.log;
    events {}
    http {
      access_log off;
      client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
      server {
        listen 127.0.0.1:${own} ${http2 ? `ssl http2; ${certificate}` : ';'}
        location / { proxy_pass http://127.0.0.1:${port}; proxy_http_version 1.1; proxy_set_header Connection ""; }
      }
    }`);
  const nginx = spawn('nginx', ['-p', folder, '-c', 'nginx.conf', '-e', 'error.log'], { stdio: 'ignore' });
  const isThere = await new Promise((resolve) => {
    nginx.once('spawn', () => resolve(true));
    nginx.once('error', () => resolve(false));
  });
  if (!isThere) return undefined;
  await until('nginx', () => canConnect(own), Boolean);
  return {
    address: `${http2 ? 'https' : 'http'}://127.0.0.1:${own}`,
    close() { nginx.kill(); rmSync(folder, { recursive: true, force: true }); },
  };
}

/** Makes a self-signed certificate. Returns `false` without openssl. */
function makeCertificate(folder) {
  const { error, status, stderr } = spawnSync('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
    '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1',
    '-keyout', join(folder, 'key.pem'), '-out', join(folder, 'certificate.pem'),
  ], { encoding: 'utf8' });
  if (error?.code === 'ENOENT') return false;
  assert.equal(status, 0, stderr);
  return true;
}

const canConnect = (port) => new Promise((resolve) => {
  const socket = connect(port, '127.0.0.1');
  socket.once('connect', () => { socket.destroy(); resolve(true); });
  socket.once('error', () => resolve(false));
});

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const { port } = server.address();
  await new Promise((resolve) => { server.close(resolve); });
  return port;
}

/** Starts a proxy in front of the server, which can break all connections at once. */
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

/** The browser: `chromium` or `firefox`. */
export const browserName = process.env.BROWSER ?? 'chromium';

/** Mozilla's builds of Firefox speak WebDriver BiDi. Later versions of Playwright need a newer Firefox. */
const OPTIONS_OF = {
  chromium: { args },
  firefox: { channel: 'moz-firefox' },
};

export async function startBrowser() {
  return playwright[browserName].launch({ executablePath: process.env.BROWSER_PATH, ...OPTIONS_OF[browserName] });
}

/**
 * Takes Chromium's shared workers off the network; `setOffline` of a context affects only its
 * pages. Returns a function that brings them back.
 */
export async function takeWorkersOffline(browser) {
  const devtools = await browser.newBrowserCDPSession();
  const answers = new Set();
  devtools.on('Target.receivedMessageFromTarget', ({ message }) => answers.add(JSON.parse(message).id));
  const params = { offline: true, latency: 0, downloadThroughput: -1, uploadThroughput: -1 };
  const calls = [['Network.enable', {}], ['Network.emulateNetworkConditions', params]];
  const { targetInfos } = await devtools.send('Target.getTargets');
  const workers = targetInfos.filter(({ type }) => type === 'shared_worker');
  let id = 0;
  for (const { targetId } of workers) {
    const { sessionId } = await devtools.send('Target.attachToTarget', { targetId, flatten: false });
    for (const [method, params] of calls) {
      id += 1;
      await devtools.send('Target.sendMessageToTarget', { sessionId, message: JSON.stringify({ id, method, params }) });
      await until(method, () => answers.has(id), Boolean);
    }
  }
  return () => devtools.detach();
}

/** The longest URL of a request, in characters. A proxy may answer 414 to a longer one. */
const LONGEST_ADDRESS = 2500;

/** Opens a tab of the page in a new browser context. `close` fails if the page had errors. */
export async function visit(browser, address, tab, { scripts = [], ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1000, height: 860 }, ...options });
  for (const script of scripts) await context.addInitScript(script);
  const faults = [];
  /** Opens another window in the same context. */
  async function open(tab) {
    const page = await context.newPage();
    page.on('pageerror', ({ message }) => {
      // Firefox reports an `EventSource` without a stream in this way.
      if (!message.startsWith('Firefox can’t establish a connection')) faults.push(message);
    });
    page.on('request', (request) => {
      const { length } = request.url();
      if (length > LONGEST_ADDRESS && request.url().startsWith('http')) faults.push(`a URL of ${length} characters`);
    });
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

/** Saves a picture if `SCREENSHOTS` names a folder. */
export async function picture(page, name) {
  if (!process.env.SCREENSHOTS) return;
  const folder = join(process.env.SCREENSHOTS, browserName);
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}
