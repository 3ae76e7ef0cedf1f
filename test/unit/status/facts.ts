/** Facts for tests: whole and ordinary, what matters is said over them. */
import type { Fact } from '../../../src/status/fact.ts';

export function aFact(over: Partial<Fact> = {}): Fact {
  return {
    target: { kind: 'Deployment', namespace: 'shop', name: 'api-pr-1' },
    topic: 'problem UnknownService',
    reason: 'UnknownService',
    type: 'Warning',
    text: 'There is no Service shop/apo.',
    version: 'v1',
    ending: 'ProblemSolved',
    repeats: true,
    ...over,
  };
}
