/** Two ways to read one object, the quick one and the one that knows all of them: checked with an encoder that is not ours. */
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { expect, test } from 'vitest';
import { readField } from '../../../../src/kubernetes/protobuf.ts';
import { ProtobufError, ProtobufReader } from '../../../../src/kubernetes/protobuf-reader.ts';
import { nameOfObject, project } from '../../../../src/sources/kubernetes/object-store.ts';
import { OBJECT_SCHEMAS } from '../../../../src/sources/kubernetes/protobuf-schemas.ts';
import { WATCHED_RESOURCES } from '../../../../src/sources/kubernetes/resources.ts';
import { readUsual } from '../../../../src/sources/kubernetes/usual-object.ts';
import type { ClusterObject, Projection } from '../../../../src/sources/objects.ts';

const { root } = protobuf.parse(`
  syntax = "proto2";
  message Time { optional int64 seconds = 1; optional int32 nanos = 2; }
  message IntOrString { optional int64 type = 1; optional int32 intVal = 2; optional string strVal = 3; }
  message OwnerReference { optional string kind = 1; optional string name = 3; optional string uid = 4; }
  message ObjectMeta {
    optional string name = 1; optional string generateName = 2; optional string namespace = 3; optional string uid = 5;
    optional Time creationTimestamp = 8; optional Time deletionTimestamp = 9;
    map<string, string> labels = 11; map<string, string> annotations = 12; repeated OwnerReference ownerReferences = 13;
    optional bytes managedFields = 17;
  }
  message ServicePort {
    optional string name = 1; optional string protocol = 2; optional int32 port = 3; optional IntOrString targetPort = 4;
    optional int32 nodePort = 5; optional string appProtocol = 6;
  }
  message ServiceSpec {
    repeated ServicePort ports = 1; map<string, string> selector = 2; optional string clusterIP = 3; optional string type = 4;
    optional string sessionAffinity = 7; repeated string clusterIPs = 18;
  }
  message Service { optional ObjectMeta metadata = 1; optional ServiceSpec spec = 2; }
  message Conditions { optional bool ready = 1; optional bool serving = 2; optional bool terminating = 3; }
  message ObjectReference { optional string kind = 1; optional string namespace = 2; optional string name = 3; optional string uid = 4; }
  message Endpoint {
    repeated string addresses = 1; optional Conditions conditions = 2; optional ObjectReference targetRef = 4;
    optional string nodeName = 6;
  }
  message EndpointPort { optional string name = 1; optional string protocol = 2; optional int32 port = 3; }
  message EndpointSlice {
    optional ObjectMeta metadata = 1; repeated Endpoint endpoints = 2; repeated EndpointPort ports = 3;
    optional string addressType = 4;
  }
  message ServiceList { repeated Service items = 2; }
  message EndpointSliceList { repeated EndpointSlice items = 2; }
`);

type Kind = 'Service' | 'EndpointSlice';

/** The items of a list, by the way that is given. */
function readItems(
  kind: Kind,
  items: readonly object[],
  read: (reader: ProtobufReader) => ClusterObject | Projection,
): unknown[] {
  const bytes = Buffer.from(root.lookupType(`${kind}List`).encode({ items }).finish());
  const reader = new ProtobufReader(bytes);
  const all: unknown[] = [];
  for (let number = reader.next(); number !== 0; number = reader.next()) all.push(read(reader));
  return all;
}

function slowly(kind: Kind, reader: ProtobufReader): Projection {
  const resource = WATCHED_RESOURCES.find((each) => each.kind === kind);
  if (resource === undefined) throw new Error(`nobody watches ${kind}`);
  const item = readField(reader, OBJECT_SCHEMAS[kind]);
  return project(item, nameOfObject(item) ?? 'none', resource);
}

/** As {@link slowly}; `onQuick` is told of those that need not be. */
function quickly(kind: Kind, reader: ProtobufReader, onQuick = (): void => undefined): Projection {
  const object = readUsual(kind, reader);
  if (object === undefined) return slowly(kind, reader);
  onQuick();
  return { objects: [object], problems: [], incomplete: false };
}

