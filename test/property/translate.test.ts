/** Whatever the cluster: a change at a time gives what starting afresh gives, and it is a whole that Envoy takes. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RouteConfiguration } from '../../src/generated/envoy.d.ts';
import { InterceptEngine } from '../../src/intercepts/engine.ts';
import { DEFAULT_CARRIERS } from '../../src/model/carriers.ts';
import type { InterceptModel, ModelChange } from '../../src/model/intercept.ts';
import type { InterceptId, ObjectKey } from '../../src/model/names.ts';
import type { Scope } from '../../src/model/proxy.ts';
import { sameData } from '../../src/model/same-data.ts';
import type { EnvoyResource, ResourceChange } from '../../src/translate/resource.ts';
import { typesOf } from '../../src/translate/scope.ts';
import { Translator } from '../../src/translate/translate.ts';
import { encodeResource, withEncodedResource } from '../../src/xds/codec.ts';
import { arbitraryChange } from '../support/arbitrary-cluster.ts';
import { validateConfig } from '../support/envoy.ts';
import { staticConfig } from '../support/static-config.ts';

const SETTINGS = { carriers: DEFAULT_CARRIERS, lua: '' };
const listen = { host: '127.0.0.1', port: 15080 };
const gateway = { kind: 'gateway', namespace: 'shop', listen, previewDomain: undefined, corsOrigins: [] } as const;
const services = (['shop/api', 'shop/id', 'web/api'] as const).flatMap((service) => [80, 81].map((port) => ({ service, port })));
const sidecar = {
  kind: 'sidecar',
  namespace: 'shop',
  inbound: [{ listen, app: { host: '127.0.0.1', port: 8080 }, services }],
  outbound: { host: '127.0.0.1', port: 15001 },
  services: ['web/api'],
  previews: [],
  inBaselineOf: ['shop/id'],
} as const;
const captured = {
  kind: 'sidecar',
  namespace: 'shop',
  // One of the ports is an HTTP port of Services, too.
  inbound: [80, 8080].map((port) => ({ listen: { host: '0.0.0.0', port }, app: { host: '192.0.2.1', port }, services })),
  outbound: undefined,
  services: [],
  capture: ['ipv4', 'ipv6'],
} as const;
/** There as long as their scope is. */
const LASTING = /^app\/|^original-destination$/;
const SCOPES: Readonly<Record<string, Scope>> = {
  gateway,
  domain: { ...gateway, previewDomain: 'preview.example.com' },
  sidecar,
  'sidecar inbound': {
    ...sidecar,
    inbound: sidecar.inbound.map((inbound) => ({ ...inbound, services: [{ service: 'shop/id', port: 80 }] })),
    outbound: undefined,
    services: [],
  },
  captured: { ...captured, previews: [], inBaselineOf: ['shop/id'] },
  'captured elsewhere': { ...captured, namespace: 'web', inbound: [], previews: [], inBaselineOf: [] },
  client: { kind: 'client' },
};

type World = Map<string, EnvoyResource>;

function apply(world: World, changes: readonly ResourceChange[]): World {
  for (const { type, name, resource } of changes) {
    if (resource === undefined) world.delete(`${type} ${name}`);
    else world.set(`${type} ${name}`, resource);
  }
  return world;
}

function fresh(scope: Scope, model: InterceptModel, excluded: ReadonlySet<InterceptId>): World {
  return apply(new Map(), new Translator(SETTINGS).scope(scope).update(model, undefined, excluded));
}

function plain(world: World): unknown {
  const inOrder = [...world].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(inOrder.map(([id, resource]) => [id, whole(resource)]));
}

/** With its message, which may be made only now. */
function whole(resource: EnvoyResource | undefined): unknown {
  return resource && { ...resource, message: resource.message };
}

