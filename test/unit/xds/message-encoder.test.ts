/** The encoder against protobufjs: the same bytes, and the same refusals. */
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { constant } from '../../../src/model/constant.ts';
import { ByteWriter } from '../../../src/xds/byte-writer.ts';
import { Descriptor } from '../../../src/xds/descriptor.ts';
import { writeMessage } from '../../../src/xds/message-encoder.ts';
import { MessageSchemas } from '../../../src/xds/message-schemas.ts';
import { PUSH_ORDER } from '../../../src/xds/type-urls.ts';
import { anyMessage } from '../../support/xds/any-message.ts';
import { byProtobufjs, root } from '../../support/xds/by-protobufjs.ts';

const descriptor = Descriptor.read();
const schemas = new MessageSchemas(descriptor);

function encoded(name: string, message: unknown): string {
  const writer = new ByteWriter();
  writeMessage(writer, schemas.of(name), message);
  return writer.written.toString('hex');
}

function expected(name: string, message: unknown): string {
  return byProtobufjs(name, message).toString('hex');
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
  'an Any of a well-known type': [ANY, { '@type': 'type.googleapis.com/google.protobuf.StringValue', value: 'a' }],
  'null, which is nothing': [CLUSTER, { name: null, connect_timeout: null, filters: null, type: 'EDS' }],
  'null, which is a value': [CLUSTER, { metadata: { filter_metadata: { a: { x: null, y: [null] } } } }],
  'numbers of a list': ['envoy.config.route.v3.RetryPolicy', { retriable_status_codes: [503, 0, 200], retry_on: 'reset' }],
  times: ['envoy.admin.v3.UpdateFailureState', { last_update_attempt: '2026-11-22T17:00:00.250Z', details: 'no' }],
  bytes: ['envoy.config.core.v3.DataSource', { inline_bytes: '/+8=' }],
  'integers of 64 bits': [
    'envoy.config.route.v3.RetryPolicy',
    { host_selection_retry_max_attempts: Number.MAX_SAFE_INTEGER, retry_on: 'reset' },
  ],
};

const REFUSED: Readonly<Record<string, readonly [name: string, message: unknown]>> = {
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
  'a date that there is not': ['envoy.admin.v3.UpdateFailureState', { last_update_attempt: '2026-13-01T00:00:00Z' }],
  'a text for a boolean': [CLUSTER, { respect_dns_ttl: 'true' }],
  'a fraction for an integer': ['envoy.config.core.v3.SocketAddress', { port_value: 0.5 }],
  'what is no number': [CLUSTER, { metadata: { filter_metadata: { a: { x: Number.NaN } } } }],
};

describe('the encoder', () => {
  it.each(Object.entries(TAKEN))('gives the bytes that protobufjs gives: %s', (_, [name, message]) => {
    expect(encoded(name, message)).toBe(expected(name, message));
  });

  it.each(Object.entries(REFUSED))('refuses what protobufjs refuses: %s', (_, [name, message]) => {
    expect(() => expected(name, message)).toThrow();
    expect(() => encoded(name, message)).toThrow();
  });

  it('says which message and field do not fit, and with what', () => {
    const route = (match: object): object => ({ virtual_hosts: [{ routes: [{ match }] }] });
    expect(() => encoded(ROUTES, route({ prefixx: '/' }))).toThrow('envoy.config.route.v3.RouteMatch has no field "prefixx"');
    expect(() => encoded(ROUTES, route({ prefix: 1 }))).toThrow('envoy.config.route.v3.RouteMatch.prefix cannot be 1');
    expect(() => encoded(ROUTES, route({ prefix: '/', path: '/' }))).toThrow(/RouteMatch.path: .* oneof path_specifier/);
    expect(() => encoded(CLUSTER, { connect_timeout: '1m' })).toThrow('a google.protobuf.Duration cannot be "1m"');
    expect(() => encoded(CLUSTER, { type: 'EDDS' })).toThrow('envoy.config.cluster.v3.Cluster.type cannot be "EDDS"');
    expect(() => encoded('envoy.Nothing', {})).toThrow('there is no message envoy.Nothing');
  });

  it('knows every field of the descriptor', () => {
    const names = descriptor.messages().filter((name) => schemas.of(name).kind === 'message');
    expect(names.length).toBeGreaterThan(300);
    for (const name of names)
      for (const field of Object.keys(descriptor.message(name)?.fields ?? {}))
        expect(schemas.of(name).field(field)?.name, name).toBe(field);
  });

  it('gives the bytes that protobufjs gives, for any message of any type', () => {
    const types = descriptor.messages().map((name) => root.lookupType(name));
    const message = fc.constantFrom(...types).chain((type) => fc.tuple(fc.constant(type.fullName.slice(1)), anyMessage(type, 3)));
    fc.assert(
      fc.property(message, ([name, each]) => {
        expect(encoded(name, each)).toBe(expected(name, each));
      }),
      { numRuns: 3_000 },
    );
  });

  it('does not go deeper than readers of protobuf do', () => {
    const nested = (depth: number): object => (depth === 0 ? {} : { a: nested(depth - 1) });
    expect(() => encoded(CLUSTER, { metadata: { filter_metadata: { a: nested(40) } } })).not.toThrow();
    expect(() => encoded(CLUSTER, { metadata: { filter_metadata: { a: nested(1_000) } } })).toThrow(/more than 100 deep/);
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
      expect(encoded(ROUTES, message({ endpoint, body, struct, any }, names))).toBe(expected(ROUTES, message(plain, names)));
    const wrong = constant({ nome: 'a' });
    for (let time = 0; time < 2; time += 1) expect(() => encoded(ROUTES, { virtual_hosts: [wrong] })).toThrow(/nome/);
  });

  it('gives the bytes that protobufjs gives, for every resource of the golden cases', () => {
    const golden = new URL('../../golden/', import.meta.url);
    const folders = readdirSync(golden, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    for (const { name } of folders) {
      const sections = parse(readFileSync(new URL(`${name}/resources.yaml`, golden), 'utf8')) as Record<string, object[]>;
      for (const { type, typeUrl } of PUSH_ORDER) {
        for (const message of sections[type] ?? []) {
          const any = { '@type': typeUrl, ...message };
          expect(encoded(ANY, any), `${name}: ${JSON.stringify(message)}`).toBe(expected(ANY, any));
        }
      }
    }
  });
});
