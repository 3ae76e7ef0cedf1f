/** Asks all replicas again and again until the previews of a key are live, or cannot become so. */
import { isTrouble, type Trouble } from '../trouble.ts';
import type { ControlPlaneClient, Overview, Selection } from './client.ts';
import { type ExpectedPods, judge, type Verdict } from './judge.ts';
import type { ProblemView } from './reports.ts';

export interface WaitOptions {
  readonly client: ControlPlaneClient;
  readonly selection: Selection & { readonly key: string };
  /** ms since the epoch. */
  readonly deadline: number;
  /** Asked each time, before the control plane is: it then has to know what is there by now. */
  readonly look?: () => Promise<Look>;
  /** Told whenever what is waited for changes. */
  readonly onProgress: (lacks: readonly string[]) => void;
}

/** What the cluster itself says of the workloads. */
export interface Look {
  /** What is under way there, a sentence part each: told in place of what the control plane says. */
  readonly lacks: readonly string[];
  /** Of those that are as they are to be, see {@link judge}. */
  readonly expected: readonly ExpectedPods[];
  /** Waiting does not mend it. */
  readonly hopeless: Trouble | undefined;
}

export type Waited =
  | { readonly kind: 'live'; readonly overview: Overview; readonly notes: readonly string[] }
  | { readonly kind: 'broken'; readonly problems: readonly ProblemView[] }
  /** `isKnown`: the control plane knows something of the key. */
  | { readonly kind: 'late'; readonly lacks: readonly string[]; readonly isKnown: boolean }
  | Trouble;

/** Objects that were applied together reach the control plane one after the other: a mistake counts when it stays. */
const GRACE_MS = 2_000;
const POLL_MS = 250;
/** After that long nobody notices a second more. */
const PATIENT_AFTER_MS = 15_000;
const PATIENT_POLL_MS = 1_000;
/**
 * An Envoy acknowledges when its main thread has handed a change to its workers. Each takes it over in the next turn of
 * its event loop: for as long Envoy itself thinks nothing of a worker that has none (its watchdog's first limit).
 */
const WORKERS_MS = 200;

/**
 * @returns trouble where the control plane cannot be asked from the beginning, and waiting does not mend that; and where a
 *   look finds no hope
 */
export async function waitUntilLive({ client, selection, deadline, look, onProgress }: WaitOptions): Promise<Waited> {
  const start = Date.now();
  let told = '';
  let lacks: readonly string[] = [];
  let broken: { readonly said: string; readonly since: number } | undefined;
  let isKnown = false;
  for (let isFirst = true; ; isFirst = false) {
    const looked = await look?.();
    if (looked?.hopeless !== undefined) return looked.hopeless;
    const overview = await client.overview(selection);
    if (isTrouble(overview)) {
      if (isFirst && overview.mayPass !== true) return overview;
      lacks = [overview.trouble];
      broken = undefined;
    } else {
      isKnown = overview.intercepts.length > 0 || overview.previews.length > 0;
      const verdict = verdictOf(overview, selection.key, looked);
      if (verdict.kind === 'live') {
        await new Promise((resolve) => setTimeout(resolve, WORKERS_MS));
        return { kind: 'live', overview, notes: verdict.notes };
      }
      if (verdict.kind === 'broken') {
        const said = JSON.stringify(verdict.problems);
        if (broken?.said !== said) broken = { said, since: Date.now() };
        if (Date.now() - broken.since >= GRACE_MS || Date.now() >= deadline) return verdict;
        lacks = verdict.problems.map(({ code, message }) => `${code}: ${message}`);
      } else {
        broken = undefined;
        lacks = verdict.lacks;
      }
    }
    if (told !== lacks.join('\n')) onProgress(lacks);
    told = lacks.join('\n');
    const now = Date.now();
    if (now >= deadline) return { kind: 'late', lacks, isKnown };
    const pause = now - start > PATIENT_AFTER_MS ? PATIENT_POLL_MS : POLL_MS;
    await new Promise((resolve) => setTimeout(resolve, Math.min(pause, deadline - now)));
  }
}

function verdictOf(overview: Overview, key: string, { lacks, expected }: Pick<Look, 'lacks' | 'expected'> = NOTHING): Verdict {
  const verdicts = (expected.length === 0 ? [undefined] : expected).map((each) => judge(overview, key, each));
  // A mistake is the same for all of them.
  const worst =
    verdicts.find(({ kind }) => kind === 'broken') ??
    verdicts.find(({ kind }) => kind === 'waiting') ??
    judge(overview, key, undefined);
  return lacks.length > 0 && worst.kind !== 'broken' ? { kind: 'waiting', lacks } : worst;
}

const NOTHING = { lacks: [], expected: [] };
