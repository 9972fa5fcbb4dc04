// Our decoder, through the example `sse2json`.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export function build() {
  const { status } = spawnSync('cargo', ['build', '--release', '--quiet', '--example', 'sse2json'], { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) throw new Error('sse2json does not build');
  const path = `${process.env.CARGO_TARGET_DIR ?? `${ROOT}/target`}/release/examples/sse2json`;
  if (!existsSync(path)) throw new Error(`no ${path}`);
  return path;
}

/** Decodes a stream in chunks of this size. */
export function decode(tool, bytes, chunk) {
  return new Promise((resolve, reject) => {
    const child = spawn(tool, ['--comments', '--summary', '--chunk', String(chunk)]);
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('error', reject).on('close', (code) => {
      if (code !== 0) return reject(new Error(`sse2json ended with ${code}`));
      const lines = output.trimEnd().split('\n').map((line) => JSON.parse(line));
      const { summary } = lines.pop();
      resolve({
        events: lines.filter((line) => 'data' in line),
        comments: lines.filter((line) => 'comment' in line).map((line) => line.comment),
        reconnectionTime: summary.reconnection_time,
      });
    });
    child.stdin.end(bytes);
  });
}
