/** The state of an intercept in a word or two, over all replicas. */
import type { MergedIntercept } from './merge.ts';

/** `live` only where every Envoy that needs it has it, and the preview has pods. */
export function stateText({ state, endpoints, receipt, behind }: MergedIntercept): string {
  if (state !== 'active') return state;
  if (endpoints.length === 0) return 'no pods';
  if (behind.length > 0) return 'spreading';
  if (receipt.state === 'noProxy') return 'no Envoy';
  return receipt.state;
}

/** `7/7`: how many of the Envoys that need it have it. */
export function receiptText({ receipt }: MergedIntercept): string {
  return receipt.needed === 0 ? '' : `${receipt.acked}/${receipt.needed}`;
}

/** As kubectl writes ages: two units where the first is small. @param ms from then to now, or the other way round */
export function ageText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days >= 3) return `${days}d`;
  if (hours >= 8) return days > 0 && hours % 24 > 0 ? `${days}d${hours % 24}h` : `${hours}h`;
  if (hours > 0) return minutes % 60 > 0 ? `${hours}h${minutes % 60}m` : `${hours}h`;
  return minutes > 0 ? `${minutes}m` : `${seconds}s`;
}
