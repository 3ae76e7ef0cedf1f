/** What all regular expressions of one Service port may cost together: each request that names no preview may meet them all. */
import { PROBLEMS } from '../model/problem.ts';
import type { Candidate } from './candidates.ts';
import { problemOf } from './fault.ts';

/** Instructions of RE2, as `ruleCost` counts them. */
export const PORT_PROGRAM_SIZE = 10_000;

/**
 * The active candidates of one port, in their order; those beyond the budget are not active any more. The cheapest are
 * served first, so that whoever writes costly ones stands in nobody's way but his own.
 */
export function withinBudget(candidates: readonly Candidate[]): readonly Candidate[] {
  const costly = candidates.filter(({ cost }) => cost > 0);
  if (costly.reduce((sum, { cost }) => sum + cost, 0) <= PORT_PROGRAM_SIZE) return candidates;
  const refused = new Set<Candidate>();
  let spent = 0;
  for (const candidate of costly.toSorted((a, b) => a.cost - b.cost || (a.intercept.id < b.intercept.id ? -1 : 1))) {
    if (spent + candidate.cost > PORT_PROGRAM_SIZE) refused.add(candidate);
    else spent += candidate.cost;
  }
  return candidates.map((candidate) => (refused.has(candidate) ? tooCostly(candidate) : candidate));
}

function tooCostly(candidate: Candidate): Candidate {
  const { intercept, subject, cost } = candidate;
  const fault = {
    code: 'RegexTooCostly',
    message: `The regular expressions of all previews of ${intercept.target} together can take more than ${PORT_PROGRAM_SIZE} instructions; those of this one take ${cost}, and cheaper ones come first.`,
    hint: 'Match without ~=, or with shorter patterns; or delete previews that nobody needs any more.',
  } as const;
  const kept = intercept.problems.filter(({ code }) => PROBLEMS[code].severity === 'error');
  const problems = [...kept, problemOf(fault, subject, intercept.id)];
  return { ...candidate, intercept: { ...intercept, state: 'invalid', problems } };
}
