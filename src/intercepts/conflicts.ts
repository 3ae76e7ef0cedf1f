/** Who wins where several previews want the same requests, and what both sides are told (design, section 2, "Conflicts"). */
import { formatPredicate } from '../annotations/header-rule.ts';
import { isGuest } from '../model/guests.ts';
import type { Intercept, RuleEntry } from '../model/intercept.ts';
import type { InterceptId } from '../model/names.ts';
import { comparePreviews, orderRules } from '../model/order.ts';
import type { Problem } from '../model/problem.ts';
import type { Alternative } from '../model/rule.ts';
import { shorten } from '../model/shorten.ts';
import type { Candidate } from './candidates.ts';
import { coveredEntries } from './coverage.ts';
import { problemOf } from './fault.ts';

/** Who won, of the active candidates of one port and one mode: mirrors are settled among themselves. */
export interface Settlement {
  readonly candidates: readonly Candidate[];
  /** By loser. */
  readonly winners: ReadonlyMap<InterceptId, InterceptId>;
  readonly problems: ReadonlyMap<InterceptId, readonly Problem[]>;
  /** The rules of those that serve, first match wins. */
  readonly rules: readonly RulePlace[];
}

/** An alternative by its place in the rule of an intercept. */
export interface RulePlace {
  readonly intercept: InterceptId;
  readonly place: number;
}

/** @param previous of the same port and mode: taken over where nothing changed that decides, as when pods come and go. */
export function settle(candidates: readonly Candidate[], previous?: Settlement): Settlement {
  if (previous !== undefined && sameContest(previous.candidates, candidates)) return { ...previous, candidates };
  const notes = new Notes();
  const winners = new Map<InterceptId, InterceptId>();
  const active: Candidate[] = [];
  for (const rivals of Map.groupBy(candidates, ({ intercept }) => intercept.key).values()) {
    const [winner, ...losers] = rivals.toSorted(compareRivals);
    if (winner === undefined) continue;
    active.push(winner);
    for (const loser of losers) winners.set(loser.intercept.id, winner.intercept.id);
    noteKey(winner, losers, notes);
  }
  const rules = orderRules(active.flatMap(entriesOf));
  noteRules(rules, active, notes);
  const places = rules.map(({ intercept, alternative }) => ({
    intercept: intercept.id,
    place: intercept.rule?.alternatives.indexOf(alternative) ?? 0,
  }));
  return { candidates, winners, problems: notes.byIntercept, rules: places };
}

/** The candidate's intercept with what its conflicts made of it. */
export function settled({ intercept }: Candidate, { winners, problems }: Settlement): Intercept {
  const winner = winners.get(intercept.id);
  const more = problems.get(intercept.id);
  if (winner === undefined && more === undefined) return intercept;
  const all = [...intercept.problems, ...(more ?? [])];
  return { ...intercept, state: winner === undefined ? 'active' : 'shadowed', winner, problems: all };
}

/**
 * What is only kept for a while does not stand in the way of what is there, and nobody takes the key of a preview from the
 * Service's own namespace who is let in from another one.
 */
function compareRivals(a: Candidate, b: Candidate): number {
  return (
    Number(a.lingering) - Number(b.lingering) ||
    Number(isGuest(a.intercept)) - Number(isGuest(b.intercept)) ||
    comparePreviews(a.intercept.preview, b.intercept.preview)
  );
}

/** By all that {@link settle} looks at. */
function sameContest(a: readonly Candidate[], b: readonly Candidate[]): boolean {
  return (
    a.length === b.length &&
    a.every((one, place) => {
      const other = b[place];
      return (
        one === other ||
        (one.intercept.id === other?.intercept.id &&
          one.intercept.rule === other.intercept.rule &&
          one.lingering === other.lingering &&
          one.subject.key === other.subject.key)
      );
    })
  );
}

class Notes {
  readonly byIntercept = new Map<InterceptId, Problem[]>();

  add({ intercept, subject }: Candidate, code: Problem['code'], message: string, hint: string): void {
    const problem = problemOf({ code, message, hint }, subject, intercept.id);
    const problems = this.byIntercept.get(intercept.id);
    if (problems === undefined) this.byIntercept.set(intercept.id, [problem]);
    else problems.push(problem);
  }
}

function entriesOf({ intercept }: Candidate): readonly RuleEntry[] {
  return intercept.rule?.alternatives.map((alternative) => ({ intercept, alternative })) ?? [];
}

function noteKey(winner: Candidate, losers: readonly Candidate[], notes: Notes): void {
  const { key, target } = winner.intercept;
  for (const loser of losers) {
    notes.add(
      loser,
      'DuplicateKey',
      `${capital(describe(winner.intercept))} has the key ${key} for ${target} already: ${isGuest(loser.intercept) && !isGuest(winner.intercept) ? "it is in the Service's own namespace, and" : 'by namespace and name it'} comes first.`,
      'Give one of them another key, or delete one.',
    );
  }
  const others = losers.map((loser) => describe(loser.intercept));
  if (others.length > 0) {
    notes.add(winner, 'Shadows', `It takes the requests with the key ${key} for ${target} from ${someOf(others)}.`, '');
  }
}

function noteRules(rules: readonly RuleEntry[], active: readonly Candidate[], notes: Notes): void {
  const candidates = new Map(active.map((candidate) => [candidate.intercept.id, candidate]));
  const losersOf = new Map<Candidate, Set<string>>();
  for (const [entry, cover] of coveredEntries(rules)) {
    const loser = candidates.get(entry.intercept.id);
    const winner = candidates.get(cover.intercept.id);
    if (loser === undefined || winner === undefined) continue;
    const mine = describeRule(entry.alternative);
    const theirs = describeRule(cover.alternative);
    notes.add(
      loser,
      'Shadowed',
      `Requests to ${entry.intercept.target} that match ${mine} go to ${describe(cover.intercept)}: ${mine === theirs ? 'its rule is the same' : `its rule ${theirs} takes them too`}, and comes first.`,
      'Make one of the rules narrower. Requests with the key of a preview go there all the same.',
    );
    const losers = losersOf.get(winner) ?? new Set();
    losersOf.set(winner, losers.add(describe(entry.intercept)));
  }
  for (const [winner, losers] of losersOf) {
    const from = someOf([...losers]);
    notes.add(winner, 'Shadows', `Its rule takes requests to ${winner.intercept.target} from ${from}.`, '');
  }
}

function describe({ preview }: Intercept): string {
  return `preview ${preview.key} (${preview.kind} ${preview.namespace}/${preview.name})`;
}

function describeRule(alternative: Alternative): string {
  return shorten(alternative.map(formatPredicate).join(', '), 100);
}

/** A winner over thousands is told of the first, and how many more. */
function someOf(names: readonly string[]): string {
  const rest = names.length - 1;
  return rest === 0 ? `${names[0]}` : `${names[0]} and ${rest} more`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
