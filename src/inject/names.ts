/** What the injection adds to a pod, by name. */
export const CAPTURE = 'detour-capture';
export const SIDECAR = 'detour-sidecar';
export const TOKEN_VOLUME = 'detour-token';
/** Envoy's own admin endpoint, on loopback. */
export const SIDECAR_ADMIN_PORT = 15000;
/** Where kubelets ask the sidecar. */
export const SIDECAR_PROBES_PORT = 15021;
/** Where the sidecar of a pod whose traffic is captured listens. */
export const SIDECAR_PORTS: readonly number[] = [SIDECAR_ADMIN_PORT, 15001, 15006, SIDECAR_PROBES_PORT];
