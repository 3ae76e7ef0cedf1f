/** The shop as Kubernetes objects: what a cluster would hold, written as people would write it. */
import { BASELINE, HOST, NAMESPACE, PATH, type Shop, type ShopPod } from './shop.ts';

/** File name → text. One file for the baseline, one for each preview: deleting a file deletes the preview. */
export function manifests(shop: Shop): ReadonlyMap<string, string> {
  const copies = [...new Set(shop.pods.map((pod) => pod.copy))];
  return new Map(
    copies.map((copy) => {
      const pods = shop.pods.filter((pod) => pod.copy === copy);
      return [`${copy}.yaml`, copy === BASELINE ? baseline(pods) : preview(copy, pods)];
    }),
  );
}

function baseline(pods: readonly ShopPod[]): string {
  const head = `# The shop as everybody uses it: ${PATH.join(' -> ')}. Nothing in here knows of previews.\n`;
  return head + pods.map((pod) => service(pod) + slice(pod)).join('');
}

function service({ service: name }: ShopPod): string {
  const [first] = PATH;
  return `---
apiVersion: v1
kind: Service
metadata:
  namespace: ${NAMESPACE}
  name: ${name}${
    name === first
      ? `
  annotations:
    detour.dev/host: ${HOST} # gateways serve it there`
      : ''
  }
spec:
  type: ClusterIP
  clusterIP: None
  ports:
    - { name: http, port: 80, targetPort: http, appProtocol: http }
`;
}

function slice({ name, service, inbound }: ShopPod): string {
  return `---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  namespace: ${NAMESPACE}
  name: ${service}-1
  labels: { kubernetes.io/service-name: ${service} }
addressType: IPv4
ports:
  - { name: http, port: ${inbound}, protocol: TCP, appProtocol: http }
endpoints:
  - addresses: [127.0.0.1]
    conditions: { ready: true, serving: true, terminating: false }
    targetRef: { kind: Pod, namespace: ${NAMESPACE}, name: ${name} }
`;
}

function preview(key: string, pods: readonly ShopPod[]): string {
  const services = pods.map((pod) => pod.service).join(' and ');
  return `# The preview ${key}, a copy of ${services}. Edit or delete this file: the next request follows.
# Things to try: another key in the label; beside the intercept a rule, such as
#   detour.dev/match: baggage[user]=alice
# or, with the condition Ready "False",
#   detour.dev/when-unavailable: fail
${pods.map(previewPod).join('')}`;
}

function previewPod({ name, service, copy, inbound }: ShopPod): string {
  return `---
apiVersion: v1
kind: Pod
metadata:
  namespace: ${NAMESPACE}
  name: ${name}
  labels:
    detour.dev/preview: ${copy}
  annotations:
    detour.dev/intercept: ${service}:http=${inbound} # all pods are 127.0.0.1 here, so each has a port of its own
status:
  phase: Running
  podIP: 127.0.0.1
  podIPs: [{ ip: 127.0.0.1 }]
  conditions:
    - { type: Ready, status: "True" }
`;
}
