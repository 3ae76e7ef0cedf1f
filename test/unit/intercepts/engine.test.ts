import { describe, expect, it } from 'vitest';
import { InterceptEngine } from '../../../src/intercepts/engine.ts';
import type { ClusterChange } from '../../../src/model/cluster-state.ts';
import { anEndpoint, aPod, aPort, aService, aSlice, puts, removes } from '../../support/builders.ts';

const NOTHING = { services: new Set(), hosts: new Set(), pods: new Set(), keys: new Set() };

function engineWith(...changes: readonly ClusterChange[]): InterceptEngine {
  const engine = new InterceptEngine();
  engine.apply(changes, 0);
  return engine;
}

function codes(engine: InterceptEngine): readonly string[] {
  return [...engine.problems()].map(({ code, subject }) => `${code} ${subject.key}`);
}

const shop = aService({ annotations: { host: 'shop.example.com' } });

describe('the engine', () => {
  it('tells at the first what there is', () => {
    const engine = new InterceptEngine();
    expect(engine.apply(puts(shop, aSlice(), aPod()), 0)).toEqual({
      services: new Set(['shop/api']),
      hosts: new Set(['shop.example.com']),
      pods: new Set(),
      keys: new Set(['pr-42']),
    });
  });

  it('tells of pods from the first question for one on', () => {
    const engine = engineWith(...puts(shop, aSlice()));
    expect(engine.model.pods.get('shop/nobody')).toBeUndefined();
    expect(engine.apply(puts(aPod()), 1).pods).toEqual(new Set(['shop/api-pr-42-1']));
  });

  it('tells nothing, and keeps every object, where nothing changed', () => {
    const engine = engineWith(...puts(shop, aSlice(), aPod()));
    const before = engine.model.services.get('shop/api');
    // Only of a pod that was asked for is it known what it was.
    for (const pod of ['shop/api-0', 'shop/api-pr-42-1'] as const) expect(engine.model.pods.get(pod)).toBeDefined();
    expect(engine.apply(puts(shop, aSlice(), aPod()), 1)).toEqual(NOTHING);
    expect(engine.apply([...removes(shop, aPod()), ...puts(shop, aPod())], 2)).toEqual(NOTHING);
    expect(engine.model.services.get('shop/api')).toBe(before);
  });

  it('keeps the parts of a port that did not change', () => {
    const engine = engineWith(...puts(shop, aSlice(), aPod({ annotations: { intercept: 'api', match: 'x-user=alice' } })));
    const before = engine.model.services.get('shop/api')?.ports[0];
    engine.apply(puts(aSlice({ endpoints: [anEndpoint({ addresses: ['10.0.0.9'] })] })), 1);
    const after = engine.model.services.get('shop/api')?.ports[0];
    expect(after).not.toBe(before);
    expect(after?.baseline).not.toBe(before?.baseline);
    expect(after?.routes).toBe(before?.routes);
    expect(after?.rules).toBe(before?.rules);
  });

  it('shows an ExternalName Service as one without ports', () => {
    const engine = engineWith(...puts(aService({ type: 'ExternalName' }), aPod()));
    expect(engine.model.services.get('shop/api')).toMatchObject({ external: true, ports: [] });
    expect(codes(engine)).toEqual(['ExternalName shop/api-pr-42-1']);
  });

  it('says that a Service has no endpoints only where somebody sends requests there through Detour', () => {
    expect(codes(engineWith(...puts(aService())))).toEqual([]);
    expect(codes(engineWith(...puts(shop)))).toEqual(['NoEndpoints shop/api']);
    expect(codes(engineWith(...puts(aService(), aPod())))).toEqual(['NoEndpoints shop/api']);
    expect(codes(engineWith(...puts(shop, aSlice())))).toEqual([]);
  });

  it('tells the intercept, where its key is too long for a preview URL', () => {
    const key = 'a'.repeat(58);
    const engine = engineWith(...puts(shop, aSlice(), aPod({ previewLabel: key })));
    expect(codes(engine)).toEqual([`NoPreviewUrl shop/api-${key}-1`]);
    expect([...engine.intercepts()][0]?.state).toBe('active');
    expect(codes(engineWith(...puts(shop, aSlice(), aPod({ previewLabel: 'a'.repeat(57) }))))).toEqual([]);
  });

  it('lets nobody take the preview URLs of a host in another namespace, and gives them when that is given up', () => {
    const url = aService({ namespace: 'web', name: 'thief', createdAt: 9_000, annotations: { host: 'pr-42--shop.example.com' } });
    const hosts = (engine: InterceptEngine): readonly string[] => [...engine.model.hosts.keys()].toSorted();
    const engine = engineWith(...puts(url));
    expect(hosts(engine)).toEqual(['pr-42--shop.example.com']);
    expect(engine.apply(puts(shop), 1).hosts).toEqual(new Set(['shop.example.com', 'pr-42--shop.example.com']));
    expect(hosts(engine)).toEqual(['shop.example.com']);
    expect(codes(engine)).toContain('HostTaken web/thief');
    expect(engine.apply(removes(shop), 2).hosts).toEqual(new Set(['shop.example.com', 'pr-42--shop.example.com']));
    expect(hosts(engine)).toEqual(['pr-42--shop.example.com']);
  });

  it('tells the Service alone, where no key has a preview URL', () => {
    const bare = aService({ annotations: { host: 'example.com' } });
    expect(codes(engineWith(...puts(bare, aSlice(), aPod({ previewLabel: 'a'.repeat(60) }))))).toEqual(['NoPreviewUrl shop/api']);
  });

  it('tells a Service that is a preview too, once', () => {
    const both = aService({ previewLabel: 'pr-1', annotations: { intercept: 'x'.repeat(1 << 20) } });
    expect(codes(engineWith(...puts(both)))).toEqual(['AnnotationTooLarge shop/api']);
  });

  it('gives a host to who claims it next when its owner is gone', () => {
    const foreign = aService({ namespace: 'web', createdAt: 5_000, annotations: { host: 'shop.example.com' } });
    const engine = engineWith(...puts(shop, aSlice(), foreign));
    expect(codes(engine)).toEqual(['HostTaken web/api']);
    const change = engine.apply(removes(shop), 1);
    expect(change.hosts).toEqual(new Set(['shop.example.com']));
    expect(engine.model.hosts.get('shop.example.com')).toMatchObject({ namespace: 'web', paths: [{ service: 'web/api' }] });
    engine.apply(puts(aService({ ...foreign, annotations: {} })), 2);
    expect(engine.model.hosts.size).toBe(0);
  });

  it('names a port that changes its protocol', () => {
    const engine = engineWith(...puts(aService(), aSlice(), aPod()));
    engine.apply(puts(aService({ ports: [aPort({ appProtocol: 'tcp' })] })), 1);
    expect(engine.model.services.get('shop/api')?.ports[0]).toMatchObject({ protocol: 'opaque', routes: new Map() });
    expect(codes(engine)).toEqual(['PortNotHttp shop/api-pr-42-1']);
  });
});

