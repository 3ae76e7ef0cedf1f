import { compareText } from '../model/order.ts';
import type { Problem, Subject } from '../model/problem.ts';
import { sameData } from '../model/same-data.ts';

/** Problems that belong to no intercept, from where they arise, by the subject that they are about. */
export class ProblemBook {
  readonly #byOrigin = new Map<string, readonly Problem[]>();
  readonly #originsBySubject = new Map<string, Set<string>>();
  readonly #bySubject = new Map<string, readonly Problem[]>();

  get bySubject(): ReadonlyMap<string, readonly Problem[]> {
    return this.#bySubject;
  }

  /** Replaces all that this origin said before. */
  set(origin: string, problems: readonly Problem[]): void {
    // Most say nothing, and where nobody does there is nobody to look up.
    if (problems.length === 0 && this.#byOrigin.size === 0) return;
    const before = this.#byOrigin.get(origin) ?? [];
    if (sameData(before, problems)) return;
    if (problems.length > 0) this.#byOrigin.set(origin, problems);
    else this.#byOrigin.delete(origin);
    for (const subject of subjectsOf(before)) this.#originsBySubject.get(subject)?.delete(origin);
    for (const subject of subjectsOf(problems)) {
      const origins = this.#originsBySubject.get(subject) ?? new Set<string>();
      this.#originsBySubject.set(subject, origins.add(origin));
    }
    for (const subject of subjectsOf([...before, ...problems])) this.#gather(subject);
  }

  #gather(subject: string): void {
    const problems = [...(this.#originsBySubject.get(subject) ?? [])]
      .flatMap((origin) => this.#byOrigin.get(origin) ?? [])
      .filter((problem) => subjectName(problem.subject) === subject)
      .sort((a, b) => compareText(a.code, b.code) || compareText(a.message, b.message))
      // A Service that is a preview too is read twice, and told the same twice.
      .filter((problem, place, all) => !sameData(problem, all[place - 1]));
    if (problems.length > 0) {
      this.#bySubject.set(subject, problems);
    } else {
      this.#bySubject.delete(subject);
      this.#originsBySubject.delete(subject);
    }
  }
}

/** `Kind/namespace/name`. */
export function subjectName(subject: Subject): string {
  return `${subject.kind}/${subject.key}`;
}

function subjectsOf(problems: readonly Problem[]): ReadonlySet<string> {
  return new Set(problems.map((problem) => subjectName(problem.subject)));
}
