/** The same cluster for every server: Services behind hosts of their own, three pods each, every twentieth with a preview. */
import type { ClusterChange, Pod } from '../../src/model/cluster-state.ts';
import type { Scope } from '../../src/model/proxy.ts';
import { aPod, aPort, aService, aSlice, puts } from '../../test/support/builders.ts';

const NAMESPACE = 'bench';
const PREVIEW_EVERY = 20;

/** What the load's clients are. */
export const SCOPE: Scope = {
  kind: 'gateway',
  namespace: NAMESPACE,
  listen: { host: '127.0.0.1', port: 8080 },
  previewDomain: undefined,
  corsOrigins: [],
};

export function world(services: number): readonly ClusterChange[] {
  return Array.from({ length: services }, (_, index) => {
    const name = serviceName(index);
    const annotations = { host: `${name}.example.com` };
    const service = aService({ namespace: NAMESPACE, name, annotations, ports: [aPort({ appProtocol: 'http' })] });
    const previews = index % PREVIEW_EVERY === 0 ? [preview(index, 'owner')] : [];
    return [...puts(service, ...previews), ...endpointChange(index, 0)];
  }).flat();
}

/** A pod of a Service without previews is replaced. @param round any number, another one each time */
export function endpointChange(index: number, round: number): readonly ClusterChange[] {
  const name = serviceName(index);
  const endpoints = [0, 1, 2].map((pod) => ({
    addresses: [address(pod === 0 ? 20 + (round % 200) : 10 + pod, index)],
    ready: true,
    serving: true,
    terminating: false,
    pod: `${NAMESPACE}/${name}-${pod === 0 ? `r${round}` : pod}` as const,
  }));
  return puts(aSlice({ namespace: NAMESPACE, name: `${name}-1`, service: `${NAMESPACE}/${name}`, endpoints }));
}

/** The rule of a preview that is there changes. */
export function ruleChange(index: number, round: number): readonly ClusterChange[] {
  return puts(preview(index - (index % PREVIEW_EVERY), `round-${round}`));
}

/** A Service gets its first preview. */
export function newPreview(index: number): readonly ClusterChange[] {
  return puts(preview(index, 'owner'));
}

/** The sidecar of a pod that is never replaced, as it says who it is, and its routes by type URL and name. @param pod 0 or 1 */
export function sidecarNode(index: number, pod: number): { readonly node: object; readonly route: string } {
  // A port of its own: pods of one Service have one view otherwise.
  const listen = `0.0.0.0:${15_080 + pod}`;
  const inbound = { listValue: { values: [structOf({ listen: textOf(listen), app: textOf('127.0.0.1:8080') })] } };
  const { structValue } = structOf({ detour: structOf({ inbound }) });
  const id = `sidecar~${NAMESPACE}/${serviceName(index)}-${pod + 1}`;
  return {
    node: { id, cluster: NAMESPACE, metadata: structValue },
    route: `type.googleapis.com/envoy.config.route.v3.RouteConfiguration\ninbound/${listen}`,
  };
}

function structOf(fields: Readonly<Record<string, object>>): { readonly structValue: object } {
  return { structValue: { fields } };
}

function textOf(stringValue: string): object {
  return { stringValue };
}

/** Which Service a change is made to: spread over all, and none that has a preview. */
export function pick(services: number, round: number): number {
  const index = (round * 7919 + 7) % services;
  return index % PREVIEW_EVERY === 0 ? index + 1 : index;
}

function preview(index: number, user: string): Pod {
  const name = serviceName(index);
  return aPod({
    namespace: NAMESPACE,
    name: `${name}-preview-1`,
    previewLabel: `pr-${index}`,
    annotations: { intercept: name, match: `x-user=${user}` },
    controller: { kind: 'Deployment', name: `${name}-preview` },
    ips: [address(250, index)],
  });
}

function serviceName(index: number): string {
  return `svc-${index}`;
}

function address(second: number, index: number): string {
  return `10.${second}.${index >>> 8}.${index & 255}`;
}
