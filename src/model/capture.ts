/**
 * What the rules that capture a pod's traffic, the bootstrap of its sidecar and the sidecar's resources have to agree
 * on (docs/sidecars.md).
 */

export type IpFamily = 'ipv4' | 'ipv6';

/** Where captured connections arrive: those that the pod opens, and those that others open to it. */
export const CAPTURED_OUTBOUND_PORT = 15001;
export const CAPTURED_INBOUND_PORT = 15006;

/** Where a kubelet and Prometheus ask the sidecar. */
export const SIDECAR_PROBES_PORT = 15021;

/** Who the sidecar runs as, unless told: what it sends is not captured again. */
export const SIDECAR_UID = 1337;

/**
 * The pod that the sidecar is in, whatever its address: of ranges that are for documentation only, and in no network.
 * The rules turn it into the pod's own address, so that all pods of a Service can be told the same. It is not loopback,
 * because apps trust what comes from there.
 */
export const OWN_POD: Readonly<Record<IpFamily, string>> = { ipv4: '192.0.2.1', ipv6: '2001:db8::1' };

/** Every address of the family. */
export const ANY_ADDRESS: Readonly<Record<IpFamily, string>> = { ipv4: '0.0.0.0', ipv6: '::' };
export const LOOPBACK: Readonly<Record<IpFamily, string>> = { ipv4: '127.0.0.1', ipv6: '::1' };
