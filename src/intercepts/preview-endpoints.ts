/** Where the copies of a preview listen, for one port of the Service that it stands in for. */
import type { EndpointSlice, Pod, Service, ServicePort } from '../model/cluster-state.ts';
import type { Address } from '../model/intercept.ts';
import { shorten } from '../model/shorten.ts';
import { preferredIp, readyEndpoints, sortedAddresses } from './endpoints.ts';
import type { Fault } from './fault.ts';
import type { PreviewBackends } from './previews.ts';
import type { Binding } from './targets.ts';

export interface PreviewEndpoints {
  /** Ready ones, sorted, without duplicates. */
  readonly addresses: readonly Address[];
  /** undefined: the port was found. */
  readonly fault: Fault | undefined;
}

export function previewEndpoints(backends: PreviewBackends, binding: Binding): PreviewEndpoints {
  return backends.kind === 'pods' ? ofPods(backends, binding) : ofService(backends, binding);
}

/** The port of one pod that stands in for the bound one; undefined where the pod has none of that name. */
export function podPort(pod: Pod, binding: Binding): number | undefined {
  const wanted = wantedPort(binding);
  return typeof wanted === 'number' ? wanted : pod.ports[wanted];
}

/** The same for a pod that is an endpoint of a preview Service: its port as the slice says. */
export function endpointPort(slice: EndpointSlice, service: Service, binding: Binding): number | undefined {
  if (typeof binding.targetPort === 'number') return binding.targetPort;
  const wanted = standIn(service.ports, binding);
  return wanted && slice.ports.find(({ name }) => name === wanted.name)?.port;
}

type PodBackends = Extract<PreviewBackends, { kind: 'pods' }>;
type ServiceBackends = Extract<PreviewBackends, { kind: 'service' }>;

/** The newest pod must have the port; an older one that lacks it just gets no requests. */
function ofPods({ pods, declarant }: PodBackends, binding: Binding): PreviewEndpoints {
  const addresses = pods.flatMap((pod) => {
    const ip = preferredIp(pod.ips);
    const port = podPort(pod, binding);
    return pod.ready && ip !== undefined && port !== undefined ? [{ ip, port }] : [];
  });
  if (podPort(declarant, binding) === undefined) {
    const names = Object.keys(declarant.ports);
    const owner = `Pod ${declarant.namespace}/${declarant.name}`;
    return {
      addresses: [],
      fault: noSuchPort(owner, binding, names.length === 0 ? 'It names none of its TCP ports.' : `It names ${names.join(', ')}.`),
    };
  }
  return { addresses: sortedAddresses(addresses), fault: undefined };
}

function ofService(backends: ServiceBackends, binding: Binding): PreviewEndpoints {
  const { service, slices } = backends;
  const { targetPort } = binding;
  if (typeof targetPort === 'number') {
    const names = new Set(slices.flatMap((slice) => slice.ports.map(({ name }) => name)));
    const ready = [...names].flatMap((name) => readyEndpoints(slices, name));
    return { addresses: sortedAddresses(ready.map(({ ip }) => ({ ip, port: targetPort }))), fault: undefined };
  }
  const port = standIn(service.ports, binding);
  if (port !== undefined) return { addresses: readyEndpoints(slices, port.name), fault: undefined };
  const has = service.ports.map(({ name, port }) => name || port).join(', ') || 'no ports';
  return { addresses: [], fault: noSuchPort(`Service ${service.namespace}/${service.name}`, binding, `It has ${has}.`) };
}

/** The preview Service's port of the name asked for; else the like-named one, else the like-numbered, else its only one. */
function standIn(ports: readonly ServicePort[], { port, targetPort }: Binding): ServicePort | undefined {
  if (targetPort !== undefined) return ports.find(({ name }) => name === targetPort);
  return (
    ports.find(({ name }) => name === port.name) ??
    ports.find((candidate) => candidate.port === port.port) ??
    (ports.length === 1 ? ports[0] : undefined)
  );
}

function wantedPort(binding: Binding): number | string {
  return binding.targetPort ?? binding.port.targetPort;
}

function noSuchPort(owner: string, binding: Binding, has: string): Fault {
  const wanted = wantedPort(binding);
  return {
    code: 'UnknownPort',
    message: `${owner} has no port ${typeof wanted === 'number' ? wanted : shorten(wanted)} to stand in for port ${binding.port.port}.`,
    hint: `${has} Name the container's port so, or give its number: =8080 behind the intercept.`,
  };
}
