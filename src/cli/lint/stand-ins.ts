/**
 * What a cluster would add to manifests: endpoints of Services, Services that are declared elsewhere.
 * All of it is as healthy as can be, so that no problem is about it.
 */
import { parsePreview } from '../../annotations/parse-preview.ts';
import type { EndpointSlice, Pod, Service, ServicePort } from '../../model/cluster-state.ts';
import type { Fields } from '../../model/field-reader.ts';
import type { Target } from '../../model/intercept.ts';
import { type ObjectKey, objectKey, splitObjectKey } from '../../model/names.ts';
import { type Labels, selects, serviceSelector } from '../../preview/selector.ts';

export interface LabelledPod {
  readonly pod: Pod;
  readonly labels: Labels;
}

/** Endpoints as the selector would have them: a baseline pod, which manifests need not hold, and the previews. */
export function sliceOfService(service: Service, object: Fields, pods: readonly LabelledPod[]): EndpointSlice {
  const key = objectKey(service.namespace, service.name);
  const selector = serviceSelector(object);
  const selected = pods.filter(({ pod, labels }) => pod.namespace === service.namespace && selects(selector, labels));
  const endpoint = { ready: true, serving: true, terminating: false };
  return {
    namespace: service.namespace,
    name: `${service.name}-lint`,
    service: key,
    addressType: 'IPv4',
    ports: service.ports.map(({ name, port }) => ({ name, port })),
    endpoints: [
      { ...endpoint, addresses: ['192.0.2.1'], pod: undefined },
      ...selected.map(({ pod }) => ({ ...endpoint, addresses: pod.ips, pod: objectKey(pod.namespace, pod.name) })),
    ],
  };
}

/**
 * Services that previews name in namespaces of which the manifests hold no Service at all: they are somewhere else, with
 * the ports that are asked for. What they allow is not known, so they allow all but rules for everybody.
 */
export function servicesElsewhere(declared: readonly (Pod | Service)[], services: readonly Service[]): readonly Service[] {
  const known = new Set(services.map(({ namespace }) => namespace));
  const targets = declared
    .flatMap((object) => parsePreview(object).declaration?.targets ?? [])
    .filter((target) => !known.has(splitObjectKey(target.service).namespace));
  return [...Map.groupBy(targets, ({ service }) => service)].map(([key, own]) => serviceElsewhere(key, own));
}

function serviceElsewhere(key: ObjectKey, targets: readonly Target[]): Service {
  const wanted = new Set(targets.map(({ port }) => port).filter((port) => port !== undefined));
  const ports = [...(wanted.size === 0 ? ['http'] : wanted)].map((port, index): ServicePort => {
    const number = typeof port === 'number' ? port : 60_000 + index;
    return {
      name: typeof port === 'number' ? '' : port,
      port: number,
      targetPort: number,
      transport: 'TCP',
      appProtocol: 'http',
    };
  });
  return {
    ...splitObjectKey(key),
    createdAt: 0,
    type: 'ClusterIP',
    clusterIPs: [],
    previewLabel: '',
    // `**` is every header, without being the `*` that allows rules for everybody.
    annotations: { 'allow-from': '*', 'allow-match': '**, baggage[*]' },
    ports,
  };
}
