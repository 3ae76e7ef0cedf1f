import { describe, expect, it } from 'vitest';
import { InterceptEngine } from '../../../src/intercepts/engine.ts';
import type { ClusterChange } from '../../../src/model/cluster-state.ts';
import { anEndpoint, aPod, aPort, aService, aSlice, puts, removes } from '../../support/builders.ts';

const HOUR = 3_600_000;

function engineWith(changes: readonly ClusterChange[], now = 0): InterceptEngine {
  const engine = new InterceptEngine();
  engine.apply(changes, now);
  return engine;
}

function summary(engine: InterceptEngine): readonly string[] {
  return [...engine.intercepts()].map(({ id, state, endpoints }) =>
    [id, state, ...endpoints.map(({ ip, port }) => `${ip}:${port}`)].join(' '),
  );
}

function codes(engine: InterceptEngine): readonly string[] {
  return [...engine.problems()].map(({ code }) => code);
}

const api = puts(aService(), aSlice());

describe('a preview', () => {
  it('is one ordinary pod with a label and an annotation', () => {
    const engine = engineWith([...api, ...puts(aPod())]);
    expect(summary(engine)).toEqual(['shop/pr-42/Deployment/api-pr-42/shop/api:80 active 10.0.1.1:8080']);
    expect(engine.model.services.get('shop/api')?.ports[0]?.routes.get('pr-42')?.endpoints).toEqual([
      { ip: '10.0.1.1', port: 8080 },
    ]);
    expect(engine.model.keys).toEqual(new Set(['pr-42']));
    expect(codes(engine)).toEqual([]);
  });

  it('is all pods of its controller, by their newest one’s annotations', () => {
    const old = aPod({ name: 'api-pr-42-b', createdAt: 1, ips: ['10.0.1.2'], annotations: { intercept: 'api', mode: 'mirror' } });
    const young = aPod({ name: 'api-pr-42-c', createdAt: 2, ips: ['10.0.1.3'], annotations: { intercept: 'api=9090' } });
    const engine = engineWith([...api, ...puts(young, old)]);
    expect(summary(engine)).toEqual(['shop/pr-42/Deployment/api-pr-42/shop/api:80 active 10.0.1.2:9090 10.0.1.3:9090']);
    expect([...engine.intercepts()][0]?.mode).toBe('route');
  });

  it('takes the annotations of the first by name, of pods that are as new', () => {
    const a = aPod({ name: 'a', annotations: { intercept: 'api', mode: 'mirror' } });
    const b = aPod({ name: 'b', annotations: { intercept: 'api' } });
    expect([...engineWith([...api, ...puts(b, a)]).intercepts()][0]?.mode).toBe('mirror');
  });

  it('is told apart by namespace, key and controller', () => {
    const engine = engineWith([
      ...api,
      ...puts(
        aPod(),
        aPod({ name: 'job', controller: { kind: 'Job', name: 'api-pr-42' }, ips: ['10.0.1.2'] }),
        aPod({ name: 'other', previewLabel: 'pr-7', controller: { kind: 'Deployment', name: 'api-pr-42' }, ips: ['10.0.1.3'] }),
      ),
    ]);
    expect(summary(engine)).toEqual([
      'shop/pr-42/Deployment/api-pr-42/shop/api:80 active 10.0.1.1:8080',
      'shop/pr-42/Job/api-pr-42/shop/api:80 shadowed 10.0.1.2:8080',
      'shop/pr-7/Deployment/api-pr-42/shop/api:80 active 10.0.1.3:8080',
    ]);
  });

  it('is served by its ready pods, and loses one that leaves at once', () => {
    const engine = engineWith([
      ...api,
      ...puts(aPod(), aPod({ name: 'b', ips: ['10.0.1.2'] }), aPod({ name: 'c', ready: false, ips: ['10.0.1.3'] })),
    ]);
    expect(summary(engine)[0]).toMatch(/active 10.0.1.1:8080 10.0.1.2:8080$/);
    engine.apply(puts(aPod({ leaving: true })), 0);
    expect(summary(engine)[0]).toMatch(/active 10.0.1.2:8080$/);
  });

  it('without a ready pod is live, and says so', () => {
    const engine = engineWith([...api, ...puts(aPod({ ready: false }))]);
    expect(summary(engine)).toEqual(['shop/pr-42/Deployment/api-pr-42/shop/api:80 active']);
    expect(codes(engine)).toEqual(['NoReadyPods']);
    expect(engine.model.keys).toEqual(new Set(['pr-42']));
  });

  it.each([
    { name: 'the Service’s, by number', ports: [aPort({ targetPort: 3000 })], intercept: 'api', port: 3000 },
    {
      name: 'the Service’s, by the name of a container port',
      ports: [aPort({ targetPort: 'web' })],
      intercept: 'api',
      port: 8081,
    },
    { name: 'what the annotation says, by number', ports: [aPort({ targetPort: 'web' })], intercept: 'api=9090', port: 9090 },
    { name: 'what the annotation says, by name', ports: [aPort()], intercept: 'api:http=web', port: 8081 },
  ])('listens on $name', ({ ports, intercept, port }) => {
    const engine = engineWith(puts(aService({ ports }), aPod({ annotations: { intercept }, ports: { web: 8081 } })));
    expect([...engine.intercepts()][0]?.endpoints).toEqual([{ ip: '10.0.1.1', port }]);
  });

  it('whose newest pod lacks the named port is not served; an older one that lacks it gets no requests', () => {
    const service = aService({ ports: [aPort({ targetPort: 'web' })] });
    const lacking = aPod({ name: 'a', createdAt: 1 });
    const having = aPod({ name: 'b', createdAt: 2, ips: ['10.0.1.2'], ports: { web: 8081 } });
    expect(summary(engineWith(puts(service, lacking, having)))[0]).toMatch(/active 10.0.1.2:8081$/);
    const engine = engineWith(puts(service, { ...lacking, createdAt: 3 }, having));
    expect(summary(engine)[0]).toMatch(/invalid$/);
    expect(codes(engine)).toEqual(['UnknownPort']);
    expect(engine.model.keys.size).toBe(0);
  });

  it('names several Services, and each stands for itself', () => {
    const engine = engineWith([
      ...api,
      ...puts(aService({ name: 'identity' }), aPod({ annotations: { intercept: 'api, identity, nowhere' } })),
    ]);
    expect(summary(engine)).toEqual([
      'shop/pr-42/Deployment/api-pr-42/shop/api:80 active 10.0.1.1:8080',
      'shop/pr-42/Deployment/api-pr-42/shop/identity:80 active 10.0.1.1:8080',
      'shop/pr-42/Deployment/api-pr-42/shop/nowhere:0 invalid',
    ]);
    expect(engine.model.services.has('shop/nowhere')).toBe(false);
  });

  it('finds its Service as soon as it is there, loses it with it, and finds it again', () => {
    const engine = engineWith(puts(aPod()));
    expect(codes(engine)).toEqual(['UnknownService']);
    const found = engine.apply(api, 1);
    expect(found).toMatchObject({ services: new Set(['shop/api']), keys: new Set(['pr-42']) });
    expect(codes(engine)).toEqual([]);
    const lost = engine.apply(removes(aService()), 2);
    expect(lost).toMatchObject({ services: new Set(['shop/api']), keys: new Set(['pr-42']) });
    expect(codes(engine)).toEqual(['UnknownService']);
    engine.apply(puts(aService()), 3);
    expect(summary(engine)).toEqual(['shop/pr-42/Deployment/api-pr-42/shop/api:80 active 10.0.1.1:8080']);
  });

  it('with annotations that cannot be read changes nothing for others', () => {
    const engine = engineWith([...api, ...puts(aPod())]);
    const before = engine.model.services.get('shop/api');
    const broken = { intercept: 'api', match: '~~~' };
    const change = engine.apply(puts(aPod({ name: 'bad', previewLabel: 'pr-7', annotations: broken })), 1);
    expect(engine.model.services.get('shop/api')).toBe(before);
    expect(change).toMatchObject({ services: new Set(), hosts: new Set(), keys: new Set() });
    expect([...(engine.model.problems.get('Pod/shop/bad') ?? [])].map(({ code }) => code)).toEqual(['InvalidRule']);
  });

  it('with a label that is no key is told, and not served', () => {
    const engine = engineWith([...api, ...puts(aPod({ previewLabel: 'PR_42' }))]);
    expect(summary(engine)).toEqual([]);
    expect(codes(engine)).toEqual(['InvalidKey']);
  });
});

