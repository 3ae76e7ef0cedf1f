/** The direct encoder against protobufjs: the same bytes for all that it takes on, and nothing that protobufjs refuses. */
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import protojson from 'protobufjs/ext/protojson.js';
import protobuf from 'protobufjs/light.js';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { constant } from '../../../src/model/constant.ts';
import { ByteWriter } from '../../../src/xds/byte-writer.ts';
import { encodeMessage } from '../../../src/xds/codec.ts';
import { writeDirectly } from '../../../src/xds/direct-encoder.ts';
import { MessageSchemas } from '../../../src/xds/message-schemas.ts';
import { PUSH_ORDER } from '../../../src/xds/type-urls.ts';

const descriptor = readFileSync(new URL('../../../src/generated/envoy.json', import.meta.url), 'utf8');
const root = protobuf.Root.fromJSON(JSON.parse(descriptor) as protobuf.INamespace);
root.resolveAll();
const schemas = new MessageSchemas(root);

/** undefined: it is left to protobufjs. */
function direct(name: string, message: unknown): string | undefined {
  const writer = new ByteWriter();
  return writeDirectly(writer, schemas.of(root.lookupType(name)), message) ? writer.written.toString('hex') : undefined;
}

function byProtobufjs(name: string, message: unknown): string {
  const type = root.lookupType(name);
  return Buffer.from(type.encode(protojson.fromJson(type, message)).finish()).toString('hex');
}

const CLUSTER = 'envoy.config.cluster.v3.Cluster';
const ROUTES = 'envoy.config.route.v3.RouteConfiguration';
const ROUTER = 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router';
const ANY = 'google.protobuf.Any';

const TAKEN: Readonly<Record<string, readonly [name: string, message: object]>> = {
  'fields in another order than their numbers': [CLUSTER, { connect_timeout: '1.5s', type: 'EDS', name: 'api' }],
  'wrappers and durations': [CLUSTER, { circuit_breakers: { thresholds: [{ max_retries: 0, max_requests: 4294967295 }] } }],
  'what is the same as nothing': [CLUSTER, { name: '', type: 'STATIC', respect_dns_ttl: false }],
  'zero in a oneof': ['envoy.config.core.v3.SocketAddress', { address: '::1', port_value: 0 }],
  'a struct within a map': [CLUSTER, { metadata: { filter_metadata: { b: { x: [1, 'ä', true, { y: -0.5 }] }, a: {} } } }],
  'an Any with nothing in it': [ANY, { '@type': ROUTER }],
  'an Any with something in it': [ANY, { '@type': ROUTER, suppress_envoy_headers: true }],
  'messages of more than 127, 16,383 and 2,097,151 bytes': [
    ROUTES,
    { name: 'a', virtual_hosts: [200, 20_000, 2_200_000].map((size) => ({ name: '€'.repeat(size / 2), domains: ['b'] })) },
  ],
  'integers of 64 bits': [
    'envoy.config.route.v3.RetryPolicy',
    { host_selection_retry_max_attempts: Number.MAX_SAFE_INTEGER, retry_on: 'reset' },
  ],
};

const LEFT: Readonly<Record<string, readonly [name: string, message: unknown]>> = {
  'an unknown field': [CLUSTER, { nome: 'api' }],
  'a name from the prototype': [CLUSTER, { constructor: 'api' }],
  'two members of a oneof': ['envoy.config.route.v3.RouteMatch', { prefix: '/', path: '/a' }],
  'an unknown value of an enum': [CLUSTER, { type: 'toString' }],
  'a number that is too large': ['envoy.config.core.v3.SocketAddress', { port_value: 4294967296 }],
  'half a character': [CLUSTER, { name: 'a\ud800' }],
  'half a character in a long text': [CLUSTER, { name: `${'a'.repeat(100)}\udc00` }],
  'a bad duration': [CLUSTER, { connect_timeout: '1m' }],
  'null in a list': [CLUSTER, { filters: [null] }],
  'a list in place of a message': [CLUSTER, { metadata: [] }],
  'an Any of an unknown type': [ANY, { '@type': 'type.googleapis.com/no.such.Type' }],
  'no message': [CLUSTER, 'api'],
};

