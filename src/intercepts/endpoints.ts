/** EndpointSlices to the addresses of one port of one Service (design, section 3, "Endpoints"). */
import type { Endpoint, EndpointSlice } from '../model/cluster-state.ts';
import type { Address } from '../model/intercept.ts';
import type { ObjectKey } from '../model/names.ts';
import { compareText } from '../model/order.ts';

export interface BaselineEndpoints {
  /** Sorted, without duplicates. */
  readonly addresses: readonly Address[];
  /** Whether preview pods that are endpoints of this port by mistake were left out: they are not, if there are no others. */
  readonly withoutLeaked: boolean;
}

/**
 * Ready endpoints; if there is none, those that serve while they terminate.
 * @param portName of the Service: slices name their ports alike.
 * @param leaked preview pods that must not get the baseline's requests.
 */
export function baselineEndpoints(
  slices: readonly EndpointSlice[],
  portName: string,
  leaked: ReadonlySet<ObjectKey>,
): BaselineEndpoints {
  const candidates = candidatesOf(slices, portName);
  const own =
    leaked.size === 0 ? candidates : candidates.filter((candidate) => candidate.pod === undefined || !leaked.has(candidate.pod));
  const usable = best(own);
  if (usable.length > 0) return { addresses: usable, withoutLeaked: own.length < candidates.length };
  return { addresses: best(candidates), withoutLeaked: false };
}

/** Ready endpoints only: what leaves a preview goes at once. */
export function readyEndpoints(slices: readonly EndpointSlice[], portName: string): readonly Address[] {
  return sortedAddresses(candidatesOf(slices, portName).filter((candidate) => candidate.use === 'ready'));
}

/** Sorted, without duplicates. */
export function sortedAddresses(addresses: readonly Address[]): readonly Address[] {
  const sorted: Address[] = [];
  // Most are in order already.
  let isOrdered = true;
  for (const { ip, port } of addresses) {
    const address = { ip, port };
    const before = sorted.at(-1);
    isOrdered &&= before === undefined || compareAddresses(before, address) < 0;
    sorted.push(address);
  }
  if (isOrdered) return sorted;
  sorted.sort(compareAddresses);
  return sorted.filter((address, place) => {
    const before = sorted[place - 1];
    return before === undefined || compareAddresses(before, address) !== 0;
  });
}

function compareAddresses(a: Address, b: Address): number {
  return compareText(a.ip, b.ip) || a.port - b.port;
}

/** The IPv4 address, where there is one. */
export function preferredIp(ips: readonly string[]): string | undefined {
  return ips.find((ip) => !ip.includes(':')) ?? ips[0];
}

type Use = 'ready' | 'draining' | 'none';
const USES: readonly Use[] = ['ready', 'draining', 'none'];

interface Candidate extends Address {
  readonly pod: ObjectKey | undefined;
  readonly use: Use;
}

/** One for each endpoint, though it be in several slices: of either IP family, or while slices are rearranged. */
function candidatesOf(slices: readonly EndpointSlice[], portName: string): readonly Candidate[] {
  const byEndpoint = new Map<string, Candidate>();
  for (const slice of slices) {
    const port = slice.ports.find((candidate) => candidate.name === portName)?.port;
    // Envoy's EDS takes no names, only addresses.
    if (port === undefined || slice.addressType === 'FQDN') continue;
    for (const endpoint of slice.endpoints) {
      const ip = endpoint.addresses[0];
      if (ip === undefined) continue;
      const candidate = { ip, port, pod: endpoint.pod, use: useOf(endpoint) };
      const identity = endpoint.pod ?? ip;
      const other = byEndpoint.get(identity);
      if (other === undefined || compareCandidates(candidate, other) < 0) byEndpoint.set(identity, candidate);
    }
  }
  return [...byEndpoint.values()];
}

function useOf(endpoint: Endpoint): Use {
  if (endpoint.ready) return 'ready';
  return endpoint.serving && endpoint.terminating ? 'draining' : 'none';
}

/** Of two entries for one endpoint: the usable one, then IPv4, then any, but always the same. */
function compareCandidates(a: Candidate, b: Candidate): number {
  return (
    USES.indexOf(a.use) - USES.indexOf(b.use) ||
    Number(a.ip.includes(':')) - Number(b.ip.includes(':')) ||
    compareText(a.ip, b.ip) ||
    a.port - b.port
  );
}

function best(candidates: readonly Candidate[]): readonly Address[] {
  const ready = candidates.filter((candidate) => candidate.use === 'ready');
  return sortedAddresses(ready.length > 0 ? ready : candidates.filter((candidate) => candidate.use === 'draining'));
}
