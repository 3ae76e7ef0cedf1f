/** As much of a DeltaDiscoveryResponse as a client needs that only counts: type, nonce, names. A hundredth of a full decoding. */

export interface DeltaMessage {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly names: readonly string[];
  readonly removed: readonly string[];
}

/** Fields of DeltaDiscoveryResponse and of Resource. */
const RESPONSE = { resources: 2, typeUrl: 4, nonce: 5, removed: 6 };
const RESOURCE_NAME = 3;

export function readDeltaMessage(bytes: Buffer): DeltaMessage {
  const names: string[] = [];
  const removed: string[] = [];
  let typeUrl = '';
  let nonce = '';
  for (const [field, value] of fieldsOf(bytes)) {
    if (field === RESPONSE.resources) names.push(nameOf(value));
    else if (field === RESPONSE.typeUrl) typeUrl = value.toString('utf8');
    else if (field === RESPONSE.nonce) nonce = value.toString('utf8');
    else if (field === RESPONSE.removed) removed.push(value.toString('utf8'));
  }
  return { typeUrl, nonce, names, removed };
}

function nameOf(resource: Buffer): string {
  for (const [field, value] of fieldsOf(resource)) if (field === RESOURCE_NAME) return value.toString('utf8');
  throw new Error('a resource without a name');
}

/** All fields of these two messages are length-delimited. */
function* fieldsOf(bytes: Buffer): Generator<readonly [number: number, value: Buffer]> {
  let position = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[position++] ?? 0;
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  };
  while (position < bytes.length) {
    const tag = varint();
    if ((tag & 7) !== 2) throw new Error(`field ${tag >> 3} is not length-delimited`);
    const length = varint();
    yield [tag >> 3, bytes.subarray(position, position + length)];
    position += length;
  }
}
