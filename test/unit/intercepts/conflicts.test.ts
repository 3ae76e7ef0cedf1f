import { describe, expect, it } from 'vitest';
import { InterceptEngine } from '../../../src/intercepts/engine.ts';
import type { Intercept, PortModel } from '../../../src/model/intercept.ts';
import type { Problem } from '../../../src/model/problem.ts';
import { aPod, aPort, aService, aSlice, type ClusterObject, puts } from '../../support/builders.ts';

/** A preview named after its key, with further annotations. */
function preview(key: string, annotations: Record<string, string> = {}, controller = `api-${key}`): ClusterObject {
  return aPod({
    name: controller,
    previewLabel: key,
    controller: { kind: 'Deployment', name: controller },
    annotations: { intercept: 'api', ...annotations },
  });
}

function engineWith(...objects: readonly ClusterObject[]): InterceptEngine {
  const engine = new InterceptEngine();
  engine.apply(puts(aService({ annotations: { 'allow-from': '*' } }), aSlice(), ...objects), 0);
  return engine;
}

function portOf(engine: InterceptEngine): PortModel {
  const port = engine.model.services.get('shop/api')?.ports[0];
  if (port === undefined) throw new Error('shop/api has a port');
  return port;
}

function byController(engine: InterceptEngine): ReadonlyMap<string, Intercept> {
  return new Map([...engine.intercepts()].map((intercept) => [intercept.preview.name, intercept]));
}

function codesOf(engine: InterceptEngine, controller: string): readonly string[] {
  return (
    byController(engine)
      .get(controller)
      ?.problems.map(({ code }) => code) ?? ['not there']
  );
}

function problemOf(engine: InterceptEngine, controller: string): Problem | undefined {
  return byController(engine).get(controller)?.problems[0];
}

describe('two previews with one key for one port', () => {
  const engine = engineWith(preview('pr-1', { match: 'x-user=bob' }, 'zebra'), preview('pr-1', { match: 'x-user=alice' }, 'ape'));

  it('are settled by namespace and name; the loser serves neither by key nor by rule', () => {
    expect(portOf(engine).routes.get('pr-1')?.preview.name).toBe('ape');
    expect(portOf(engine).rules.map(({ intercept }) => intercept.preview.name)).toEqual(['ape']);
    expect(byController(engine).get('zebra')).toMatchObject({
      state: 'shadowed',
      winner: 'shop/pr-1/Deployment/ape/shop/api:80',
    });
  });

  it('are both told', () => {
    expect(problemOf(engine, 'zebra')).toMatchObject({
      code: 'DuplicateKey',
      subject: { kind: 'Pod', key: 'shop/zebra' },
      message:
        'Preview pr-1 (Deployment shop/ape) has the key pr-1 for shop/api:80 already: by namespace and name it comes first.',
    });
    expect(problemOf(engine, 'ape')).toMatchObject({
      code: 'Shadows',
      subject: { kind: 'Pod', key: 'shop/ape' },
      message: 'It takes the requests with the key pr-1 for shop/api:80 from preview pr-1 (Deployment shop/zebra).',
    });
  });

  it('keep the key alive both', () => {
    expect(engine.model.keys).toEqual(new Set(['pr-1']));
  });

  it('are no conflict where one is a mirror, or not valid, or on another port', () => {
    const mirrors = engineWith(preview('pr-1', {}, 'ape'), preview('pr-1', { mode: 'mirror' }, 'zebra'));
    expect(portOf(mirrors).routes.get('pr-1')?.preview.name).toBe('ape');
    expect(portOf(mirrors).mirrors.get('pr-1')?.preview.name).toBe('zebra');
    const invalid = engineWith(preview('pr-1', { match: 'cookie=x' }, 'ape'), preview('pr-1', {}, 'zebra'));
    expect(portOf(invalid).routes.get('pr-1')?.preview.name).toBe('zebra');
    const ports = engineWith(
      aService({ ports: [aPort(), aPort({ name: 'http2', port: 81 })] }),
      preview('pr-1', { intercept: 'api:80' }, 'ape'),
      preview('pr-1', { intercept: 'api:81' }, 'zebra'),
    );
    expect([...ports.problems()]).toEqual([]);
  });

  it('tell a winner over many of the first, and how many more', () => {
    const many = engineWith(...['a', 'b', 'c', 'd'].map((name) => preview('pr-1', {}, name)));
    expect(codesOf(many, 'a')).toEqual(['Shadows']);
    expect(problemOf(many, 'a')?.message).toMatch(/from preview pr-1 \(Deployment shop\/b\) and 2 more\.$/);
  });
});

describe('the rules of a port', () => {
  it('stand in their order, an entry for each alternative', () => {
    const engine = engineWith(
      preview('pr-1', { match: 'x-user^=al; x-user=carol, x-team=red' }),
      preview('pr-2', { match: 'x-user=bob' }),
      preview('pr-3', {}),
    );
    expect(portOf(engine).rules.map(({ intercept, alternative }) => [intercept.key, alternative.length])).toEqual([
      ['pr-1', 2],
      ['pr-2', 1],
      ['pr-1', 1],
    ]);
  });

  it('that are the same as one before go to that one, and both sides are told', () => {
    const engine = engineWith(preview('pr-1', { match: 'x-user=alice' }), preview('pr-2', { match: 'x-user=alice' }));
    expect(byController(engine).get('api-pr-2')?.state).toBe('active');
    expect(problemOf(engine, 'api-pr-2')).toMatchObject({
      code: 'Shadowed',
      message:
        'Requests to shop/api:80 that match "x-user=alice" go to preview pr-1 (Deployment shop/api-pr-1): its rule is the same, and comes first.',
    });
    expect(problemOf(engine, 'api-pr-1')).toMatchObject({
      code: 'Shadows',
      message: 'Its rule takes requests to shop/api:80 from preview pr-2 (Deployment shop/api-pr-2).',
    });
  });

  it('that are wholly covered by one before are told', () => {
    const engine = engineWith(preview('pr-1', { match: 'x-user^=al' }), preview('pr-2', { match: 'x-user^=alice; x-user=bob' }));
    expect(codesOf(engine, 'api-pr-1')).toEqual(['Shadows']);
    expect(codesOf(engine, 'api-pr-2')).toEqual(['Shadowed']);
  });

  it('of one intercept do not shadow each other', () => {
    const engine = engineWith(preview('pr-1', { match: 'x-user^=al; x-user^=alice; x-user^=al' }));
    expect(codesOf(engine, 'api-pr-1')).toEqual([]);
  });

  it('that overlap only, or whose winner is narrower, are no problem', () => {
    const engine = engineWith(preview('pr-1', { match: 'x-user=alice' }), preview('pr-2', { match: 'x-user^=al' }));
    expect([...engine.problems()]).toEqual([]);
  });

  it('are settled among mirrors apart', () => {
    const engine = engineWith(
      preview('pr-1', { match: 'x-user=alice' }),
      preview('pr-2', { match: 'x-user=alice', mode: 'mirror' }),
      preview('pr-3', { match: 'x-user=alice', mode: 'mirror' }),
    );
    expect(portOf(engine).rules.map(({ intercept }) => intercept.key)).toEqual(['pr-1']);
    expect(portOf(engine).mirrorRules.map(({ intercept }) => intercept.key)).toEqual(['pr-2', 'pr-3']);
    expect(codesOf(engine, 'api-pr-1')).toEqual([]);
    expect(codesOf(engine, 'api-pr-2')).toEqual(['Shadows']);
    expect(codesOf(engine, 'api-pr-3')).toEqual(['Shadowed']);
  });
});
