import { expect, test } from 'vitest';
import { interceptId } from '../../../src/model/names.ts';
import type { Problem } from '../../../src/model/problem.ts';
import { targetName } from '../../../src/status/fact.ts';
import { PodOwners } from '../../../src/status/pod-owners.ts';
import { problemFacts } from '../../../src/status/problem-facts.ts';
import { aPod, puts, removal } from '../../support/builders.ts';

const ID = interceptId({ namespace: 'shop', key: 'pr-1', kind: 'StatefulSet', name: 'db' }, 'web/api:80');

function aProblem(over: Partial<Problem> = {}): Problem {
  return {
    code: 'UnknownAnnotation',
    subject: { kind: 'Pod', key: 'shop/api-pr-42-1' },
    message: 'Pod shop/api-pr-42-1: there is no annotation "detour.dev/matches"; it has no effect.',
    hint: 'Did you mean detour.dev/match?',
    ...over,
  };
}

const owners = new PodOwners();
owners.apply(puts(aPod()));
const factsOf = (...problems: readonly Problem[]) => problemFacts(problems, (pod) => owners.ownerOf(pod));
const targetsOf = (...problems: readonly Problem[]) => factsOf(...problems).map(({ target }) => targetName(target));

test("a problem is told where people look: a pod's on its workload, a Service's there, a file's nowhere", () => {
  expect(targetsOf(aProblem())).toEqual(['Deployment/shop/api-pr-42']);
  expect(targetsOf(aProblem({ subject: { kind: 'Pod', key: 'shop/unknown' } }))).toEqual(['Pod/shop/unknown']);
  expect(targetsOf(aProblem({ intercept: ID }))).toEqual(['StatefulSet/shop/db']);
  expect(targetsOf(aProblem({ subject: { kind: 'Service', key: 'web/api' }, intercept: ID }))).toEqual(['Service/web/api']);
  expect(targetsOf(aProblem({ subject: { kind: 'EndpointSlice', key: 'web/api-1' } }))).toEqual(['EndpointSlice/web/api-1']);
  expect(targetsOf(aProblem({ subject: { kind: 'File', key: '.' } }))).toEqual([]);
});

test('a rollout is the same problem on other pods', () => {
  owners.apply(puts(aPod({ name: 'api-pr-42-2' })));
  const message = 'Pod shop/api-pr-42-2: there is no annotation "detour.dev/matches"; it has no effect.';
  const [before] = factsOf(aProblem());
  expect(factsOf(aProblem({ subject: { kind: 'Pod', key: 'shop/api-pr-42-2' }, message }))).toEqual([before]);
  expect(before).toMatchObject({
    type: 'Warning',
    reason: 'UnknownAnnotation',
    text: 'There is no annotation "detour.dev/matches"; it has no effect. Did you mean detour.dev/match?',
    ending: 'ProblemSolved',
  });
  owners.apply([removal('pod', 'shop/api-pr-42-2')]);
  expect(owners.ownerOf('shop/api-pr-42-2')).toBeUndefined();
});

test('several problems of one code are one fact for an intercept, and one each elsewhere', () => {
  const shadowed = (message: string) => aProblem({ code: 'Shadowed', intercept: ID, message, hint: '' });
  const both = factsOf(shadowed('Two.'), shadowed('One.'));
  expect(both.map(({ text }) => text)).toEqual(['One. Two.']);
  // In whatever order they come; another text is another version of the same.
  expect(factsOf(shadowed('One.'), shadowed('Two.'))).toEqual(both);
  const [one] = factsOf(shadowed('One.'));
  expect(one?.topic).toBe(both[0]?.topic);
  expect(one?.version).not.toBe(both[0]?.version);
  expect(factsOf(aProblem({ message: 'One.' }), aProblem({ message: 'Two.' }))).toHaveLength(2);
});

test('who wins a conflict is told so, which is no warning', () => {
  expect(factsOf(aProblem({ code: 'Shadows', intercept: ID }))).toMatchObject([
    { type: 'Normal', reason: 'Shadows', ending: 'ConflictOver', repeats: false },
  ]);
});
