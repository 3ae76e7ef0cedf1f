/** What the replicas say of the same intercepts → one list. Each replica knows the receipts of its own streams only. */
import { compareText } from '../../model/order.ts';
import { sameData } from '../../model/same-data.ts';
import type { InterceptView, PreviewView, ReceiptView } from './reports.ts';

/** What one replica says. */
export interface ReplicaReport {
  /** For messages. */
  readonly replica: string;
  readonly intercepts: readonly InterceptView[];
  readonly previews: readonly PreviewView[];
  /** That carries the key. */
  readonly header: string;
}

export interface MergedIntercept extends InterceptView {
  /** Replicas that do not know it, or as something else. */
  readonly behind: readonly string[];
}

/** An intercept as the first replica says that knows it; its receipt is that of all together. */
export function mergeIntercepts(reports: readonly ReplicaReport[]): readonly MergedIntercept[] {
  const ids = new Set(reports.flatMap(({ intercepts }) => intercepts.map(({ id }) => id)));
  return [...ids].sort(compareText).flatMap((id) => {
    const views = reports.map(({ replica, intercepts }) => ({ replica, view: intercepts.find((each) => each.id === id) }));
    const known = views.flatMap(({ view }) => (view === undefined ? [] : [view]));
    const [first] = known;
    if (first === undefined) return [];
    const behind = views.filter(({ view }) => view === undefined || !isSame(view, first)).map(({ replica }) => replica);
    const urls = [...new Set(known.flatMap((view) => view.urls))];
    return [{ ...first, urls, receipt: mergeReceipts(known, behind.length > 0), behind }];
  });
}

/** But for what each replica knows from its own Envoys. */
function isSame(one: InterceptView, other: InterceptView): boolean {
  const { receipt: _receipt, urls: _urls, baselineUrls: _baseline, problems: _problems, state, ...rest } = one;
  const {
    receipt: __receipt,
    urls: __urls,
    baselineUrls: __baseline,
    problems: __problems,
    state: otherState,
    ...others
  } = other;
  // An Envoy of one replica may have refused it.
  const isRefused = [state, otherState].includes('rejected');
  return sameData(rest, others) && (isRefused || state === otherState);
}

/**
 * Live: all replicas say that their Envoys have it, or that none of them needs it, and one at least has an Envoy that does.
 * @param isPartial a replica does not know it as the others do
 */
function mergeReceipts(known: readonly InterceptView[], isPartial: boolean): ReceiptView {
  const receipts = known.map(({ receipt }) => receipt);
  // An Envoy that has just moved is on two replicas for a moment, and has it when both say so.
  const proxies = new Map<string, boolean>();
  for (const receipt of receipts)
    for (const [id, has] of Object.entries(receipt.proxies)) proxies.set(id, (proxies.get(id) ?? true) && has);
  const named = [...proxies.values()];
  const isNamed = receipts.every((receipt) => Object.keys(receipt.proxies).length === receipt.needed);
  return {
    needed: isNamed ? named.length : sum(receipts.map(({ needed }) => needed)),
    acked: isNamed ? named.filter((has) => has).length : sum(receipts.map(({ acked }) => acked)),
    proxies: Object.fromEntries([...proxies].sort(([a], [b]) => compareText(a, b))),
    state: stateOf(
      receipts.map(({ state }) => state),
      isPartial,
    ),
  };
}

function stateOf(states: readonly string[], isPartial: boolean): string {
  if (states.includes('rejected')) return 'rejected';
  if (isPartial || states.some((state) => state !== 'live' && state !== 'noProxy')) return 'pending';
  return states.includes('live') ? 'live' : 'noProxy';
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

/** As the first replica says that knows it. */
export function mergePreviews(reports: readonly ReplicaReport[]): readonly PreviewView[] {
  const byName = new Map<string, PreviewView>();
  for (const { previews } of reports)
    for (const preview of previews) {
      const name = `${preview.namespace}/${preview.key}/${preview.workload}`;
      if (!byName.has(name)) byName.set(name, preview);
    }
  return [...byName].sort(([a], [b]) => compareText(a, b)).map(([, preview]) => preview);
}
