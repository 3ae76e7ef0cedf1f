/** What the injection adds to a pod, by name and by port. */
import { CAPTURED_INBOUND_PORT, CAPTURED_OUTBOUND_PORT, SIDECAR_PROBES_PORT } from '../model/capture.ts';

export const CAPTURE = 'detour-capture';
export const SIDECAR = 'detour-sidecar';
export const TOKEN_VOLUME = 'detour-token';
/** Envoy's own admin endpoint, on loopback. */
export const SIDECAR_ADMIN_PORT = 15000;
/** Where the sidecar of a pod whose traffic is captured listens. */
export const SIDECAR_PORTS: readonly number[] = [
  SIDECAR_ADMIN_PORT,
  CAPTURED_OUTBOUND_PORT,
  CAPTURED_INBOUND_PORT,
  SIDECAR_PROBES_PORT,
];