describe('a preview whose last pod went', () => {
  it.each([
    { name: 'is deleted', go: removes(aPod()) },
    { name: 'leaves', go: puts(aPod({ leaving: true })) },
  ])('stays for 30 s, empty, when it $name', ({ go }) => {
    const engine = engineWith([...api, ...puts(aPod({ annotations: { intercept: 'api', 'when-unavailable': 'fail' } }))]);
    engine.apply(go, 1_000);
    expect(summary(engine)).toEqual(['shop/pr-42/Deployment/api-pr-42/shop/api:80 active']);
    expect([...engine.intercepts()][0]?.whenUnavailable).toBe('fail');
    expect(codes(engine)).toEqual(['NoReadyPods']);
    expect(engine.nextDeadline()).toBe(31_000);
    expect(engine.tick(30_999)).toEqual({ services: new Set(), hosts: new Set(), pods: new Set(), keys: new Set() });
    expect(engine.tick(31_000)).toMatchObject({ services: new Set(['shop/api']), keys: new Set(['pr-42']) });
    expect(summary(engine)).toEqual([]);
    expect(engine.nextDeadline()).toBeUndefined();
  });

  it('goes on as if nothing had been when a pod comes back in time', () => {
    const engine = engineWith([...api, ...puts(aPod())]);
    const before = engine.model.services.get('shop/api');
    engine.apply(removes(aPod()), 1_000);
    engine.apply(puts(aPod()), 20_000);
    expect(engine.model.services.get('shop/api')).toEqual(before);
    expect(engine.nextDeadline()).toBeUndefined();
    engine.apply(removes(aPod()), 40_000);
    expect(engine.nextDeadline()).toBe(70_000);
  });

  it('does not linger when its annotations say nothing any more', () => {
    const engine = engineWith([...api, ...puts(aPod())]);
    engine.apply(puts(aPod({ annotations: {} })), 1_000);
    expect(summary(engine)).toEqual([]);
    expect(codes(engine)).toEqual(['MissingIntercept']);
  });

  const otherKey = aPod({ previewLabel: 'pr-43', controller: aPod().controller, ips: ['10.0.1.1'] });
  it.each([
    { name: 'in the same moment', steps: [[...removes(aPod()), ...puts(otherKey)]] },
    { name: 'a moment later', steps: [removes(aPod()), puts(otherKey)] },
  ])('ends when its workload gets another key $name', ({ steps }) => {
    const engine = engineWith([...api, ...puts(aPod())]);
    for (const [index, changes] of steps.entries()) engine.apply(changes, 1_000 + index);
    expect(summary(engine)).toEqual(['shop/pr-43/Deployment/api-pr-42/shop/api:80 active 10.0.1.1:8080']);
    expect([...engine.model.keys]).toEqual(['pr-43']);
    expect(engine.nextDeadline()).toBeUndefined();
  });

  it('does not keep its key from another preview that has pods', () => {
    const later = aPod({ name: 'z-1', controller: { kind: 'Deployment', name: 'z' }, ips: ['10.9.9.9'] });
    const engine = engineWith([...api, ...puts(aPod(), later)]);
    expect(engine.model.services.get('shop/api')?.ports[0]?.routes.get('pr-42')?.preview.name).toBe('api-pr-42');
    engine.apply(removes(aPod()), 1_000);
    expect(engine.model.services.get('shop/api')?.ports[0]?.routes.get('pr-42')?.preview.name).toBe('z');
    engine.apply(puts(aPod()), 2_000);
    expect(engine.model.services.get('shop/api')?.ports[0]?.routes.get('pr-42')?.preview.name).toBe('api-pr-42');
  });

  it('lingers as long as the settings say', () => {
    const engine = new InterceptEngine({ lingerMs: 5 });
    engine.apply([...api, ...puts(aPod())], 0);
    engine.apply(removes(aPod()), 10);
    expect(engine.nextDeadline()).toBe(15);
  });
});