describe('the work of the engine', () => {
  it('is one Service built for one pod changed, among 5,000', () => {
    const services = Array.from({ length: 5_000 }, (_, index) => `api-${index}`);
    const engine = new InterceptEngine();
    engine.apply(
      services.flatMap((name) =>
        puts(
          aService({ name, annotations: { host: `${name}.shop.example.com` } }),
          aSlice({ service: `shop/${name}` }),
          aPod({
            name: `${name}-pr-42`,
            controller: { kind: 'Deployment', name: `${name}-pr-42` },
            annotations: { intercept: name },
          }),
        ),
      ),
      0,
    );
    const change = aPod({
      name: 'api-7-pr-42',
      controller: { kind: 'Deployment', name: 'api-7-pr-42' },
      annotations: { intercept: 'api-7' },
      ips: ['10.9.9.9'],
    });
    const before = engine.servicesBuilt;
    expect(engine.apply(puts(change), 1).services).toEqual(new Set(['shop/api-7']));
    expect(engine.servicesBuilt - before).toBe(1);
    engine.apply(puts(aSlice({ service: 'shop/api-9', endpoints: [] })), 2);
    expect(engine.servicesBuilt - before).toBe(2);
    engine.apply(puts(aService({ name: 'api-11', ports: [aPort({ port: 8000 })] })), 3);
    expect(engine.servicesBuilt - before).toBe(3);
    engine.apply(puts(change), 4);
    engine.tick(5);
    expect(engine.servicesBuilt - before).toBe(3);
  });
});
