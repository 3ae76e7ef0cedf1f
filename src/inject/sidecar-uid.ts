/** Who Envoy runs as: what it sends is not captured again. */
import type { PodShape } from './pod-shape.ts';

const FIRST = 1337;

/** A user of its own: what another container of the pod sends under the same one would not be captured either. */
export function sidecarUid({ uids }: PodShape): number {
  let uid = FIRST;
  while (uids.has(uid)) uid += 1;
  return uid;
}