/** Mostly the first; now and then one of those that few have. */
function mostly<T, U = T>(usual: fc.Arbitrary<T>, ...others: readonly U[]): fc.Arbitrary<T | U> {
  return fc.oneof({ arbitrary: usual, weight: 60 }, { arbitrary: fc.constantFrom(...others), weight: 1 });
}

const NAME = mostly(fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/), '', 'a.b', '1st', 'Größe', 'a'.repeat(64), '-a');
const IP = mostly(fc.ipV4(), '', 'None', '10.0.0.01', 'FD00::A', 'a name');
const PORT = mostly(fc.integer({ min: 1, max: 65_535 }), 0, -1, 65_536);
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined, freq: 40 });

const META = fc.record({
  name: maybe(NAME),
  namespace: maybe(mostly(fc.constantFrom('shop', 'web'), '', 'Web')),
  uid: fc.constant('5b2f8c1e'),
  creationTimestamp: maybe(fc.record({ seconds: mostly(fc.integer({ min: 0, max: 2 ** 31 }), 2 ** 50, -1) })),
  deletionTimestamp: fc.option(fc.record({ seconds: fc.nat() }), { nil: undefined, freq: 5 }),
  labels: mostly(
    NAME.map((name) => ({ app: 'x', 'kubernetes.io/service-name': name })),
    { app: 'x' },
    { 'kubernetes.io/service-name': 'api', 'detour.dev/preview': 'pr-1' },
    { 'kubernetes.io/service-name': 'api', 'detour.dev/preview': '' },
    { 'detour.dev/else': 'x', 'kubernetes.io/service-name': 'api' },
  ),
  annotations: fc.dictionary(
    fc.constantFrom('detour.dev/host', 'detour.dev/__proto__', 'detour.dev/2', 'detour.dev/1', 'detour.dev/', 'other/host'),
    fc.string(),
    { maxKeys: 4 },
  ),
  ownerReferences: fc.constant([{ kind: 'ReplicaSet', name: 'x', uid: 'y' }]),
  managedFields: fc.constant(Buffer.from('x'.repeat(200))),
});

const SERVICE = fc.record({
  metadata: maybe(META),
  spec: maybe(
    fc.record({
      type: maybe(mostly(fc.constantFrom('ClusterIP', 'NodePort', 'LoadBalancer'), 'ExternalName', 'Other', '')),
      clusterIP: maybe(IP),
      clusterIPs: fc.array(IP, { maxLength: 3 }),
      selector: fc.constant({ app: 'x' }),
      ports: fc.array(
        fc.record({
          name: maybe(NAME),
          protocol: maybe(mostly(fc.constantFrom('TCP', 'UDP', 'SCTP'), 'tcp', '')),
          port: maybe(PORT),
          targetPort: maybe(
            fc.oneof(
              fc.record({ type: fc.constant(0), intVal: PORT }),
              fc.record({ type: fc.constant(1), intVal: fc.constant(0), strVal: NAME }),
            ),
          ),
          nodePort: fc.constant(30_000),
          appProtocol: maybe(fc.constantFrom('http', 'kubernetes.io/h2c', '')),
        }),
        { maxLength: 3 },
      ),
    }),
  ),
});

const SLICE = fc.record({
  metadata: maybe(META),
  addressType: maybe(mostly(fc.constant('IPv4'), 'IPv6', 'FQDN', 'Other', '')),
  ports: fc.array(fc.record({ name: maybe(NAME), protocol: fc.constant('TCP'), port: maybe(PORT) }), { maxLength: 3 }),
  endpoints: fc.array(
    fc.record({
      addresses: fc.array(IP, { minLength: 0, maxLength: 2 }),
      conditions: maybe(
        fc.record({ ready: maybe(fc.boolean()), serving: maybe(fc.boolean()), terminating: maybe(fc.boolean()) }),
      ),
      targetRef: maybe(
        fc.record({
          kind: mostly(fc.constant('Pod'), 'Node', ''),
          namespace: maybe(mostly(fc.constantFrom('shop', 'web'), '')),
          name: maybe(NAME),
          uid: fc.constant('x'),
        }),
      ),
      nodeName: fc.constant('node-1'),
    }),
    { maxLength: 3 },
  ),
});

