import { describe, expect, it } from 'vitest';
import { InterceptEngine } from '../../../src/intercepts/engine.ts';
import type { ObjectKey } from '../../../src/model/names.ts';
import { anEndpoint, aPod, aService, aSlice, type ClusterObject, puts } from '../../support/builders.ts';

const HOUR = 3_600_000;
const own = anEndpoint({ addresses: ['10.0.0.1'], pod: 'shop/api-0' });
const leaked = anEndpoint({ addresses: ['10.0.1.1'], pod: 'shop/api-pr-42-1' });

function engineWith(...objects: readonly ClusterObject[]): InterceptEngine {
  const engine = new InterceptEngine();
  engine.apply(puts(aService(), aSlice({ endpoints: [own, leaked] }), ...objects), 0);
  return engine;
}

function baselineOf(engine: InterceptEngine, service: ObjectKey = 'shop/api'): readonly string[] {
  return engine.model.services.get(service)?.ports[0]?.baseline.map(({ ip }) => ip) ?? [];
}

function codes(engine: InterceptEngine): readonly string[] {
  return [...engine.problems()].map(({ code }) => code);
}

const podKey = 'shop/api-pr-42-1';

describe('a preview pod among the endpoints of the Service that it stands in for', () => {
  it('is taken out of the baseline, and its author is told', () => {
    const engine = engineWith(aPod());
    expect(baselineOf(engine)).toEqual(['10.0.0.1']);
    expect(engine.model.pods.get(podKey)).toEqual({
      ports: [{ port: 8080, service: 'shop/api', servicePort: 80 }],
      previews: ['shop/pr-42/Deployment/api-pr-42/shop/api:80'],
      inBaselineOf: ['shop/api'],
    });
    const [problem] = [...engine.problems()];
    expect(problem).toMatchObject({ code: 'PreviewInBaseline', intercept: 'shop/pr-42/Deployment/api-pr-42/shop/api:80' });
    expect(problem?.message).toMatch(/keeps the baseline's requests from them/);
  });

  it('stays where none would be left, and need not send anything on', () => {
    const engine = engineWith(aPod());
    engine.apply(puts(aSlice({ endpoints: [leaked] })), 1);
    expect(baselineOf(engine)).toEqual(['10.0.1.1']);
    expect(engine.model.pods.get(podKey)?.inBaselineOf).toEqual([]);
    expect([...engine.problems()][0]?.message).toMatch(/there are no others/);
  });

  it.each([
    { name: 'expired', pod: aPod({ annotations: { intercept: 'api', expires: '1970-01-01T00:00:00Z' } }) },
    { name: 'is refused', pod: aPod({ annotations: { intercept: 'api', match: 'cookie=a' } }) },
    { name: 'cannot be read', pod: aPod({ annotations: { intercept: 'api', mode: 'steal' } }) },
    { name: 'says nothing', pod: aPod({ annotations: {} }) },
    { name: 'leaves', pod: aPod({ leaving: true }) },
  ])('stays out when its intercept $name', ({ pod }) => {
    const engine = engineWith(pod);
    expect(baselineOf(engine)).toEqual(['10.0.0.1']);
    expect(codes(engine).includes('PreviewInBaseline')).toBe(!pod.leaving);
  });

  it('stays out when it leaves, and nothing is known of its preview any more', () => {
    const engine = engineWith(aPod({ leaving: true }));
    expect(codes(engine)).toEqual([]);
    expect(baselineOf(engine)).toEqual(['10.0.0.1']);
    expect(engine.model.pods.get(podKey)?.inBaselineOf).toEqual([]);
  });

  it('does not come back by expiring', () => {
    const engine = engineWith(aPod({ annotations: { intercept: 'api', expires: '1970-01-01T01:00:00Z' } }));
    engine.tick(HOUR);
    expect(baselineOf(engine)).toEqual(['10.0.0.1']);
    expect(engine.model.pods.get(podKey)).toMatchObject({ previews: [], inBaselineOf: ['shop/api'] });
  });

  it('is out of it, and back when it is no preview any more', () => {
    const engine = engineWith(aPod());
    engine.apply([{ kind: 'pod', key: podKey, object: undefined }], 1);
    expect(baselineOf(engine)).toEqual(['10.0.0.1', '10.0.1.1']);
    expect(engine.model.pods.get(podKey)).toMatchObject({ previews: [], inBaselineOf: [] });
  });
});

describe('a preview pod among the endpoints of another Service', () => {
  it('is there by right', () => {
    const engine = engineWith(
      aPod(),
      aService({ name: 'debug' }),
      aSlice({ service: 'shop/debug', endpoints: [leaked, anEndpoint({ addresses: ['10.0.0.7'] })] }),
    );
    expect(baselineOf(engine, 'shop/debug')).toEqual(['10.0.0.7', '10.0.1.1']);
    expect(engine.model.pods.get(podKey)?.inBaselineOf).toEqual(['shop/api']);
  });
});
