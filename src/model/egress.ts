/** Requests of a captured pod that leave the cluster: connections to addresses outside of its own. */
import { BlockList, isIP } from 'node:net';

/** A sidecar takes carriers away from them. */
export interface Egress {
  /** Addresses that are the cluster's, as `10.0.0.0/8`; at least one. */
  readonly clusterCidrs: readonly string[];
}

/** Addresses that no public network has (RFC 1918, 6598, 4193), loopback and link-local ones. */
export const DEFAULT_CLUSTER_CIDRS: readonly string[] = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '::1/128',
  'fc00::/7',
  'fe80::/10',
];

/** An `envoy.config.core.v3.CidrRange`. */
export interface CidrRange {
  readonly address_prefix: string;
  readonly prefix_len: number;
}

export const EVERYWHERE: readonly CidrRange[] = [
  { address_prefix: '0.0.0.0', prefix_len: 0 },
  { address_prefix: '::', prefix_len: 0 },
];

/** @returns undefined where the text is no network, or one that has everything in it. */
export function readCidr(text: string): CidrRange | undefined {
  const [address = '', bits = '', ...rest] = text.split('/');
  const most = { 4: 32, 6: 128 }[isIP(address)] ?? 0;
  // A zone, `fe80::1%eth0`, is one machine's.
  if (address.includes('%')) return undefined;
  const length = /^\d{1,3}$/.test(bits) ? Number(bits) : 0;
  if (rest.length > 0 || length < 1 || length > most) return undefined;
  return { address_prefix: address, prefix_len: length };
}

/** Each network once, however it is written, and none that is in another: Envoy takes no listener that has one twice. */
export function clusterRanges({ clusterCidrs }: Egress): readonly CidrRange[] {
  const ranges = clusterCidrs.flatMap((cidr) => readCidr(cidr) ?? []);
  const known = { ipv4: new BlockList(), ipv6: new BlockList() };
  const widest = new Set<CidrRange>();
  for (const range of ranges.toSorted((a, b) => a.prefix_len - b.prefix_len)) {
    const { address_prefix: address, prefix_len: length } = range;
    const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
    if (known[family].check(address, family)) continue;
    known[family].addSubnet(address, length, family);
    widest.add(range);
  }
  return ranges.filter((range) => widest.has(range));
}
