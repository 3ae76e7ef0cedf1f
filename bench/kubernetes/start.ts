/** How long each program takes from its start until it has read the cluster, and what it holds then. */
import type { Child } from './child.ts';
import type { ClusterSize } from './cluster-objects.ts';
import { monotonicMs } from './messages.ts';
import { Detour, startInformers, startScript } from './programs.ts';

export interface Start {
  /** From the start of the process. */
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly bytes: number;
  readonly highestBytes: number;
}

async function figures(child: Child, at: number): Promise<Start> {
  const cpuMs = await child.cpuMs();
  const { now, highest } = await child.memory();
  return { wallMs: at - child.startedAt, cpuMs, bytes: now, highestBytes: highest };
}

/** @param mediaType of the lists @param limit of objects in a page */
export async function bareList(kubeconfig: string, mediaType: string, limit: number): Promise<Start> {
  await using child = startScript('list-cluster.ts', kubeconfig, mediaType, limit);
  await child.message('objects');
  return await figures(child, monotonicMs());
}

export async function informers(binary: string, kubeconfig: string): Promise<Start> {
  await using child = startInformers(binary, kubeconfig);
  await child.message('services');
  return await figures(child, monotonicMs());
}

/** A gateway's stream is open from the first moment, as those of Envoys are that wait for their control plane. */
export async function detour(kubeconfig: string, size: ClusterSize): Promise<Readonly<Record<'ready' | 'served', Start>>> {
  await using gateways = startScript('gateways.ts', 1, clustersOf(size));
  await gateways.message('loaded');
  await using control = await Detour.start(kubeconfig);
  await control.child.message('text');
  gateways.write(`connect ${control.xdsPort}`);
  await control.ready();
  const ready = await figures(control.child, monotonicMs());
  const { at } = await gateways.message<{ at: number }>('full');
  return { ready, served: await figures(control.child, at) };
}

/** What a gateway needs: the baseline of each Service with a host, and its previews. */
export function clustersOf({ hosts, previews }: ClusterSize): number {
  return hosts + Math.min(hosts, previews);
}
