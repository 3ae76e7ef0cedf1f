import type { InterceptId } from '../model/names.ts';
import type { Problem, Subject } from '../model/problem.ts';

/** A problem before it is known whom it is told to. */
export type Fault = Pick<Problem, 'code' | 'message' | 'hint'>;

export function problemOf(fault: Fault, subject: Subject, intercept?: InterceptId): Problem {
  const { code, message, hint } = fault;
  return { code, subject, ...(intercept === undefined ? {} : { intercept }), message, hint };
}
