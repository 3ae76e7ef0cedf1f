/** Any number of replicas, each with a history of its own, and an Envoy cannot tell them apart. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InterceptEngine, type InterceptSettings } from '../../src/intercepts/engine.ts';
import { DEFAULT_CARRIERS } from '../../src/model/carriers.ts';
import type { ClusterChange } from '../../src/model/cluster-state.ts';
import type { ModelChange } from '../../src/model/intercept.ts';
import type { Proxy } from '../../src/model/proxy.ts';
import { Translator } from '../../src/translate/translate.ts';
import type { Member } from '../../src/xds/audience.ts';
import { decodeDeltaRequest, decodeSotwRequest } from '../../src/xds/codec.ts';
import { type Protocol, Session } from '../../src/xds/session.ts';
import { PUSH_ORDER } from '../../src/xds/type-urls.ts';
import type { View } from '../../src/xds/view.ts';
import { Views } from '../../src/xds/views.ts';
import { deltaResponse, sotwResponse } from '../../src/xds/wire.ts';
import { arbitraryChange } from '../support/arbitrary-cluster.ts';
import { anEndpoint, aPod, aService, aSlice, puts } from '../support/builders.ts';
import { encodeRequest } from '../support/xds/independent.ts';
import { arbitraryWorld, objectsOf } from './arbitrary-world.ts';

const SETTINGS = { carriers: DEFAULT_CARRIERS, lua: '-- a filter' };
const PORTS = { http: 8080, admin: 8081 };
/** Of other pods than the world's own slices. */
const MORE_SLICES = ['api', 'id'].flatMap((name) =>
  [4, 3].map((last) =>
    aSlice({ name: `${name}-more-${last}`, service: `shop/${name}`, endpoints: [anEndpoint({ addresses: [`10.9.0.${last}`] })] }),
  ),
);
const STEP_MS = 7_000;
/** Longer than any linger, and after every `expires`. */
const LATER_MS = 1_000_000;

const local = (port: number) => ({ host: '127.0.0.1', port });
const gateway = {
  role: 'gateway',
  namespace: 'shop',
  name: 'edge',
  listen: local(80),
  previewDomain: undefined,
  corsOrigins: [],
} as const;
const sidecar = {
  role: 'sidecar',
  namespace: 'shop',
  inbound: [{ listen: local(8080), app: local(8081) }],
  outbound: local(15001),
  services: ['web/api'],
} as const;
const PROXIES: readonly Proxy[] = [
  gateway,
  { ...gateway, previewDomain: 'preview.example.com', corsOrigins: ['*'] },
  ...['p1', 'p2', 'api-0', 'own'].map((name) => ({ ...sidecar, name })),
  { ...sidecar, name: 'p1', outbound: undefined },
  { ...sidecar, name: 'p1', inbound: [] },
  { role: 'client', id: 'grpc' },
];

/** An Envoy that accepts all that it gets, and keeps the bytes. */
class Envoy implements Member {
  readonly proxy: Proxy;
  readonly nodeId = 'envoy';
  readonly envoy = 'envoy';
  readonly #protocol: Protocol;
  #session: Session | undefined;

  constructor(proxy: Proxy, protocol: Protocol) {
    this.proxy = proxy;
    this.#protocol = protocol;
  }

  wake(): void {}

  start(view: View): Session {
    this.#session = new Session({
      protocol: this.#protocol,
      isAggregated: true,
      view,
      id: 's',
      now: 0,
      gateMs: 0,
      maxBytes: Infinity,
    });
    return this.#session;
  }

  /** Everything there is for it: by type, the version of the whole and each resource with its version and bytes. */
  everything(): unknown {
    const session = this.#session;
    if (session === undefined) throw new Error('An Envoy joins a view first.');
    const heard = PUSH_ORDER.map(({ type, typeUrl }) => {
      const ask = { type_url: typeUrl, resource_names: ['*'], resource_names_subscribe: ['*'] };
      this.#receive(session, ask);
      const response = session.next(0);
      // Types of which everything is asked for are answered, the others only where there is something.
      if (response === undefined) return [type, undefined];
      const bytes = this.#protocol === 'delta' ? deltaResponse(response) : sotwResponse(response);
      const resources = response.resources.map((resource) => resource.bytes.toString('latin1')).sort();
      const ack = { version_info: response.version, response_nonce: response.nonce };
      this.#receive(session, { ...ask, ...ack, resource_names_subscribe: [] });
      return [type, { version: response.version, removed: response.removed, length: bytes.length, resources }];
    });
    if (session.next(0) !== undefined) throw new Error('There was more to say.');
    return heard;
  }

  /** @param request fields of either kind */
  #receive(session: Session, request: object): void {
    if (this.#protocol === 'delta') session.receiveDelta(decodeDeltaRequest(encodeRequest('DeltaDiscoveryRequest', request)), 0);
    else session.receiveSotw(decodeSotwRequest(encodeRequest('DiscoveryRequest', request)), 0);
  }
}

/** A control plane without its shell. */
class Replica {
  readonly #engine: InterceptEngine;
  readonly #views: Views;
  #isSynced = false;