describe('a preview that expires', () => {
  const expiring = aPod({ annotations: { intercept: 'api', expires: '1970-01-01T01:00:00Z' } });

  it('is gone from that instant on, by time alone', () => {
    const engine = engineWith([...api, ...puts(expiring)]);
    expect(engine.nextDeadline()).toBe(HOUR);
    expect(engine.tick(HOUR - 1).services.size).toBe(0);
    expect(summary(engine)[0]).toMatch(/active/);
    expect(engine.tick(HOUR)).toMatchObject({ services: new Set(['shop/api']), keys: new Set(['pr-42']) });
    expect(summary(engine)[0]).toMatch(/expired/);
    expect(codes(engine)).toEqual(['Expired']);
    expect(engine.model.services.get('shop/api')?.ports[0]?.routes.size).toBe(0);
    expect(engine.model.keys.size).toBe(0);
    expect(engine.nextDeadline()).toBeUndefined();
  });

  it('lives again when its time is moved', () => {
    const engine = engineWith([...api, ...puts(expiring)], 2 * HOUR);
    expect(summary(engine)[0]).toMatch(/expired/);
    engine.apply(puts(aPod({ annotations: { intercept: 'api', expires: '1970-01-01T03:00:00Z' } })), 2 * HOUR);
    expect(summary(engine)[0]).toMatch(/active/);
    expect(engine.nextDeadline()).toBe(3 * HOUR);
  });

  it('expires while it lingers', () => {
    const engine = engineWith([...api, ...puts(expiring)]);
    engine.apply(removes(expiring), HOUR - 10_000);
    expect(engine.nextDeadline()).toBe(HOUR);
    engine.tick(HOUR);
    expect(summary(engine)[0]).toMatch(/expired/);
    expect(engine.nextDeadline()).toBe(HOUR + 20_000);
    engine.tick(HOUR + 20_000);
    expect(summary(engine)).toEqual([]);
  });
});

