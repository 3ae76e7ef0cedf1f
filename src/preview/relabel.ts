/** Which labels of a copy must differ from the baseline's, so that nothing takes the copy for the baseline. */
import { joinName } from './join-name.ts';
import { type Labels, type Requirement, type Selector, selects } from './selector.ts';

/** A new value, or undefined: the label is removed. */
export type LabelChanges = Readonly<Record<string, string | undefined>>;

const LONGEST_VALUE = 63;

/** Where one of several labels will do: names of one instance first, what groups workloads last. */
const INSTANCE_LABELS = ['app.kubernetes.io/instance', 'release', 'instance'];
const NAME_LABELS = ['app.kubernetes.io/name', 'app', 'k8s-app', 'name', 'service'];

/**
 * As few changes as do: policies and monitors that select by other labels go on to apply to the copy.
 * @param selectors of which none that takes the baseline may take the copy.
 * @param own labels that the copy has in any case.
 */
export function changeLabels(baseline: Labels, own: Labels, selectors: readonly Selector[], key: string): LabelChanges {
  const changes: Record<string, string | undefined> = {};
  const guarded = selectors.filter((selector) => selects(selector, baseline));
  for (;;) {
    const labels = { ...applyChanges(baseline, changes), ...own };
    const left = guarded.filter((selector) => selects(selector, labels));
    const label = bestLabel(left, new Set([...Object.keys(own), ...Object.keys(changes)]));
    if (label === undefined) return changes;
    const value = joinName(baseline[label] ?? '', key, LONGEST_VALUE);
    const stillTaken = left.some((selector) => selector.some((one) => one.key === label && !breaks(one, value)));
    changes[label] = stillTaken ? undefined : value;
  }
}

export function applyChanges(labels: Labels, changes: LabelChanges): Labels {
  const entries = Object.entries(labels).flatMap(([key, value]): [string, string][] => {
    const changed = Object.hasOwn(changes, key) ? changes[key] : value;
    return changed === undefined ? [] : [[key, changed]];
  });
  return Object.fromEntries(entries);
}

/** The label that most of the selectors ask for; undefined: no change of a label would help. */
function bestLabel(selectors: readonly Selector[], taken: ReadonlySet<string>): string | undefined {
  const counts = new Map<string, number>();
  for (const selector of selectors) {
    for (const key of new Set(selector.filter(isBreakable).map((requirement) => requirement.key))) {
      if (!taken.has(key)) counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  const [best] = [...counts].sort(([a, inA], [b, inB]) => inB - inA || rank(a) - rank(b) || (a < b ? -1 : 1));
  return best?.[0];
}

/** That a label is not there can only be broken by adding one, which is no change of the baseline's. */
function isBreakable({ operator }: Requirement): boolean {
  return operator === 'In' || operator === 'Exists';
}

function breaks({ operator, values }: Requirement, value: string): boolean {
  return operator === 'In' && !values.includes(value);
}

function rank(label: string): number {
  if (INSTANCE_LABELS.includes(label)) return 0;
  return NAME_LABELS.includes(label) ? 1 : 2;
}