  constructor(settings: InterceptSettings, now: () => number) {
    this.#engine = new InterceptEngine(settings);
    const translator = new Translator(SETTINGS);
    this.#views = new Views({
      settings: SETTINGS,
      createTranslation: (scope) => translator.scope(scope),
      now,
      idleMs: Infinity,
      defer: () => {},
      onConverged: () => {},
    });
    // Somebody is there from the beginning, so that views have a history.
    for (const proxy of PROXIES) this.#views.join(new Envoy(proxy, 'delta'));
  }

  apply(changes: readonly ClusterChange[], now: number): void {
    this.#publish(this.#engine.apply(changes, now));
  }

  tick(now: number): void {
    this.#publish(this.#engine.tick(now));
  }

  #publish(change: ModelChange): void {
    this.#views.publish(this.#engine.model, this.#isSynced ? change : undefined);
    this.#isSynced = true;
  }

  /** What every kind of Envoy gets that connects now. */
  everything(): readonly unknown[] {
    return PROXIES.flatMap((proxy) =>
      (['delta', 'sotw'] as const).map((protocol) => {
        const envoy = new Envoy(proxy, protocol);
        this.#views.join(envoy);
        const heard = envoy.everything();
        this.#views.leave(envoy);
        return { proxy, protocol, heard };
      }),
    );
  }
}

/** A number that looks random, made of two. */
function hash(index: number, seed: number): number {
  return Math.imul(Math.imul(index + 1, 0x9e3779b1) ^ seed, 0x85ebca6b) >>> 0;
}

/** As three watches would bring them: the order for one object holds, all others do not. */
function interleaved(changes: readonly ClusterChange[], seed: number): readonly ClusterChange[] {
  const queues = [...Map.groupBy(changes, ({ kind, key }) => `${kind} ${key}`).values()];
  const result: ClusterChange[] = [];
  for (let index = 0; result.length < changes.length; index += 1) {
    const queue = queues[hash(index, seed) % queues.length];
    const next = queue?.shift();
    if (next !== undefined) result.push(next);
  }
  return result;
}

/** What a list says after all of them, in any order. */
function listed(changes: readonly ClusterChange[], seed: number): readonly ClusterChange[] {
  const last = new Map(changes.map((change) => [`${change.kind} ${change.key}`, change]));
  return [...last.values()]
    .filter(({ object }) => object !== undefined)
    .map((change, index) => ({ change, rank: hash(index, seed) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ change }) => change);
}

function inBatches(changes: readonly ClusterChange[], seed: number): readonly (readonly ClusterChange[])[] {
  return [...Map.groupBy(changes, (_, index) => Math.floor(index / (1 + (seed % 4)))).values()];
}

/** First a cluster full of previews, in which every Service has several pods, then what happens to it. */
const history = fc
  .tuple(arbitraryWorld, fc.array(fc.array(arbitraryChange, { minLength: 1, maxLength: 8 }), { maxLength: 4 }))
  .map(([world, steps]) => [puts(...objectsOf(world, PORTS), ...MORE_SLICES), ...steps]);

describe('replicas', () => {
  it('are compared by what is there: an ordinary preview is in what every kind of Envoy gets', () => {
    const replica = new Replica({}, () => 0);
    replica.apply(
      puts(
        aService({ annotations: { host: 'shop.example.com' } }),
        aSlice({ endpoints: [anEndpoint({ pod: 'shop/p1' })] }),
        aPod(),
      ),
      0,
    );
    const heard = replica.everything().map((each) => JSON.stringify(each));
    expect(heard.map((each) => each.includes('pr-42'))).toEqual(heard.map(() => true));
  });

  it('give every Envoy the same bytes and versions, whatever order the same changes came in, and whenever they were started', () => {
    fc.assert(
      fc.property(history, fc.nat(), fc.nat(4), (steps, seed, restartAt) => {
        let now = 0;
        const first = new Replica({ lingerMs: 0 }, () => now);
        const second = new Replica({ lingerMs: 0 }, () => now);
        let third = new Replica({ lingerMs: 0 }, () => now);
        const seen: ClusterChange[] = [];
        for (const [index, step] of steps.entries()) {
          now = index * STEP_MS;
          seen.push(...step);
          first.apply(step, now);
          for (const batch of inBatches(interleaved(step, seed), seed)) second.apply(batch, now);
          if (index === restartAt) {
            third = new Replica({ lingerMs: 0 }, () => now);
            third.apply(listed(seen, seed), now);
          } else third.apply(step, now);
          const expected = first.everything();
          expect(second.everything(), 'in another order').toEqual(expected);
          expect(third.everything(), 'restarted').toEqual(expected);
        }
      }),
      { numRuns: 60 },
    );
  }, 120_000);

  it('are alike again once a linger is over that one of them saw begin and another did not', () => {
    fc.assert(
      fc.property(history, fc.nat(), (steps, seed) => {
        let now = 0;
        const old = new Replica({}, () => now);
        for (const [index, step] of steps.entries()) {
          now = index * STEP_MS;
          old.apply(step, now);
        }
        const young = new Replica({}, () => now);
        young.apply(listed(steps.flat(), seed), now);
        now += LATER_MS;
        for (const replica of [old, young]) replica.tick(now);
        expect(young.everything()).toEqual(old.everything());
      }),
      { numRuns: 40 },
    );
  }, 120_000);
});
