/** Who Envoy runs as: what it sends is not captured again. */
import { SIDECAR_UID } from '../model/capture.ts';
import type { PodShape } from './pod-shape.ts';

/** A user of its own: what another container of the pod sends under the same one would not be captured either. */
export function sidecarUid({ uids }: PodShape): number {
  let uid = SIDECAR_UID;
  while (uids.has(uid)) uid += 1;
  return uid;
}