describe('a preview outside the cluster', () => {
  const outside = aService({
    name: 'laptop',
    previewLabel: 'pr-7',
    annotations: { intercept: 'api' },
    ports: [aPort({ name: 'http', port: 3000 })],
  });
  const slice = aSlice({
    service: 'shop/laptop',
    ports: [{ name: 'http', port: 3000 }],
    endpoints: [anEndpoint({ addresses: ['192.0.2.7'] })],
  });

  it('is a Service with the label and EndpointSlices of its own', () => {
    const engine = engineWith([...api, ...puts(outside, slice)]);
    expect(summary(engine)).toEqual(['shop/pr-7/Service/laptop/shop/api:80 active 192.0.2.7:3000']);
    engine.apply(removes(slice), 1);
    expect(summary(engine)).toEqual(['shop/pr-7/Service/laptop/shop/api:80 active']);
    expect(codes(engine)).toEqual(['NoReadyPods']);
  });

  it('goes at once with its Service', () => {
    const engine = engineWith([...api, ...puts(outside, slice)]);
    engine.apply(removes(outside), 1);
    expect(summary(engine)).toEqual([]);
  });

  it.each([
    {
      name: 'of the same name',
      ports: [aPort({ name: 'x', port: 80 }), aPort({ name: 'http', port: 1 })],
      intercept: 'api',
      port: 11,
    },
    {
      name: 'of the same number',
      ports: [aPort({ name: 'x', port: 80 }), aPort({ name: 'y', port: 1 })],
      intercept: 'api',
      port: 10,
    },
    { name: 'that is its only one', ports: [aPort({ name: 'x', port: 1 })], intercept: 'api', port: 10 },
    {
      name: 'that the annotation names',
      ports: [aPort({ name: 'x', port: 80 }), aPort({ name: 'y', port: 1 })],
      intercept: 'api=y',
      port: 12,
    },
    { name: 'whose number the annotation says', ports: [aPort({ name: 'x', port: 80 })], intercept: 'api=9999', port: 9999 },
  ])('is reached at the port $name', ({ ports, intercept, port }) => {
    const slices = aSlice({
      service: 'shop/laptop',
      ports: [
        { name: 'x', port: 10 },
        { name: 'http', port: 11 },
        { name: 'y', port: 12 },
      ],
      endpoints: [anEndpoint({ addresses: ['192.0.2.7'] })],
    });
    const engine = engineWith([...api, ...puts(aService({ ...outside, ports, annotations: { intercept } }), slices)]);
    expect([...engine.intercepts()][0]?.endpoints).toEqual([{ ip: '192.0.2.7', port }]);
  });

  it('whose port cannot be told is not served', () => {
    const ports = [aPort({ name: 'x', port: 1 }), aPort({ name: 'y', port: 2 })];
    const engine = engineWith([...api, ...puts(aService({ ...outside, ports }), slice)]);
    expect(codes(engine)).toEqual(['UnknownPort']);
  });
});
