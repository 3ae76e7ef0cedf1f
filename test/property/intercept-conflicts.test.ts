import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InterceptEngine } from '../../src/intercepts/engine.ts';
import type { Pod } from '../../src/model/cluster-state.ts';
import type { RuleEntry } from '../../src/model/intercept.ts';
import { aPod, aService, aSlice, puts } from '../support/builders.ts';

const rule = fc.constantFrom(
  undefined,
  'x-user=alice',
  'x-user^=al',
  'x-user^=ali',
  'x-user$=ce',
  'x-user*=lic',
  'x-user~="al.*", x-a=1',
  'x-user=alice, x-team=red',
  'x-team=red, x-user=alice',
  'x-user=bob; x-user=alice; x-user^=al',
  'baggage[user]=alice, x-user',
);

const previews = fc
  .uniqueArray(
    fc.record({
      namespace: fc.constantFrom('shop', 'web', 'a'),
      key: fc.constantFrom('pr-1', 'pr-2', 'pr-3'),
      kind: fc.constantFrom('Deployment', 'Job'),
      name: fc.constantFrom('a', 'b', 'c'),
      rule,
      mirror: fc.boolean(),
      createdAt: fc.nat(3),
      ready: fc.boolean(),
    }),
    { selector: ({ namespace, key, kind, name }) => [namespace, key, kind, name].join(), minLength: 2, maxLength: 14 },
  )
  .map((all) =>
    all.map(({ namespace, key, kind, name, rule, mirror, createdAt, ready }) =>
      aPod({
        namespace,
        name: `${kind}-${name}-${key}`,
        previewLabel: key,
        controller: { kind, name },
        createdAt,
        ready,
        annotations: { intercept: 'api.shop', ...(rule && { match: rule }), ...(mirror && { mode: 'mirror' }) },
      }),
    ),
  );

const cluster = puts(aService({ annotations: { 'allow-from': '*' } }), aSlice());

function outcome(engine: InterceptEngine) {
  const port = engine.model.services.get('shop/api')?.ports[0];
  const places = (entries: readonly RuleEntry[] = []) => entries.map(({ intercept, alternative }) => [intercept.id, alternative]);
  return {
    states: [...engine.intercepts()].map(({ id, state, winner, problems }) => [id, state, winner, problems]),
    routes: [...(port?.routes ?? [])].map(([key, { id }]) => [key, id]),
    mirrors: [...(port?.mirrors ?? [])].map(([key, { id }]) => [key, id]),
    rules: places(port?.rules),
    mirrorRules: places(port?.mirrorRules),
  };
}

function engineWith(pods: readonly Pod[]): InterceptEngine {
  const engine = new InterceptEngine({ lingerMs: 0 });
  engine.apply([...cluster, ...puts(...pods)], 0);
  return engine;
}

describe('conflicts', () => {
  it('have the same winners, losers and order of rules, in whatever order the previews arrive', () => {
    fc.assert(
      fc.property(
        previews.chain((pods) => fc.tuple(fc.constant(pods), fc.shuffledSubarray(pods, { minLength: pods.length }))),
        ([pods, shuffled]) => {
          const oneByOne = new InterceptEngine({ lingerMs: 0 });
          for (const pod of shuffled) oneByOne.apply(puts(pod), 0);
          oneByOne.apply(cluster, 0);
          expect(outcome(oneByOne)).toEqual(outcome(engineWith(pods)));
        },
      ),
      { numRuns: 300 },
    );
  });

  it("leave one preview a key, that of the Service's namespace, then the first by name, and tell every loser who it is", () => {
    fc.assert(
      fc.property(previews, (pods) => {
        const intercepts = [...engineWith(pods).intercepts()].filter(({ state }) => state === 'active' || state === 'shadowed');
        for (const rivals of Map.groupBy(intercepts, ({ key, mode }) => `${mode} ${key}`).values()) {
          const place = ({ preview }: (typeof rivals)[number]) =>
            `${preview.namespace === 'shop' ? 0 : 1} ${preview.namespace} ${preview.name} ${preview.kind}`;
          const [first, ...others] = rivals.toSorted((a, b) => (place(a) < place(b) ? -1 : 1));
          expect(first?.state).toBe('active');
          for (const loser of others) {
            expect(loser).toMatchObject({ state: 'shadowed', winner: first?.id });
            expect(loser.problems.map(({ code }) => code)).toContain('DuplicateKey');
          }
          expect(first?.problems.some(({ message }) => message.startsWith('It takes'))).toBe(others.length > 0);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('are between those that are there: without the losers, the winners are the same', () => {
    fc.assert(
      fc.property(previews, (pods) => {
        const all = engineWith(pods);
        const active = new Set(
          [...all.intercepts()].filter(({ state }) => state === 'active').map(({ preview }) => JSON.stringify(preview)),
        );
        const winners = pods.filter((pod) =>
          active.has(
            JSON.stringify({
              namespace: pod.namespace,
              key: pod.previewLabel,
              kind: pod.controller.kind,
              name: pod.controller.name,
            }),
          ),
        );
        const { rules, routes, mirrors, mirrorRules } = outcome(engineWith(winners));
        expect({ rules, routes, mirrors, mirrorRules }).toEqual((({ states: _, ...served }) => served)(outcome(all)));
      }),
      { numRuns: 200 },
    );
  });
});
