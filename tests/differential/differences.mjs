// The known differences, each recognized by the result of the other implementation.

import { isDeepStrictEqual } from 'node:util';

const BOM = Buffer.from('\ufeff');
const TWO_BOMS = Buffer.concat([BOM, BOM]);
const MOST = Number(2n ** 64n - 1n);

/**
 * The reasons of a difference, if all of it is known. `decode` gives our outcome for other bytes.
 * Each reason turns our outcome into what it predicts, and in the end nothing may differ.
 */
export async function explain(implementation, bytes, ours, theirs, decode) {
  const reasons = [];
  const predict = (outcome, reason) => {
    if (!isDeepStrictEqual(outcome, ours)) reasons.push(reason);
    ours = outcome;
  };
  if (implementation === 'eventsource-parser') {
    if (startsWith(bytes, TWO_BOMS)) {
      predict(await decode(bytes.subarray(BOM.length)), 'it takes off a second byte order mark');
    }
    const time = theirs.reconnectionTime;
    if (ours.reconnectionTime === MOST && time > MOST && retries(bytes).at(-1) === time) {
      predict({ ...ours, reconnectionTime: time }, 'its reconnection time goes beyond 64 bits');
    }
  }
  if (implementation === 'Chromium' && startsWith(bytes, BOM) && [0x0a, 0x0d].includes(bytes[BOM.length])) {
    const asText = Buffer.concat([BOM, Buffer.from('x'), bytes.subarray(BOM.length + 1)]);
    predict(await decode(asText), 'it takes a line end right behind the byte order mark for text');
  }
  return isDeepStrictEqual(theirs, ours) ? reasons : undefined;
}

const startsWith = (bytes, prefix) => bytes.subarray(0, prefix.length).equals(prefix);

/** What the stream's well-formed `retry` fields say, as floating-point numbers. */
const retries = (bytes) =>
  bytes.toString('latin1').split(/[\r\n]/).map((line) => /^(?:\xef\xbb\xbf){0,2}retry: ?(\d+)$/.exec(line)).filter(Boolean).map((match) => Number(match[1]));
