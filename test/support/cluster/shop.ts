/** A small shop in a cluster: gateway → frontend → api, with real sidecars beside both; and its previews. */
import type { KubernetesObject } from '../kubernetes/api-client.ts';
import type { AppImageOptions } from './app-image.ts';
import { sidecarContainer } from './sidecar.ts';

const OUTBOUND = 15_001;
const INBOUND = 15_080;

export type ShopService = 'api' | 'frontend';

/** The frontend's `/api/rest` is the api's `/rest`. */
export const SHOP_APPS: Readonly<Record<ShopService, AppImageOptions>> = {
  api: { service: 'api' },
  frontend: { service: 'frontend', links: { api: 'api' }, outboundPort: OUTBOUND },
};

/** The public host of a service. */
export function hostOf(service: ShopService, namespace: string): string {
  return `${service}.${namespace}.example.com`;
}

/** The baselines. Calls of the frontend leave through its sidecar; whoever calls the api meets the sidecar of that. */
export async function shopObjects(namespace: string, xds: string): Promise<readonly KubernetesObject[]> {
  const sidecars = {
    frontend: await sidecarContainer({ namespace, xds, outboundPort: OUTBOUND }),
    api: await sidecarContainer({ namespace, xds, inbound: { [INBOUND]: 8080 } }),
  };
  const services = (['frontend', 'api'] as const).map((name) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace, annotations: { 'detour.dev/host': hostOf(name, namespace) } },
    spec: { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 'http', appProtocol: 'http' }] },
  }));
  return [
    ...services,
    deployment(namespace, 'frontend', { app: 'frontend' }, {}, [appContainer('frontend', 'http'), sidecars.frontend]),
    // The world connects to the sidecar.
    deployment(namespace, 'api', { app: 'api' }, {}, [appContainer('api', 'app'), sidecars.api], 2),
  ];
}

/** One ordinary Deployment: the label and the annotation are all that makes it a preview. */
export function previewObject(namespace: string, service: ShopService, key: string): KubernetesObject {
  const labels = { app: `${service}-${key}`, 'detour.dev/preview': key };
  return deployment(namespace, `${service}-${key}`, labels, { 'detour.dev/intercept': service }, [appContainer(service, 'http')]);
}

function appContainer(service: ShopService, portName: string): object {
  return {
    name: 'app',
    image: `shop/${service}:1`,
    ports: [{ name: portName, containerPort: 8080 }],
    readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 5 },
    // Connections that are on their way still find it.
    lifecycle: { preStop: { sleep: { seconds: 1 } } },
  };
}

function deployment(
  namespace: string,
  name: string,
  labels: object,
  annotations: object,
  containers: readonly object[],
  replicas = 1,
): KubernetesObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels, annotations }, spec: { terminationGracePeriodSeconds: 5, containers } },
    },
  };
}