describe('the direct encoder', () => {
  it.each(Object.entries(TAKEN))('gives the bytes that protobufjs gives: %s', (_, [name, message]) => {
    // protobufjs writes maps as they were filled.
    const sorted =
      message === TAKEN['a struct within a map']?.[1]
        ? { metadata: { filter_metadata: { a: {}, b: { x: [1, 'ä', true, { y: -0.5 }] } } } }
        : message;
    expect(direct(name, message)).toBe(byProtobufjs(name, sorted));
  });

  it.each(Object.entries(LEFT))('leaves to protobufjs what that refuses: %s', (_, [name, message]) => {
    expect(() => byProtobufjs(name, message)).toThrow();
    expect(direct(name, message)).toBeUndefined();
  });

  it('gives the bytes that protobufjs gives, for any texts and numbers', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 80 });
    const key = fc.stringMatching(/^[a-z][a-z0-9-]{0,30}$/);
    const message = fc.record({
      name: text,
      virtual_hosts: fc.array(
        fc.record({ name: text, domains: fc.array(text), request_headers_to_remove: fc.array(text) }, { requiredKeys: [] }),
      ),
      max_direct_response_body_size_bytes: fc.nat(2 ** 31),
      metadata: fc
        .dictionary(key, fc.oneof(text, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean()))
        .map((free) => ({
          filter_metadata: { only: Object.fromEntries(Object.entries(free).sort(([a], [b]) => (a < b ? -1 : 1))) },
        })),
    });
    fc.assert(
      fc.property(message, (each) => {
        expect(direct(ROUTES, each)).toBe(byProtobufjs(ROUTES, each));
      }),
    );
  });

  it('gives constants the bytes that they have, wherever they stand and however often', () => {
    const plain = {
      endpoint: { prefix: '/', headers: [{ name: 'a', present_match: true }] },
      body: { inline_string: 'x'.repeat(200) },
      struct: { filter_metadata: { b: { y: [1, { z: true }] } } },
      any: { '@type': ROUTER, suppress_envoy_headers: true },
    };
    const { endpoint, body, struct, any } = constant(structuredClone(plain));
    const message = (parts: typeof plain, names: readonly string[]): object => ({
      virtual_hosts: names.map((name) => ({
        name,
        routes: [
          { match: parts.endpoint, direct_response: { status: 200, body: parts.body }, metadata: parts.struct },
          { match: parts.endpoint, typed_per_filter_config: { a: parts.any } },
        ],
        metadata: parts.struct,
        typed_per_filter_config: { b: parts.any },
      })),
    });
    for (const names of [['a'], ['a', 'b', 'c']])
      expect(direct(ROUTES, message({ endpoint, body, struct, any }, names))).toBe(byProtobufjs(ROUTES, message(plain, names)));
    const wrong = constant({ nome: 'a' });
    for (let time = 0; time < 2; time += 1) expect(direct(ROUTES, { virtual_hosts: [wrong] })).toBeUndefined();
  });

  it('takes on every resource of the golden cases', () => {
    const golden = new URL('../../golden/', import.meta.url);
    const folders = readdirSync(golden, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    for (const { name } of folders) {
      const sections = parse(readFileSync(new URL(`${name}/resources.yaml`, golden), 'utf8')) as Record<string, object[]>;
      for (const { type, typeUrl } of PUSH_ORDER) {
        for (const message of sections[type] ?? []) {
          const any = { '@type': typeUrl, ...message };
          expect(direct(ANY, any), `${name}: ${JSON.stringify(message)}`).toBe(
            Buffer.from(encodeMessage(ANY, any)).toString('hex'),
          );
        }
      }
    }
  });
});
