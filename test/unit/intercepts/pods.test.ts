import { describe, expect, it } from 'vitest';
import { InterceptEngine } from '../../../src/intercepts/engine.ts';
import { anEndpoint, aPod, aPort, aService, aSlice, type ClusterObject, puts, removes } from '../../support/builders.ts';

function engineWith(...objects: readonly ClusterObject[]): InterceptEngine {
  const engine = new InterceptEngine();
  engine.apply(puts(...objects), 0);
  return engine;
}

describe('what is known of a pod', () => {
  it('are its ports for every Service that has it as an endpoint', () => {
    const ports = [aPort(), aPort({ name: 'admin', port: 81, targetPort: 'admin' })];
    const engine = engineWith(
      aService({ ports }),
      aSlice({
        ports: [
          { name: 'http', port: 8080 },
          { name: 'admin', port: 9000 },
        ],
      }),
      aService({ name: 'other' }),
      aSlice({ service: 'shop/other', endpoints: [anEndpoint({ pod: 'shop/api-0' })] }),
    );
    expect(engine.model.pods.get('shop/api-0')).toEqual({
      ports: [
        { port: 8080, service: 'shop/api', servicePort: 80 },
        { port: 8080, service: 'shop/other', servicePort: 80 },
        { port: 9000, service: 'shop/api', servicePort: 81 },
      ],
      previews: [],
      inBaselineOf: [],
    });
  });

  it('is nothing without a Service, and follows it', () => {
    const engine = engineWith(aSlice());
    expect(engine.model.pods.get('shop/api-0')?.ports).toEqual([]);
    expect(engine.apply(puts(aService()), 1).pods).toEqual(new Set(['shop/api-0']));
    expect(engine.model.pods.get('shop/api-0')?.ports).toHaveLength(1);
    expect(engine.apply(puts(aService({ ports: [aPort({ port: 8000 })] })), 2).pods).toEqual(new Set(['shop/api-0']));
    expect(engine.model.pods.get('shop/api-0')?.ports[0]?.servicePort).toBe(8000);
  });

  it('follows the ports of its slice, for the same endpoints', () => {
    const engine = engineWith(aService(), aSlice());
    engine.apply(puts(aSlice({ ports: [{ name: 'http', port: 9999 }] })), 1);
    expect(engine.model.pods.get('shop/api-0')?.ports[0]?.port).toBe(9999);
  });

  it('follows the port that the annotation says, though nothing is ready', () => {
    const engine = engineWith(aService(), aPod({ ready: false }));
    engine.apply(puts(aPod({ ready: false, annotations: { intercept: 'api=9090' } })), 1);
    expect(engine.model.pods.get('shop/api-pr-42-1')?.ports[0]?.port).toBe(9090);
  });

  it('ends with its last slice', () => {
    const engine = engineWith(aService(), aSlice());
    expect(engine.model.pods.get('shop/api-0')).toBeDefined();
    expect(engine.apply(removes(aSlice()), 1).pods).toEqual(new Set(['shop/api-0']));
    expect(engine.model.pods.get('shop/api-0')).toBeUndefined();
  });

  it('are, for a preview, the intercepts that it serves and their ports on it', () => {
    const engine = engineWith(aService(), aService({ name: 'identity', ports: [aPort({ targetPort: 'web' })] }));
    engine.apply(puts(aPod({ annotations: { intercept: 'api=9090, identity, nowhere' }, ports: { web: 7000 } })), 1);
    expect(engine.model.pods.get('shop/api-pr-42-1')).toEqual({
      ports: [
        { port: 7000, service: 'shop/identity', servicePort: 80 },
        { port: 9090, service: 'shop/api', servicePort: 80 },
      ],
      previews: ['shop/pr-42/Deployment/api-pr-42/shop/api:80', 'shop/pr-42/Deployment/api-pr-42/shop/identity:80'],
      inBaselineOf: [],
    });
  });

  it('has no share in an intercept that is refused, and none to serve in one that lost', () => {
    const refused = engineWith(aService({ annotations: { 'allow-from': 'none' } }), aPod());
    expect(refused.model.pods.get('shop/api-pr-42-1')).toEqual({ ports: [], previews: [], inBaselineOf: [] });
    const lost = engineWith(aService(), aPod(), aPod({ name: 'z', controller: { kind: 'Deployment', name: 'z' } }));
    expect(lost.model.pods.get('shop/z')).toMatchObject({ previews: [] });
    expect(lost.model.pods.get('shop/z')?.ports).toHaveLength(1);
  });

  it('stays as it is while the pod leaves', () => {
    const engine = engineWith(aService(), aPod());
    const before = engine.model.pods.get('shop/api-pr-42-1');
    expect(engine.apply(puts(aPod({ leaving: true })), 1).pods).toEqual(new Set());
    expect(engine.model.pods.get('shop/api-pr-42-1')).toBe(before);
  });

  it('is that of a preview, for endpoints of a preview Service', () => {
    const engine = engineWith(
      aService(),
      aService({ name: 'copy', previewLabel: 'pr-7', annotations: { intercept: 'api' } }),
      aSlice({ service: 'shop/copy', ports: [{ name: 'http', port: 3000 }] }),
    );
    expect(engine.model.pods.get('shop/copy-0')).toEqual({
      ports: [
        { port: 3000, service: 'shop/api', servicePort: 80 },
        { port: 3000, service: 'shop/copy', servicePort: 80 },
      ],
      previews: ['shop/pr-7/Service/copy/shop/api:80'],
      inBaselineOf: [],
    });
  });
});
