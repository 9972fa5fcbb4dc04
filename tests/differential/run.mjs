// Compares the decoder of this crate with others. See README.md.

import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import * as browser from './browser.mjs';
import { explain } from './differences.mjs';
import * as ours from './ours.mjs';
import * as parser from './parser.mjs';
import { cut, generator, random, vectors } from './streams.mjs';

const WHOLE = 1 << 20;
const SHOWN = 5;

const { values: options } = parseArgs({
  options: {
    vectors: { type: 'string', default: fileURLToPath(new URL('../vectors.json', import.meta.url)) },
    random: { type: 'string', default: '400' },
    seed: { type: 'string', default: '1' },
    sse2json: { type: 'string' },
  },
});
const [count, seed] = ['random', 'seed'].map((name) => {
  if (!/^\d+$/.test(options[name])) throw new Error(`--${name} takes a number`);
  return Number(options[name]);
});

const tool = options.sse2json ?? ours.build();
const streams = [...vectors(options.vectors), ...random(count, seed)];

let failures = 0;
const fail = (reporter, name, details) => {
  failures += 1;
  if (failures <= SHOWN) console.log(`${reporter}: ${name}`, JSON.stringify(details, null, 1));
};

// Decodes all streams with our decoder. The chunks must not matter, and vectors must match.
const queue = streams.values();
await Promise.all(Array.from({ length: 2 * availableParallelism() }, async () => {
  for (const stream of queue) {
    stream.ours = await ours.decode(tool, stream.bytes, WHOLE);
    for (const chunk of [1, 3]) {
      const again = await ours.decode(tool, stream.bytes, chunk);
      if (!isDeepStrictEqual(stream.ours, again)) fail('chunks', stream.name, { chunk, whole: stream.ours, again });
    }
    const mine = ours.view(stream.ours);
    if (stream.expected && !isDeepStrictEqual(mine, stream.expected)) fail('vectors', stream.name, { ours: mine, expected: stream.expected });
  }
}));
console.log(`sse2json: ${streams.length} streams, ${failures} depend on the chunks or miss their vector`);

const dice = generator(seed);
const inputs = streams.flatMap(({ name, bytes, ours, expected }) => {
  const types = [...ours.items, ...(expected?.events ?? [])].flatMap((item) => item.event ?? []);
  return [
    { name, bytes, ours, types, pieces: [bytes] },
    { name: `${name}, in pieces`, bytes, ours, types, pieces: cut(bytes, dice) },
  ];
});

for (const other of [parser, browser]) {
  let implementation;
  try {
    implementation = await other.open();
  } catch (error) {
    console.log(`${other.name}: skipped (${error.message.split('\n')[0]})`);
    continue;
  }
  let theirs;
  try {
    theirs = await implementation.decodeAll(inputs);
  } finally {
    await implementation.close();
  }

  const explained = {};
  const counts = { equal: 0, explained: 0, unexplained: 0 };
  const decode = async (bytes) => other.view(await ours.decode(tool, bytes, WHOLE));
  for (const [index, { name, bytes, pieces, ours }] of inputs.entries()) {
    const mine = other.view(ours);
    if (isDeepStrictEqual(mine, theirs[index])) {
      counts.equal += 1;
      continue;
    }
    const reasons = await explain(other.name, bytes, mine, theirs[index], decode);
    if (reasons) {
      counts.explained += 1;
      for (const reason of reasons) explained[reason] = (explained[reason] ?? 0) + 1;
      continue;
    }
    counts.unexplained += 1;
    fail(other.name, name, { pieces: pieces.map((piece) => piece.toString('hex')), ours: mine, theirs: theirs[index] });
  }
  console.log(`${other.name}: ${inputs.length} inputs, ${counts.equal} equal, ${counts.explained} explained, ${counts.unexplained} unexplained`);
  for (const [reason, times] of Object.entries(explained)) console.log(`  ${times} differ: ${reason}`);
}
process.exitCode = failures === 0 ? 0 : 1;
