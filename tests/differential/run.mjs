// Compares our decoder with others. See README.md.

import { isDeepStrictEqual, parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import * as browser from './browser.mjs';
import { explain } from './differences.mjs';
import * as ours from './ours.mjs';
import * as parser from './parser.mjs';
import { cut, generator, random, vectors } from './streams.mjs';

const { values: options } = parseArgs({
  options: {
    vectors: { type: 'string', default: fileURLToPath(new URL('../vectors.json', import.meta.url)) },
    random: { type: 'string', default: '400' },
    seed: { type: 'string', default: '1' },
    sse2json: { type: 'string' },
  },
});

const dice = generator(Number(options.seed));
const tool = options.sse2json ?? ours.build();
const streams = [...vectors(options.vectors), ...random(Number(options.random), Number(options.seed))];

const inputs = [];
for (const { name, bytes } of streams) {
  const whole = await ours.decode(tool, bytes, 1 << 20);
  const pieces = await ours.decode(tool, bytes, 3);
  if (!isDeepStrictEqual(whole, pieces)) throw new Error(`${name}: our decoder depends on the chunks`);
  inputs.push({ name, bytes, ours: whole, pieces: [bytes] });
  inputs.push({ name: `${name}, in pieces`, bytes, ours: whole, pieces: cut(bytes, dice) });
}

let failures = 0;
for (const other of [parser, browser]) {
  let implementation;
  try {
    implementation = await other.open();
  } catch (error) {
    console.log(`${other.name}: skipped (${error.message.split('\n')[0]})`);
    continue;
  }
  const theirs = implementation.decodeAll
    ? await implementation.decodeAll(inputs.map((input) => ({ pieces: input.pieces, types: input.ours.events.map((event) => event.event) })))
    : inputs.map((input) => implementation.decode(input.pieces));
  await implementation.close();

  const explained = {};
  let equal = 0;
  let unexplained = 0;
  for (const [index, input] of inputs.entries()) {
    const mine = other.view(input.ours);
    if (isDeepStrictEqual(mine, theirs[index])) {
      equal += 1;
      continue;
    }
    const decode = async (bytes) => other.view(await ours.decode(tool, bytes, 1 << 20));
    const reason = await explain(other.name, input.bytes, mine, theirs[index], decode);
    if (reason) {
      explained[reason] = (explained[reason] ?? 0) + 1;
      continue;
    }
    unexplained += 1;
    if (unexplained <= 5) {
      console.log(`${other.name}: ${input.name}`, JSON.stringify({ input: input.bytes.toString('latin1'), ours: mine, theirs: theirs[index] }, null, 1));
    }
  }
  console.log(`${other.name}: ${inputs.length} inputs, ${equal} equal, ${unexplained} differ without explanation`);
  for (const [reason, count] of Object.entries(explained)) console.log(`  ${count} differ: ${reason}`);
  failures += unexplained;
}
process.exitCode = failures === 0 ? 0 : 1;
