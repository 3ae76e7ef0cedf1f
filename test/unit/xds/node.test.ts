/** What is read of requests by hand, against protobufjs; and bytes that are no message. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readNode } from '../../../src/xds/node.ts';
import { decodeStatusRequest } from '../../../src/xds/status-request.ts';
import { readStruct } from '../../../src/xds/struct-reader.ts';
import { byProtobufjs } from '../../support/xds/by-protobufjs.ts';

const NODE = 'envoy.config.core.v3.Node';
const STRUCT = 'google.protobuf.Struct';
const REQUEST = 'envoy.service.status.v3.ClientStatusRequest';

const text = fc.string({ unit: 'grapheme', maxLength: 40 });
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    text,
    // JSON has one zero.
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((each) => (each === 0 ? 0 : each)),
    fc.array(tie('value'), { maxLength: 3 }),
    tie('struct'),
  ),
  struct: fc.dictionary(text, tie('value'), { maxKeys: 3 }),
}));

/** In the order in which readers give them. */
const sorted = (value: unknown): string => JSON.stringify(value, (_key, each) => (Object.is(each, -0) ? '-0' : each));

describe('a Struct', () => {
  it('is read as the JSON that it was', () => {
    fc.assert(
      fc.property(json.struct, (struct) => {
        const keys = Object.fromEntries(Object.entries(struct as object).sort(([a], [b]) => (a < b ? -1 : 1)));
        expect(readStruct(byProtobufjs(STRUCT, struct))).toEqual(JSON.parse(JSON.stringify(keys)) ?? {});
      }),
    );
  });

  it('has no key that is more than a key', () => {
    const read = readStruct(byProtobufjs(STRUCT, JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1}')));
    expect(sorted(read)).toBe('{"__proto__":{"polluted":true},"constructor":1}');
    expect('polluted' in read).toBe(false);
  });

  it('is refused where it is deeper than readers of protobuf go', () => {
    // A list in a list …: each is a Value (6: list) of a ListValue (1: value).
    let value: Buffer = Buffer.alloc(0);
    for (let depth = 0; depth < 5_000; depth += 1) {
      value = Buffer.concat([Buffer.from([10]), lengthOf(value), value]);
      value = Buffer.concat([Buffer.from([50]), lengthOf(value), value]);
    }
    const entry = Buffer.concat([Buffer.from([10, 1, 97, 18]), lengthOf(value), value]);
    expect(() => readStruct(Buffer.concat([Buffer.from([10]), lengthOf(entry), entry]))).toThrow(/more than 100 deep/);
  });
});

describe('a node', () => {
  it('is read among fields that are of no interest', () => {
    const bytes = byProtobufjs(NODE, {
      user_agent_name: 'envoy',
      user_agent_build_version: { version: { major_number: 1, minor_number: 40 } },
      extensions: [{ name: 'a', disabled: true }],
      locality: { zone: 'z' },
      metadata: { detour: { listen: '0.0.0.0:80', ports: [1, 2.5], x: null } },
      cluster: 'c',
      id: 'gateway~shop/edge',
    });
    expect(readNode(bytes)).toEqual({
      id: 'gateway~shop/edge',
      cluster: 'c',
      userAgent: 'envoy',
      metadata: { detour: { listen: '0.0.0.0:80', ports: [1, 2.5], x: null } },
    });
    expect(readNode(Buffer.alloc(0))).toEqual({ id: '', cluster: '', userAgent: '', metadata: {} });
  });

  it('is refused, with an error and nothing worse, where the bytes are none', () => {
    const whole = byProtobufjs(NODE, { id: 'a'.repeat(200), metadata: { a: [1, { b: 'x' }] }, cluster: 'c' });
    for (let length = 1; length < whole.length; length += 1) tryTo(() => readNode(whole.subarray(0, length)));
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => tryTo(() => readNode(Buffer.from(bytes)))));
    expect(() => readNode(whole.subarray(0, whole.length - 2))).toThrow(/ends within a field/);
    expect(() => readNode(Buffer.from([10, 2, 0xc3, 0x28]))).toThrow(/not UTF-8/);
    expect(() => readNode(Buffer.from([8, 1]))).toThrow(/wire type/);
    expect(() => readNode(Buffer.from([11]))).toThrow(/wire type 3/);
    expect(() => readNode(Buffer.from([0, 0]))).toThrow(/the number 0/);
    expect(() => readNode(Buffer.alloc(1024 * 1024 + 1))).toThrow(/may have/);
  });
});

describe('what a client of CSDS asks for', () => {
  it('is read for all kinds of matches', () => {
    const node_matchers = (['exact', 'prefix', 'suffix', 'contains'] as const).map((kind) => ({ node_id: { [kind]: 'ä' } }));
    expect(decodeStatusRequest(byProtobufjs(REQUEST, { node_matchers, node: { id: 'x' } }))).toEqual(
      ['exact', 'prefix', 'suffix', 'contains'].map((kind) => ({ kind, value: 'ä' })),
    );
    expect(decodeStatusRequest(Buffer.alloc(0))).toEqual([]);
  });

  it.each([
    ['without regard to case', { node_id: { exact: 'a', ignore_case: true } }],
    ['by a regex', { node_id: { safe_regex: { regex: 'a' } } }],
    ['by metadata', { node_id: { exact: 'a' }, node_metadatas: [{ path: [{ key: 'a' }] }] }],
    ['by nothing', {}],
  ])('is refused where it is compared %s', (_, matcher) => {
    expect(() => decodeStatusRequest(byProtobufjs(REQUEST, { node_matchers: [matcher] }))).toThrow(/must match node_id/);
  });
});

function lengthOf(bytes: Buffer): Buffer {
  const length: number[] = [];
  for (let rest = bytes.length; ; rest = Math.floor(rest / 128)) {
    length.push(rest > 127 ? (rest % 128) | 128 : rest);
    if (rest <= 127) return Buffer.from(length);
  }
}

function tryTo(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(RangeError);
  }
}