test.each([
  ['Service', SERVICE],
  ['EndpointSlice', SLICE],
] as const)('the quick way to read a %s gives what the other gives, whatever is in it', (kind, arbitrary) => {
  let [quick, all] = [0, 0];
  const lists = fc.array(arbitrary as fc.Arbitrary<object>, { maxLength: 4 });
  fc.assert(
    fc.property(lists, (items) => {
      all += items.length;
      const read = readItems(kind, items, (reader) =>
        quickly(kind, reader, () => {
          quick += 1;
        }),
      );
      expect(read).toStrictEqual(readItems(kind, items, (reader) => slowly(kind, reader)));
    }),
    { numRuns: 2_000 },
  );
  // Else nothing was compared, or nothing that is seldom.
  expect(quick).toBeGreaterThan(all / 20);
  expect(quick).toBeLessThan(all);
});

const USUAL_META = {
  name: 'api',
  namespace: 'shop',
  creationTimestamp: { seconds: 1_769_860_800 },
  annotations: { 'detour.dev/host': 'a.example.com' },
};

test('what nearly all of a cluster is like is read the quick way', () => {
  const port = { name: 'http', protocol: 'TCP', port: 80, targetPort: { type: 0, intVal: 8080 } };
  const services = [
    {
      metadata: USUAL_META,
      spec: {
        type: 'ClusterIP',
        clusterIP: '10.0.0.1',
        clusterIPs: ['10.0.0.1'],
        ports: [port, { ...port, name: 'admin', port: 81 }],
      },
    },
    { metadata: USUAL_META, spec: { type: 'ClusterIP', clusterIP: 'None', clusterIPs: ['None'], ports: [port] } },
  ];
  const endpoint = {
    addresses: ['10.1.0.1'],
    conditions: { ready: true, serving: true, terminating: false },
    targetRef: { kind: 'Pod', namespace: 'shop', name: 'api-1' },
  };
  const metadata = {
    ...USUAL_META,
    name: 'api-x',
    labels: { 'kubernetes.io/service-name': 'api', 'endpointslice.kubernetes.io/managed-by': 'x' },
  };
  const slices = [
    {
      metadata,
      addressType: 'IPv4',
      endpoints: [endpoint, { ...endpoint, addresses: ['10.1.0.2'] }],
      ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
    },
  ];
  let quick = 0;
  const count = (): void => {
    quick += 1;
  };
  expect(readItems('Service', services, (reader) => quickly('Service', reader, count))).toMatchObject([
    { objects: [{ key: 'shop/api', object: { clusterIPs: ['10.0.0.1'], ports: [{ targetPort: 8080 }, { port: 81 }] } }] },
    { objects: [{ key: 'shop/api', object: { clusterIPs: [] } }] },
  ]);
  expect(readItems('EndpointSlice', slices, (reader) => quickly('EndpointSlice', reader, count))).toMatchObject([
    {
      objects: [
        { key: 'shop/api-x', object: { service: 'shop/api', endpoints: [{ pod: 'shop/api-1' }, { addresses: ['10.1.0.2'] }] } },
      ],
    },
  ]);
  expect(quick).toBe(3);
});

test.each(['Service', 'EndpointSlice'] as const)('half a %s is no object, by either way', (kind) => {
  const item = { metadata: USUAL_META, spec: { clusterIP: '10.0.0.1' }, addressType: 'IPv4' };
  const bytes = Buffer.from(
    root
      .lookupType(`${kind}List`)
      .encode({ items: [item] })
      .finish(),
  );
  for (let length = 1; length < bytes.length; length += 1) {
    const reader = new ProtobufReader(bytes.subarray(0, length));
    expect(() => {
      for (let number = reader.next(); number !== 0; number = reader.next()) quickly(kind, reader);
    }).toThrow(ProtobufError);
  }
});
