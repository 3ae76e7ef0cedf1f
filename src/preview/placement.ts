/** Where pods may run, as far as that depends on labels: rules of a workload about its own pods. */
import type { Fields } from '../model/field-reader.ts';
import { type Labels, labelSelector, type Selector, selects } from './selector.ts';
import { fieldsOf, listOf } from './workload.ts';

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';
const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution';

/**
 * Selectors of rules that the scheduler must keep and that hold pods apart. Where such a rule of the baseline takes the
 * copy for one of its own, the copy finds no node, or the baseline's next pod does not.
 */
export function keepApartSelectors(spec: Fields): readonly Selector[] {
  const terms = listOf(fieldsOf(fieldsOf(spec['affinity'])['podAntiAffinity'])[REQUIRED]);
  const spread = listOf(spec['topologySpreadConstraints']).filter(
    (each) => fieldsOf(each)['whenUnsatisfiable'] === 'DoNotSchedule',
  );
  return [...terms, ...spread].flatMap((each) => {
    const selector = labelSelector(fieldsOf(each)['labelSelector']);
    return selector === undefined ? [] : [selector];
  });
}

/** Rules about the baseline's own pods become rules about the copy's; rules about other pods stay. */
export function ownPlacement(spec: Fields, baseline: Labels, own: Labels): Fields {
  const change = (term: unknown): unknown => {
    const fields = fieldsOf(term);
    const selector = labelSelector(fields['labelSelector']);
    // `{}` is about every pod.
    if (selector === undefined || selector.length === 0 || !selects(selector, baseline)) return term;
    return { ...fields, labelSelector: { matchLabels: own } };
  };
  const affinity = fieldsOf(spec['affinity']);
  const changed = {
    ...affinity,
    ...changeTerms(affinity, 'podAffinity', change),
    ...changeTerms(affinity, 'podAntiAffinity', change),
  };
  return {
    ...spec,
    ...(spec['affinity'] === undefined ? {} : { affinity: changed }),
    ...(spec['topologySpreadConstraints'] === undefined
      ? {}
      : { topologySpreadConstraints: listOf(spec['topologySpreadConstraints']).map(change) }),
  };
}

function changeTerms(affinity: Fields, name: string, change: (term: unknown) => unknown): Fields {
  if (affinity[name] === undefined) return {};
  const rules = fieldsOf(affinity[name]);
  const weighted = (each: unknown) => ({ ...fieldsOf(each), podAffinityTerm: change(fieldsOf(each)['podAffinityTerm']) });
  return {
    [name]: {
      ...rules,
      ...(rules[REQUIRED] === undefined ? {} : { [REQUIRED]: listOf(rules[REQUIRED]).map(change) }),
      ...(rules[PREFERRED] === undefined ? {} : { [PREFERRED]: listOf(rules[PREFERRED]).map(weighted) }),
    },
  };
}
