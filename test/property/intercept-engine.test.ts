import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InterceptEngine } from '../../src/intercepts/engine.ts';
import type { ClusterChange } from '../../src/model/cluster-state.ts';
import type { InterceptModel, ModelChange, PodModel } from '../../src/model/intercept.ts';
import type { ObjectKey } from '../../src/model/names.ts';
import { arbitraryChange, POD_KEYS } from '../support/arbitrary-cluster.ts';

const STEP_MS = 7_000;
const steps = fc.array(fc.array(arbitraryChange, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 25 });

/** The last word on every object, in an order made of `seed`. */
function finalState(changes: readonly ClusterChange[], seed: number): readonly ClusterChange[] {
  const last = new Map(changes.map((change) => [`${change.kind} ${change.key}`, change]));
  const there = [...last.values()].filter(({ object }) => object !== undefined);
  return there
    .map((change, index) => ({ change, rank: Math.imul(index + seed, 0x9e3779b1) >>> 0 }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ change }) => change);
}

function everythingOf(engine: InterceptEngine) {
  const { services, hosts, pods, keys, problems } = engine.model;
  return {
    ...copyOf({ services, hosts, pods, keys, problems }),
    intercepts: [...engine.intercepts()],
    allProblems: [...engine.problems()],
    deadline: engine.nextDeadline(),
  };
}

function copyOf({ services, hosts, pods, keys, problems }: InterceptModel) {
  return {
    services: new Map(services),
    hosts: new Map(hosts),
    pods: podsOf(pods),
    keys: new Set(keys),
    problems: new Map(problems),
  };
}

/** All of them, so that the engine was asked for all. */
function podsOf(pods: InterceptModel['pods']): ReadonlyMap<ObjectKey, PodModel> {
  return new Map(
    POD_KEYS.flatMap((key) => {
      const pod = pods.get(key);
      return pod === undefined ? [] : [[key, pod] as const];
    }),
  );
}

