// The streams to compare: the conformance vectors, and random streams that know the grammar.

import { readFileSync } from 'node:fs';

export function vectors(file) {
  return JSON.parse(readFileSync(file, 'utf8')).cases.map(({ name, step, input, input_hex, ...expected }) => ({
    name,
    bytes: input_hex === undefined ? Buffer.from(input, 'utf8') : Buffer.from(input_hex, 'hex'),
    expected,
  }));
}

/** A random number generator that gives the same numbers for the same seed (mulberry32). */
export function generator(seed) {
  const next = () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const below = (limit) => Math.floor(next() * limit);
  return { below, pick: (list) => list[below(list.length)] };
}

const NAMES = ['data', 'data', 'data', 'data', 'event', 'event', 'id', 'id', 'retry', ''];
const NEAR_MISSES = ['dat', 'dataa', 'Data', 'DATA', 'data ', ' data', '\tdata', 'da\0ta', '\ufeffdata', 'dätä', 'idx', 'i', 'ID', 'events', 'retry ', 'error', '数据', Buffer.from([0xff])];
const SEPARATORS = [': ', ': ', ': ', ':', ':', '', ':  ', ' :', '::', ':\t', ':\0', ':\u00a0'];
const TEXTS = ['', 'x', 'a b', ' ', ':', '\0', '[DONE]', '{"a":1}', 'data: x', 'é', '你好', '😀', '👩‍👩‍👧', '\ufeff', '\ufffd', '\u0085', '\u2028', '\v', 'long '.repeat(60)];
const TYPES = ['', 'message', 'error', 'open', 'ping', 'ping', 'Ping', ' ping', '类型', '😀', '\0', 'constructor', '__proto__'];
const IDS = ['', '', '1', '2', '007', 'a\0b', '\0', '你', '😀', ' ', '\ufeff'];
const RETRIES = ['', '0', '1', '3000', '007', '+5', '-1', '5 ', ' 5', '1e3', '0x10', '1.5', '5\0', '\u0663', '５', '4294967296', '18446744073709551615', '18446744073709551616', '9'.repeat(40)];
// A stray byte, truncated characters, an overlong one, a surrogate, one beyond Unicode.
const INVALID = [[0x80], [0xe4, 0xbd], [0xf0, 0x9f, 0x98], [0xe4, 0xe4, 0xbd, 0xa0], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xff]].map((bytes) => Buffer.from(bytes));
const ENDS = ['\n', '\r\n', '\r'];
const STARTS = ['', '', '', '', '\ufeff', '\ufeff', '\ufeff\ufeff', '\n', '\ufeff\n', '\ufeff\r\n', '\ufeff\r', Buffer.from([0xef, 0xbb])];

export function random(count, seed) {
  const { below, pick } = generator(seed);
  const value = (name) => {
    const own = { event: TYPES, id: IDS, retry: RETRIES }[name];
    if (own && below(8) > 0) return [pick(own)];
    return Array.from({ length: 1 + below(3) }, () => pick(below(6) > 0 ? TEXTS : INVALID));
  };
  return Array.from({ length: count }, (_, number) => {
    const parts = [pick(STARTS)];
    const usual = pick(ENDS);
    const end = () => (below(6) > 0 ? usual : pick(ENDS));
    for (let block = below(5); block >= 0; block -= 1) {
      for (let line = below(5); line >= 0; line -= 1) {
        const name = pick(below(6) > 0 ? NAMES : NEAR_MISSES);
        const separator = below(4) > 0 ? pick([': ', ':']) : pick(SEPARATORS);
        parts.push(name, separator, ...value(name), below(40) > 0 ? end() : '');
      }
      if (below(10) > 0) parts.push(end());
    }
    return { name: `random-${seed}-${number}`, bytes: Buffer.concat(parts.map((part) => Buffer.from(part))) };
  });
}

/** Cuts a stream into pieces of random sizes, a hundred or so at most. */
export function cut(bytes, { below }) {
  const pieces = [];
  const most = Math.max(9, bytes.length / 50);
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + 1 + below(most));
    pieces.push(bytes.subarray(at, end));
    at = end;
  }
  return pieces;
}
