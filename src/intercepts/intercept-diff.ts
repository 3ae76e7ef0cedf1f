import type { Intercept } from '../model/intercept.ts';

export interface InterceptDiff {
  readonly gone: readonly Intercept[];
  readonly come: readonly Intercept[];
}

/** What two lists, each by id, do not have in common. A changed intercept has gone and come. */
export function diffIntercepts(before: readonly Intercept[], after: readonly Intercept[]): InterceptDiff {
  const gone: Intercept[] = [];
  const come: Intercept[] = [];
  for (let left = 0, right = 0; left < before.length || right < after.length; ) {
    const old = before[left];
    const young = after[right];
    if (old !== young) {
      if (old !== undefined && (young === undefined || old.id <= young.id)) gone.push(old);
      if (young !== undefined && (old === undefined || young.id <= old.id)) come.push(young);
    }
    if (old !== undefined && (young === undefined || old.id <= young.id)) left += 1;
    if (young !== undefined && (old === undefined || young.id <= old.id)) right += 1;
  }
  return { gone, come };
}
