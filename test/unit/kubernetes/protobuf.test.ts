/** Kubernetes' protobuf, as its API server writes it: checked against an encoder that is not ours. */
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { expect, test } from 'vitest';
import { messageSchema, textMap } from '../../../src/kubernetes/message-schema.ts';
import { openEnvelope, readMessage } from '../../../src/kubernetes/protobuf.ts';
import { ProtobufError } from '../../../src/kubernetes/protobuf-reader.ts';

const { root } = protobuf.parse(`
  syntax = "proto2";
  message Time { optional int64 seconds = 1; optional int32 nanos = 2; }
  message IntOrString { optional int64 type = 1; optional int32 intVal = 2; optional string strVal = 3; }
  message Part { optional string name = 1; optional int32 port = 3; optional bool ready = 20; }
  message Thing {
    optional string name = 1;
    repeated string texts = 2;
    optional Part part = 3;
    repeated Part parts = 4;
    map<string, string> labels = 5;
    optional Time time = 6;
    optional IntOrString target = 7;
    optional fixed64 eight = 8;
    optional fixed32 four = 9;
    optional bytes managed = 17;
    optional int64 number = 18;
  }
  message TypeMeta { optional string apiVersion = 1; optional string kind = 2; }
  message Unknown { optional TypeMeta typeMeta = 1; optional bytes raw = 2; optional string contentType = 4; }
`);

const PART = messageSchema(['name', 1, 'text'], ['port', 3, 'int'], ['ready', 20, 'flag']);
const THING = messageSchema(
  ['name', 1, 'text'],
  ['texts', 2, 'texts'],
  ['part', 3, PART],
  ['parts', 4, [PART]],
  ['labels', 5, textMap()],
  ['time', 6, 'time'],
  ['target', 7, 'intOrString'],
  ['number', 18, 'int'],
);

function encoded(type: string, message: object): Buffer {
  return Buffer.from(root.lookupType(type).encode(message).finish());
}

function read(message: object): object {
  return readMessage(encoded('Thing', message), THING);
}

test('every type of field is read as its JSON says it', () => {
  const thing = {
    name: 'größer',
    texts: ['a', '', 'c'],
    part: { name: 'one', port: 80, ready: false },
    parts: [{ port: 0 }, {}],
    labels: { a: 'b', empty: '' },
    time: { seconds: 1_769_860_800, nanos: 5 },
    target: { type: 1, intVal: 0, strVal: 'http' },
    number: -1,
  };
  expect(read(thing)).toEqual({ ...thing, time: new Date('2026-01-31T12:00:00Z'), target: 'http' });
  expect(read({ target: { type: 0, intVal: 8080, strVal: '' } })).toEqual({ target: 8080 });
});

test('what Go leaves out of JSON is left out: empty texts, and the zero time', () => {
  expect(read({ name: '', part: { name: '' }, time: {} })).toEqual({ part: {} });
});

test('what is not in the schema is passed over, whatever its type', () => {
  expect(read({ eight: 7, four: 7, managed: Buffer.alloc(1000, 0xff), name: 'a' })).toEqual({ name: 'a' });
});

test('of a map, the keys that are asked for are read, and what begins with one that ends in a slash', () => {
  const labels = { 'a/': '1', 'a/b': '2', ab: '3', a: '4', 'pod-hash': '5', 'pod-hashes': '6', '': '7', 'a/größer': '8' };
  const schema = messageSchema(['name', 1, 'text'], ['labels', 5, textMap('a/', 'pod-hash')]);
  const { 'a/': one, 'a/b': two, 'pod-hash': five, 'a/größer': eight } = labels;
  const some = { 'a/': one, 'a/b': two, 'pod-hash': five, 'a/größer': eight };
  expect(readMessage(encoded('Thing', { labels, name: 'behind' }), schema)).toEqual({ labels: some, name: 'behind' });
  expect(readMessage(encoded('Thing', { labels: { other: 'x' } }), schema)).toEqual({});
});

test('a word is what a text is, though another one has its hash', () => {
  const schema = messageSchema(['parts', 4, [messageSchema(['name', 1, 'word'])]]);
  const word = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('Aa', 'BB', 'AaAa', 'BBBB', 'AaBB', 'größer', 'gr\u00f6\u00dfer'),
  );
  fc.assert(
    fc.property(
      fc.array(
        word.filter((text) => text !== '' && text.isWellFormed()),
        { maxLength: 20 },
      ),
      (words) => {
        const parts = words.map((name) => ({ name }));
        expect(readMessage(encoded('Thing', { parts }), schema)).toEqual(words.length === 0 ? {} : { parts });
      },
    ),
  );
});

test('a label named __proto__ is a label', () => {
  const { labels } = read({ labels: JSON.parse('{"__proto__":"x"}') }) as { labels: object };
  expect(Object.entries(labels)).toEqual([['__proto__', 'x']]);
  expect(Object.getPrototypeOf(labels)).toBe(Object.prototype);
});

test('an envelope gives its message, and nothing else passes for one', () => {
  const raw = encoded('Thing', { name: 'a' });
  const unknown = encoded('Unknown', { typeMeta: { apiVersion: 'v1', kind: 'Thing' }, raw, contentType: '' });
  expect(readMessage(openEnvelope(Buffer.concat([Buffer.from('k8s\0'), unknown])), THING)).toEqual({ name: 'a' });
  for (const bytes of [Buffer.from('k8s'), Buffer.from('{"kind":"List"}'), Buffer.from('k8s\0')])
    expect(() => openEnvelope(bytes)).toThrow(ProtobufError);
});

test('bytes that are no message are an error of its own, never another one and never endless', () => {
  const whole = encoded('Thing', {
    name: 'abc',
    part: { name: 'x', port: 443 },
    labels: { a: 'b' },
    target: { type: 1, strVal: 'y' },
  });
  for (let length = 0; length < whole.length; length += 1) readOrRefuse(whole.subarray(0, length));
  // A length below zero, which would lead back to where it stands.
  expect(() => readMessage(Buffer.from('0af5ffffffffffffffff01', 'hex'), THING)).toThrow(ProtobufError);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => readOrRefuse(Buffer.from(bytes))),
    { numRuns: 2_000 },
  );
});

function readOrRefuse(bytes: Buffer): void {
  try {
    readMessage(bytes, THING);
  } catch (error) {
    expect(error).toBeInstanceOf(ProtobufError);
  }
}
