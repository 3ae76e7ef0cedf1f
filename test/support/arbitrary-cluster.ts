/** Small clusters in which everything gets in everything's way: few names, many claims on them. */
import * as fc from 'fast-check';
import type { ClusterChange, EndpointSlice, Pod, Service } from '../../src/model/cluster-state.ts';
import { objectKey } from '../../src/model/names.ts';
import { anEndpoint, aPod, aPort, aService, aSlice, puts, removal } from './builders.ts';

const namespace = fc.constantFrom('shop', 'shop', 'shop', 'web');
const serviceName = fc.constantFrom('api', 'api', 'api', 'id', 'front');
const POD_NAMES = ['p1', 'p2', 'p3', 'p4'] as const;
const podName = fc.constantFrom(...POD_NAMES);
/** Every pod that there can be. */
export const POD_KEYS = ['shop', 'web'].flatMap((each) => POD_NAMES.map((name) => objectKey(each, name)));
const label = fc.constantFrom(...Array(6).fill('pr-1'), 'pr-2', 'pr-2', 'pr-3', 'Not_A_Key');
const age = fc.integer({ min: 0, max: 3 });

const ports = fc.constantFrom(
  [aPort()],
  [aPort()],
  [aPort({ name: '', appProtocol: 'grpc' })],
  [aPort({ targetPort: 'web' })],
  [aPort(), aPort({ name: 'admin', port: 81, targetPort: 9000 })],
  [aPort({ name: 'redis', port: 6379, targetPort: 6379 })],
  [],
);

/** A few of these, each with one of its values. */
function annotations(values: Readonly<Record<string, readonly string[]>>, absent = 3): fc.Arbitrary<Record<string, string>> {
  const each = Object.entries(values).map(([name, texts]) => {
    const entry = fc.constantFrom(...texts).map((text) => [name, text] as const);
    return fc.oneof({ weight: absent, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: entry });
  });
  return fc.tuple(...each).map((entries) => Object.fromEntries(entries.filter((entry) => entry !== null)));
}

const previewAnnotations = fc
  .tuple(
    fc.oneof(
      { weight: 3, arbitrary: fc.constant('api') },
      {
        weight: 2,
        arbitrary: fc.constantFrom('id', 'api, id', 'api:http', 'api:81', 'api=9000', 'api.shop', 'front', 'nowhere', 'a/b', ''),
      },
    ),
    annotations({ match: ['x-user=alice', 'x-user^=al', 'x-user^=alic', 'x-user=alice, x-team=red'] }, 1),
    annotations(
      {
        match: ['x-user=bob; baggage[user]=alice', 'x-user', '~~'],
        'when-unavailable': ['fail'],
        mode: ['mirror', 'mirror', 'mirror', 'steal'],
        percent: ['10'],
        expires: ['1970-01-01T00:00:10Z', '1970-01-01T00:01:00Z', 'soon'],
      },
      7,
    ),
  )
  .map(([intercept, match, others]) => ({ ...match, ...others, intercept }));

const baselineAnnotations = fc
  .tuple(
    annotations(
      {
        host: [
          'shop.example.com',
          'shop.example.com/a, www.example.com',
          'shop.example.com/a',
          'example.com',
          'pr-1--shop.example.com',
          '-',
        ],
      },
      1,
    ),
    annotations(
      {
        'allow-from': ['*', 'none', 'shop'],
        'allow-match': ['none', '*', 'x-team'],
        'allow-modes': ['route', 'mirror, percent'],
      },
      5,
    ),
  )
  .map(([host, policy]) => ({ ...host, ...policy }));

const service: fc.Arbitrary<Service> = fc
  .record({
    namespace,
    name: serviceName,
    createdAt: age,
    ports,
    own: baselineAnnotations,
    isPreview: fc.nat(5),
    preview: previewAnnotations,
    label,
    external: fc.nat(9),
  })
  .map(({ own, isPreview, preview, label, external, ...fields }) =>
    aService({
      ...fields,
      type: external === 0 ? 'ExternalName' : 'ClusterIP',
      previewLabel: isPreview === 0 ? label : '',
      annotations: isPreview === 0 ? { ...own, ...preview } : own,
    }),
  );

const endpoint = fc
  .record({
    address: fc.nat(4).map((last) => `10.0.0.${last}`),
    use: fc.constantFrom('ready', 'ready', 'draining', 'none'),
    pod: fc.option(fc.tuple(namespace, podName)),
  })
  .map(({ address, use, pod }) =>
    anEndpoint({
      addresses: [address],
      ready: use === 'ready',
      serving: use !== 'none',
      terminating: use === 'draining',
      pod: pod === null ? undefined : objectKey(...pod),
    }),
  );

const slice: fc.Arbitrary<EndpointSlice> = fc
  .record({
    namespace,
    name: serviceName,
    which: fc.nat(1),
    endpoints: fc.array(endpoint, { maxLength: 3 }),
    admin: fc.boolean(),
  })
  .map(({ namespace, name, which, endpoints, admin }) =>
    aSlice({
      namespace,
      name: `${name}-${which}`,
      // A slice may move to another Service: its label is an ordinary label.
      service: objectKey(namespace, which === 1 && admin ? 'api' : name),
      addressType: which === 0 ? 'IPv4' : 'IPv6',
      ports: [{ name: 'http', port: 8080 }, ...(admin ? [{ name: 'admin', port: 9000 }] : [])],
      endpoints: endpoints.map((each) => (which === 0 ? each : { ...each, addresses: [`fd00::${each.addresses[0]?.at(-1)}`] })),
    }),
  );

const pod: fc.Arbitrary<Pod> = fc
  .record({
    namespace,
    name: podName,
    createdAt: age,
    previewLabel: label,
    annotations: previewAnnotations,
    controller: fc.constantFrom({ kind: 'Deployment', name: 'a' }, { kind: 'Deployment', name: 'b' }, { kind: 'Job', name: 'a' }),
    ips: fc.constantFrom(['10.0.1.1'], ['fd00::1', '10.0.1.2'], []),
    ready: fc.boolean(),
    leaving: fc.nat(4).map((one) => one === 0),
    ports: fc.constantFrom({}, { web: 8080 }),
  })
  .map((fields) => aPod(fields));

/** Adds, changes and removals of whatever has that name. */
export const arbitraryChange: fc.Arbitrary<ClusterChange> = fc
  .tuple(fc.oneof(service, slice, pod, pod), fc.nat(5))
  .chain(([object, remove]) => {
    const [change] = puts(object);
    if (change === undefined) throw new Error('one object is one change');
    return fc.constant(remove === 0 ? removal(change.kind, change.key) : change);
  });
