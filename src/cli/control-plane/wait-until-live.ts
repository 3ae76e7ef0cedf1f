/** Asks all replicas again and again until the previews of a key are live, or cannot become so. */
import { isTrouble, type Trouble } from '../trouble.ts';
import type { ControlPlaneClient, Overview, Selection } from './client.ts';
import { type ExpectedPods, judge } from './judge.ts';
import type { ProblemView } from './reports.ts';

export interface WaitOptions {
  readonly client: ControlPlaneClient;
  readonly selection: Selection & { readonly key: string };
  /** ms since the epoch. */
  readonly deadline: number;
  /** See {@link judge}. */
  readonly expected?: ExpectedPods;
  /** Told whenever what is waited for changes. */
  readonly onProgress: (lacks: readonly string[]) => void;
}

export type Waited =
  | { readonly kind: 'live'; readonly overview: Overview; readonly notes: readonly string[] }
  | { readonly kind: 'broken'; readonly problems: readonly ProblemView[] }
  | { readonly kind: 'late'; readonly lacks: readonly string[] }
  | Trouble;

/** Objects that were applied together reach the control plane one after the other: a mistake counts when it stays. */
const GRACE_MS = 2_000;
const POLL_MS = 250;
/** After that long nobody notices a second more. */
const PATIENT_AFTER_MS = 15_000;
const PATIENT_POLL_MS = 1_000;

/** @returns trouble where the control plane cannot be asked from the beginning, and waiting does not mend that. */
export async function waitUntilLive({ client, selection, deadline, expected, onProgress }: WaitOptions): Promise<Waited> {
  const start = Date.now();
  let told = '';
  let lacks: readonly string[] = [];
  let broken: { readonly said: string; readonly since: number } | undefined;
  for (let isFirst = true; ; isFirst = false) {
    const overview = await client.overview(selection);
    if (isTrouble(overview)) {
      if (isFirst && overview.mayPass !== true) return overview;
      lacks = [overview.trouble];
      broken = undefined;
    } else {
      const verdict = judge(overview, selection.key, expected);
      if (verdict.kind === 'live') return { kind: 'live', overview, notes: verdict.notes };
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
    if (now >= deadline) return { kind: 'late', lacks };
    const pause = now - start > PATIENT_AFTER_MS ? PATIENT_POLL_MS : POLL_MS;
    await new Promise((resolve) => setTimeout(resolve, Math.min(pause, deadline - now)));
  }
}
