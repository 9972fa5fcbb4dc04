// The differences that are known, each recognised by what the other implementation does instead.

import { isDeepStrictEqual } from 'node:util';

const BOM = Buffer.from('\ufeff');
const MOST = Number(2n ** 64n - 1n);

/** `decode` gives our outcome for other bytes. The reason of a difference, if it is a known one. */
export async function explain(implementation, bytes, ours, theirs, decode) {
  if (implementation === 'eventsource-parser') {
    if (bytes.indexOf(Buffer.concat([BOM, BOM])) === 0) {
      if (isDeepStrictEqual(theirs, await decode(bytes.subarray(BOM.length)))) return 'it takes off a second byte order mark';
    }
    if (ours.reconnectionTime === MOST && theirs.reconnectionTime > MOST) {
      if (isDeepStrictEqual({ ...theirs, reconnectionTime: MOST }, ours)) return 'its reconnection time goes beyond 64 bits';
    }
  }
  if (implementation === 'Chromium' && bytes.indexOf(BOM) === 0 && [0x0a, 0x0d].includes(bytes[BOM.length])) {
    const asText = Buffer.concat([BOM, Buffer.from('x'), bytes.subarray(BOM.length + 1)]);
    if (isDeepStrictEqual(theirs, await decode(asText))) return 'it takes a line end right behind the byte order mark for text';
  }
  return undefined;
}
