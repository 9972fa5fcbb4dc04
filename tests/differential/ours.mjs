// The decoder of this crate, through the example `sse2json`.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Always asks cargo: a tool that is there may be older than the sources. */
export function build() {
  const { status } = spawnSync('cargo', ['build', '--release', '--quiet', '--example', 'sse2json'], { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) throw new Error('sse2json does not build');
  const path = resolve(ROOT, process.env.CARGO_TARGET_DIR ?? 'target', 'release/examples/sse2json');
  if (!existsSync(path)) throw new Error(`no ${path}`);
  return path;
}

/** Decodes a stream in chunks of this size. */
export function decode(tool, bytes, chunk) {
  return new Promise((resolve, reject) => {
    const child = spawn(tool, ['--comments', '--summary', '--chunk', String(chunk), '-'], { stdio: ['pipe', 'pipe', 'ignore'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
    // Ignores a broken pipe, because the exit code reports a tool that stops early. The codes 3 (the
    // stream ended within a block) and 4 (not an event stream) are fine: many inputs are like that.
    child.stdin.on('error', () => {});
    child.on('error', reject).on('close', (code) => {
      if (![0, 3, 4].includes(code)) return reject(new Error(`sse2json ended with ${code}`));
      const items = output.trimEnd().split('\n').map((line) => JSON.parse(line));
      const { summary } = items.pop();
      resolve({ items, summary });
    });
    child.stdin.end(bytes);
  });
}

/** Converts a result to the form of `vectors.json`. */
export const view = ({ items, summary }) => ({
  events: items.filter((item) => 'data' in item),
  comments: items.filter((item) => 'comment' in item).map((item) => item.comment),
  last_event_id: summary.last_event_id,
  reconnection_time: summary.reconnection_time,
  blocks: summary.blocks,
  pending_bytes: summary.pending_bytes,
});
