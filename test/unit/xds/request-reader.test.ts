/** Requests that an independent implementation of protobuf has written are read as they were meant. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readDeltaRequest, readSotwRequest } from '../../../src/xds/request-reader.ts';
import { encodeRequest } from '../../support/xds/independent.ts';

const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 30 }), fc.string({ minLength: 120, maxLength: 140 }));
const texts = fc.array(text, { maxLength: 8 });

describe('the reader of requests', () => {
  it('reads every field of a DeltaDiscoveryRequest', () => {
    fc.assert(
      fc.property(text, text, texts, texts, fc.dictionary(text, text), (typeUrl, nonce, subscribe, unsubscribe, versions) => {
        const bytes = encodeRequest('DeltaDiscoveryRequest', {
          node: { id: 'n' },
          type_url: typeUrl,
          response_nonce: nonce,
          resource_names_subscribe: subscribe,
          resource_names_unsubscribe: unsubscribe,
          initial_resource_versions: versions,
          error_detail: { code: 3 },
        });
        const { subscribe: asked, unsubscribe: left, initialVersions, ...read } = readDeltaRequest(bytes);
        expect([...asked]).toEqual(subscribe);
        expect([...left]).toEqual(unsubscribe);
        expect(new Map(initialVersions)).toEqual(new Map(Object.entries(versions)));
        expect(read).toEqual({
          ...{ typeUrl, nonce },
          ...{ node: Buffer.from([0x0a, 1, 0x6e]), error: Buffer.from([0x08, 3]) },
        });
      }),
    );
  });

  it('reads every field of a DiscoveryRequest', () => {
    fc.assert(
      fc.property(text, text, text, texts, (typeUrl, nonce, version, names) => {
        const fields = { type_url: typeUrl, response_nonce: nonce, version_info: version, resource_names: names };
        const { names: asked, ...read } = readSotwRequest(encodeRequest('DiscoveryRequest', fields));
        expect([...asked]).toEqual(names);
        expect(read).toEqual({ typeUrl, nonce, version, node: undefined, error: undefined });
      }),
    );
  });

  it('reads fields that are not in their order, and names of both kinds that take turns', () => {
    const one = (field: number, ...texts: string[]): Buffer =>
      Buffer.concat(texts.flatMap((each) => [Buffer.from([field * 8 + 2, Buffer.byteLength(each)]), Buffer.from(each)]));
    const entries = ['\x12\x012\x0a\x01b', '\x12\x01x\x12\x013\x0a\x01c', '\x0a\x01d', '\x12\x014', '\x18\x07\x0a\x01e\x12\x015'];
    const parts = [
      one(3, 'a', '*'),
      one(4, 'c'),
      one(3, 'b'),
      one(5, '\x0a\x01a\x12\x011', ...entries),
      one(2, 't'),
      one(3, 'é'),
    ];
    const { subscribe, unsubscribe, initialVersions, typeUrl } = readDeltaRequest(Buffer.concat(parts));
    expect([...subscribe]).toEqual(['a', '*', 'b', 'é']);
    expect([...unsubscribe]).toEqual(['c']);
    expect([subscribe.hasWildcard, unsubscribe.hasWildcard, subscribe.length, subscribe.longest]).toEqual([true, false, 4, 2]);
    expect(new Map(initialVersions)).toEqual(new Map(Object.entries({ a: '1', b: '2', c: '3', d: '', '': '4', e: '5' })));
    expect([initialVersions.size, typeUrl]).toEqual([6, 't']);
  });

  it('passes over fields that it does not know, of every wire type', () => {
    const unknown = [0x78, 0xff, 0x01, 0x79, ...Array(8).fill(1), 0x7a, 2, 9, 9, 0x7d, ...Array(4).fill(1)];
    expect(readDeltaRequest(Uint8Array.from([...unknown, 0x12, 1, 0x74])).typeUrl).toBe('t');
  });

  it.each([
    ['ends within a length', [0x12]],
    ['ends within a text', [0x12, 5, 0x61]],
    ['ends within an entry', [0x2a, 3, 0x0a, 9, 0x61]],
    ['has a group', [0x13]],
    ['has the field 0', [0x02, 0]],
    ['has an endless number', [0x78, ...Array(12).fill(0x80)]],
    ['is not UTF-8', [0x12, 1, 0xff]],
    ['has a name that is not UTF-8', [0x1a, 1, 0x61, 0x1a, 1, 0xff]],
    ['has a key that is not UTF-8', [0x2a, 3, 0x0a, 1, 0xff]],
    ['has a version that is not UTF-8', [0x2a, 6, 0x0a, 1, 0x61, 0x12, 1, 0xff]],
    ['ends within an entry that is as usual but for its end', [0x2a, 5, 0x0a, 1, 0x61, 0x12, 1, 0x61]],
  ])('refuses a message that %s', (_, bytes) => {
    expect(() => readDeltaRequest(Uint8Array.from(bytes))).toThrow();
  });

  it('never throws anything but an Error, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        for (const read of [readDeltaRequest, readSotwRequest]) {
          try {
            read(bytes);
          } catch (error) {
            expect((error as Error).constructor).toBe(Error);
          }
        }
      }),
    );
  });
});
