/** As much of DNS (RFC 1035) as a resolver in a pod asks. */

export interface Question {
  /** In lower case, without the dot at its end. */
  readonly name: string;
  readonly type: number;
}

export const TYPE_A = 1;

const HEADER = 12;
const ANSWER_FLAGS = 0x8580;
const NO_SUCH_NAME = 3;
const TTL_SECONDS = 1;

/** undefined for what is no query of one question. */
export function questionOf(query: Buffer): Question | undefined {
  if (query.length < HEADER || query.readUInt16BE(4) !== 1 || (query.readUInt8(2) & 0x80) !== 0) return undefined;
  const end = endOfName(query);
  if (end === undefined || query.length < end + 4) return undefined;
  const labels: string[] = [];
  for (let at = HEADER; at < end - 1; at += 1 + query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + query.readUInt8(at)).toLowerCase());
  }
  return { name: labels.join('.'), type: query.readUInt16BE(end) };
}

/** @param addresses of IPv4; undefined: there is no such name; empty: it has none of the type that was asked for */
export function answerTo(query: Buffer, addresses: readonly string[] | undefined): Buffer {
  const end = endOfName(query) ?? HEADER;
  const head = Buffer.from(query.subarray(0, end + 4));
  head.writeUInt16BE(ANSWER_FLAGS | (addresses === undefined ? NO_SUCH_NAME : 0), 2);
  head.writeUInt16BE(addresses?.length ?? 0, 6);
  head.writeUInt16BE(0, 8);
  head.writeUInt16BE(0, 10);
  const records = (addresses ?? []).map((address) => {
    const record = Buffer.alloc(16);
    // The name of the question, of class IN.
    record.writeUInt16BE(0xc000 | HEADER, 0);
    record.writeUInt16BE(TYPE_A, 2);
    record.writeUInt16BE(1, 4);
    record.writeUInt32BE(TTL_SECONDS, 6);
    record.writeUInt16BE(4, 10);
    record.set(address.split('.').map(Number), 12);
    return record;
  });
  return Buffer.concat([head, ...records]);
}

function endOfName(query: Buffer): number | undefined {
  let at = HEADER;
  while (at < query.length && query.readUInt8(at) !== 0) at += 1 + query.readUInt8(at);
  return at < query.length ? at + 1 : undefined;
}
