/** Whether the control plane may get Envoys, and what it waits for if not. */
import { type Answer, text } from './http.ts';

export interface Condition {
  /** `source`, `xds`. */
  readonly name: string;
  /** Not ready while false. */
  readonly met: boolean;
  /** How it is, in one sentence part; for an unmet one what is waited for. */
  readonly detail: string;
}

/** `/readyz`: 200 when all conditions are met, else 503 and what is waited for; `?verbose` tells all of them. */
export function readyAnswer(conditions: readonly Condition[], verbose: boolean): Answer {
  const unmet = conditions.filter(({ met }) => !met);
  const status = unmet.length === 0 ? 200 : 503;
  if (!verbose && status === 200) return text('ok\n');
  const told = verbose ? conditions : unmet;
  const lines = told.map(({ name, met, detail }) => `[${met ? '+' : '-'}] ${name}: ${detail}`);
  return text(
    [...lines, status === 200 ? 'ready' : `not ready: waiting for ${unmet.map(({ name }) => name).join(', ')}`, ''].join('\n'),
    status,
  );
}
