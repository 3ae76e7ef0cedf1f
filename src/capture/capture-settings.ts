/** What is captured of a pod's traffic, and what is left alone. */
import { isIP } from 'node:net';
import type { IpFamily } from '../model/capture.ts';
import type { SocketAddress } from '../model/proxy.ts';

export interface CaptureSettings {
  /** The pod's addresses: one, or one of each family. Never empty. */
  readonly podIps: readonly string[];
  /** Who the sidecar runs as. */
  readonly uid: number;
  /** By the port that the pod connects to. */
  readonly excludeOutboundPorts: readonly PortRange[];
  /** By the address that the pod connects to, of either family. */
  readonly excludeOutboundCidrs: readonly string[];
  /** By the port that others connect to; the sidecar's own among them. */
  readonly excludeInboundPorts: readonly PortRange[];
  /** Where the cluster's API server is, as pods are told; undefined: they are not. */
  readonly apiServer: SocketAddress | undefined;
}

/** `first` alone where `last` is the same. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

const RANGE = /^(?<first>\d{1,5})(?:-(?<last>\d{1,5}))?$/;

/** `3306`, `6000-6010`; undefined for anything else. */
export function parsePortRange(text: string): PortRange | undefined {
  const groups = RANGE.exec(text)?.groups;
  const first = Number(groups?.['first']);
  const last = Number(groups?.['last'] ?? first);
  return first >= 1 && first <= last && last <= 65535 ? { first, last } : undefined;
}

/** `10.0.0.0/8`, `fd00::/8`, and an address alone; undefined for anything else. */
export function parseCidr(text: string): string | undefined {
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return undefined;
  const most = version === 4 ? 32 : 128;
  if (bits === undefined) return `${address}/${most}`;
  return /^\d{1,3}$/.test(bits) && Number(bits) <= most ? text : undefined;
}

/** Of an address or a CIDR. */
export function familyOf(address: string): IpFamily {
  return address.includes(':') ? 'ipv6' : 'ipv4';
}

/** Those of the pod's addresses, in their order. */
export function familiesOf({ podIps }: CaptureSettings): readonly IpFamily[] {
  return [...new Set(podIps.map(familyOf))];
}