/** Everything that is named is there, and nothing else is. */
function expectWhole(world: World): void {
  const named = new Set([...world.values()].flatMap((resource) => resource.clusters));
  for (const [id, resource] of world) {
    const kept = resource.type === 'cluster' && !LASTING.test(resource.name) && !named.has(resource.name);
    expect(kept, `${id} is there for nobody`).toBe(false);
    if (resource.shorthand !== undefined) {
      const bytes = withEncodedResource(resource.type, resource.shorthand, (each) => Buffer.from(each).toString('hex'));
      expect(bytes, `${id} is encoded as something else`).toBe(
        Buffer.from(encodeResource(resource.type, resource.message)).toString('hex'),
      );
    }
    if (resource.endpointsName !== undefined) expect(world.has(`endpoints ${resource.endpointsName}`)).toBe(true);
    if (resource.type === 'endpoints') expect(world.has(`cluster ${resource.name}`)).toBe(true);
    if (resource.type === 'route') {
      const hosts = (resource.message as RouteConfiguration).virtual_hosts ?? []; // its type says so
      const domains = hosts.flatMap((host) => host.domains ?? []);
      expect(new Set(domains).size, `${id} says a domain twice`).toBe(domains.length);
    }
  }
  for (const name of named) expect(world.has(`cluster ${name}`), `cluster ${name} is missing`).toBe(true);
}

const step = fc.record({
  changes: fc.array(arbitraryChange, { minLength: 1, maxLength: 6 }),
  seconds: fc.nat(20),
  /** Which of the intercepts are excluded from then on, by place. */
  excluded: fc.oneof(
    { weight: 3, arbitrary: fc.constant<number[]>([]) },
    { weight: 1, arbitrary: fc.array(fc.nat(4), { maxLength: 2 }) },
  ),
});

/** As the views do: Services whose exclusion changed are changed. */
function withExclusion(
  engine: InterceptEngine,
  change: ModelChange,
  before: ReadonlySet<InterceptId>,
  after: ReadonlySet<InterceptId>,
): ModelChange {
  const moved = [...engine.intercepts()].filter(({ id }) => before.has(id) !== after.has(id));
  const touched = moved.map(({ target }) => target.slice(0, target.lastIndexOf(':')) as ObjectKey); // what stands before the port
  return { ...change, services: new Set([...change.services, ...touched]) };
}

describe('translation', () => {
  test('a change at a time comes to what starting afresh does, for every kind of scope', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) => {
        const engine = new InterceptEngine();
        const translator = new Translator(SETTINGS);
        const worlds = Object.values(SCOPES).map((scope) => ({ scope, translation: translator.scope(scope), world: new Map() }));
        let now = 0;
        let excluded: ReadonlySet<InterceptId> = new Set();
        let first = true;
        for (const { changes, seconds, excluded: places } of steps) {
          now += seconds * 1000;
          const before = excluded;
          const change = engine.apply(changes, now);
          const ids = [...engine.intercepts()].map(({ id }) => id);
          excluded = new Set(places.flatMap((place) => ids[place] ?? []));
          const asked = first ? undefined : withExclusion(engine, change, before, excluded);
          first = false;
          for (const { scope, translation, world } of worlds) {
            const isLeftOut =
              before.size + excluded.size === 0 && asked !== undefined && translation.concerns?.(engine.model, asked) === false;
            if (!isLeftOut) apply(world, translation.update(engine.model, asked, excluded));
            const expected = plain(fresh(scope, engine.model, excluded));
            // The same, and much cheaper to see.
            if (!sameData(plain(world), expected)) expect(plain(world)).toEqual(expected);
            expectWhole(world);
            for (const { type } of world.values()) expect(typesOf(scope), `${type} for a ${scope.kind}`).toContain(type);
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  test('nothing is said twice: what an update gives differs from what was there', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(arbitraryChange, { minLength: 1, maxLength: 4 }), { minLength: 2, maxLength: 8 }),
        (batches) => {
          const engine = new InterceptEngine();
          const translation = new Translator(SETTINGS).scope(SCOPES['domain'] ?? gateway);
          const world: World = new Map();
          let first = true;
          for (const batch of batches) {
            const change = engine.apply(batch, 0);
            const changes = translation.update(engine.model, first ? undefined : change, new Set());
            first = false;
            for (const { type, name, resource } of changes)
              expect(whole(resource)).not.toEqual(whole(world.get(`${type} ${name}`)));
            apply(world, changes);
            expect(translation.update(engine.model, undefined, new Set())).toEqual([]);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test('Envoy accepts it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(arbitraryChange, { minLength: 10, maxLength: 60 }),
        fc.constantFrom(...Object.values(SCOPES)),
        async (changes, scope) => {
          const engine = new InterceptEngine();
          engine.apply(changes, 0);
          const resources = [...fresh(scope, engine.model, new Set()).values()];
          expect(await validateConfig(staticConfig(resources))).toBeUndefined();
        },
      ),
      { numRuns: 20 },
    );
  }, 60_000);
});