describe('the incremental engine', () => {
  it('has, after every step, what a fresh engine makes of the same objects in any order', () => {
    fc.assert(
      fc.property(steps, fc.nat(), (batches, seed) => {
        const engine = new InterceptEngine({ lingerMs: 0 });
        const seen: ClusterChange[] = [];
        for (const [index, batch] of batches.entries()) {
          const now = index * STEP_MS;
          engine.apply(batch, now);
          seen.push(...batch);
          const fresh = new InterceptEngine({ lingerMs: 0 });
          fresh.apply(finalState(seen, seed), now);
          const mine = everythingOf(engine);
          const theirs = everythingOf(fresh);
          if (!isDeepStrictEqual(mine, theirs)) expect(mine).toStrictEqual(theirs);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('forgets the linger once it is over', () => {
    fc.assert(
      fc.property(steps, fc.nat(), (batches, seed) => {
        const engine = new InterceptEngine();
        for (const [index, batch] of batches.entries()) engine.apply(batch, index * STEP_MS);
        const end = 1_000_000;
        engine.tick(end);
        const fresh = new InterceptEngine();
        fresh.apply(finalState(batches.flat(), seed), end);
        const mine = everythingOf(engine);
        const theirs = everythingOf(fresh);
        if (!isDeepStrictEqual(mine, theirs)) expect(mine).toStrictEqual(theirs);
      }),
      { numRuns: 200 },
    );
  });

  it('names in ModelChange everything that differs and nothing else, and keeps the identity of the rest', () => {
    fc.assert(
      fc.property(steps, (batches) => {
        const engine = new InterceptEngine();
        for (const [index, batch] of batches.entries()) {
          const now = index * STEP_MS;
          for (const step of [() => engine.tick(now), () => engine.apply(batch, now)]) {
            const before = copyOf(engine.model);
            const change = step();
            const after = copyOf(engine.model);
            expectExact(before, after, change);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it('names every pod that differs, though only some are ever asked for, and has those up to date', () => {
    fc.assert(
      fc.property(steps, fc.uniqueArray(fc.constantFrom(...POD_KEYS)), (batches, asked) => {
        const engine = new InterceptEngine();
        const other = new InterceptEngine();
        let before = podsOf(other.model.pods);
        // From the first question on.
        engine.model.pods.get('shop/somebody');
        for (const [index, batch] of batches.entries()) {
          const { pods: named } = engine.apply(batch, index * STEP_MS);
          other.apply(batch, index * STEP_MS);
          const after = podsOf(other.model.pods);
          const changed = changedNames(before, after);
          expect([...changed].filter((key) => !named.has(key))).toEqual([]);
          for (const key of asked) expect(engine.model.pods.get(key)).toEqual(after.get(key));
          before = after;
        }
      }),
      { numRuns: 200 },
    );
  });

  it('has nothing to do before the next deadline, and something at it', () => {
    fc.assert(
      fc.property(steps, (batches) => {
        const engine = new InterceptEngine();
        const end = batches.length * STEP_MS;
        for (const [index, batch] of batches.entries()) engine.apply(batch, index * STEP_MS);
        engine.tick(end);
        const deadline = engine.nextDeadline();
        if (deadline === undefined) return;
        expect(deadline).toBeGreaterThan(end);
        const before = everythingOf(engine);
        engine.tick(deadline - 1);
        expect(everythingOf(engine)).toStrictEqual(before);
        engine.tick(deadline);
        expect(engine.nextDeadline()).not.toBe(deadline);
      }),
      { numRuns: 200 },
    );
  });

  it('keeps the promises of the model', () => {
    fc.assert(
      fc.property(steps, (batches) => {
        const engine = new InterceptEngine();
        for (const [index, batch] of batches.entries()) engine.apply(batch, index * STEP_MS);
        const intercepts = [...engine.intercepts()];
        expect(new Set(intercepts.map(({ id }) => id)).size).toBe(intercepts.length);
        const live = intercepts.filter(({ state }) => state === 'active' || state === 'shadowed');
        expect(engine.model.keys).toEqual(new Set(live.map(({ key }) => key)));
        for (const service of engine.model.services.values()) {
          for (const port of service.ports) {
            const active = service.intercepts.filter(({ target, state }) => target === port.key && state === 'active');
            const served = [...port.routes.values(), ...port.mirrors.values()];
            expect(new Set(served)).toEqual(new Set(active));
            for (const { intercept } of [...port.rules, ...port.mirrorRules]) expect(served).toContain(intercept);
          }
          for (const { state, winner } of service.intercepts) expect(winner !== undefined).toBe(state === 'shadowed');
        }
        for (const { paths } of engine.model.hosts.values()) expect(paths.length).toBeGreaterThan(0);
      }),
      { numRuns: 200 },
    );
  });
});

type Copy = ReturnType<typeof copyOf>;

function expectExact(before: Copy, after: Copy, change: ModelChange): void {
  expect(change.services).toEqual(changedNames(before.services, after.services));
  expect(change.hosts).toEqual(changedNames(before.hosts, after.hosts));
  // One that comes and goes within one step, or that nothing knows yet, may be named.
  const pods = [...change.pods].filter((key) => before.pods.has(key) || after.pods.has(key));
  expect(new Set(pods)).toEqual(changedNames(before.pods, after.pods));
  expect(change.keys).toEqual(
    new Set(
      [...before.keys].filter((key) => !after.keys.has(key)).concat([...after.keys].filter((key) => !before.keys.has(key))),
    ),
  );
}

/** Names whose values differ; where they do not, the value must be the same object. */
function changedNames<K, V>(before: ReadonlyMap<K, V>, after: ReadonlyMap<K, V>): ReadonlySet<K> {
  const changed = new Set<K>();
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    if (before.get(name) === after.get(name)) continue;
    expect(isDeepStrictEqual(before.get(name), after.get(name)), `${name} changed its identity alone`).toBe(false);
    changed.add(name);
  }
  return changed;
}
