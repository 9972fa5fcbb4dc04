// The streams to compare on: the conformance vectors, and random ones that know the grammar.

import { readFileSync } from 'node:fs';

export function vectors(file) {
  return JSON.parse(readFileSync(file, 'utf8')).cases.map(({ name, input, input_hex }) => ({
    name,
    bytes: input_hex === undefined ? Buffer.from(input, 'utf8') : Buffer.from(input_hex, 'hex'),
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

const NAMES = ['data', 'data', 'data', 'event', 'id', 'retry', '', 'dat', 'Data', 'data ', ' data', 'idx', 'error', 'da\0ta', '\ufeffdata'];
const SEPARATORS = [': ', ': ', ':', '', ':  ', ' :', '::', ':\t'];
const VALUES = ['', 'x', 'a b', ' ', ':', '\0', '[DONE]', '{"a":1}', '0', '3000', '007', '+5', '5 ', '1e3', '\u0663', 'é', '你好', '😀', '\ufeff', '\u2028', 'ping',
  Buffer.from([0x80]), Buffer.from([0xe4, 0xbd]), Buffer.from([0xf0, 0x9f, 0x98]), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from([0xc0, 0xaf]), Buffer.from([0xff])];
const ENDS = ['\n', '\n', '\r\n', '\r', '\n\n', '\n\n', '\r\n\r\n', '\r\r', '\n\r', '\r\n\n', ''];
const STARTS = ['', '', '', '\ufeff', '\ufeff\ufeff', '\n', '\ufeff\n'];

export function random(count, seed) {
  const { below, pick } = generator(seed);
  return Array.from({ length: count }, (_, number) => {
    const parts = [pick(STARTS)];
    for (let line = below(12); line >= 0; line -= 1) {
      parts.push(pick(NAMES), pick(SEPARATORS));
      for (let value = below(3); value >= 0; value -= 1) parts.push(pick(VALUES));
      parts.push(pick(ENDS));
    }
    return { name: `random-${seed}-${number}`, bytes: Buffer.concat(parts.map((part) => Buffer.from(part))) };
  });
}

/** Cuts a stream into pieces of random sizes. */
export function cut(bytes, { below }) {
  const pieces = [];
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + 1 + below(9));
    pieces.push(bytes.subarray(at, end));
    at = end;
  }
  return pieces;
}
