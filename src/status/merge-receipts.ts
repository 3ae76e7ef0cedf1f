/** What several replicas know of one intercept, as one receipt: each knows the Envoys of its own streams only. */

/** What one replica says. */
export interface ReplicaReceipt {
  readonly state: 'live' | 'pending' | 'noProxy' | 'rejected';
  /** ms since the epoch. */
  readonly liveSince: number | undefined;
  /** Envoys that need it, by `node.id`: whether each has it. */
  readonly proxies: ReadonlyMap<string, boolean>;
}

export interface MergedReceipt extends ReplicaReceipt {
  /** Replicas that gave no answer. */
  readonly silent: number;
}

/** @param receipts undefined for a replica that gave no answer */
export function mergeReceipts(receipts: readonly (ReplicaReceipt | undefined)[]): MergedReceipt {
  const known = receipts.filter((receipt) => receipt !== undefined);
  // An Envoy that has just moved is on two replicas for a moment, and has it when both say so.
  const proxies = new Map<string, boolean>();
  for (const receipt of known) for (const [id, has] of receipt.proxies) proxies.set(id, (proxies.get(id) ?? true) && has);
  const since = known.flatMap(({ liveSince }) => liveSince ?? []);
  const states = known.map(({ state }) => state);
  const silent = receipts.length - known.length;
  return { state: stateOf(states), liveSince: since.length === 0 ? undefined : Math.max(...since), proxies, silent };
}

function stateOf(states: readonly ReplicaReceipt['state'][]): ReplicaReceipt['state'] {
  if (states.includes('rejected')) return 'rejected';
  if (states.includes('pending')) return 'pending';
  return states.includes('live') ? 'live' : 'noProxy';
}
