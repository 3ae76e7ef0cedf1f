/** Objects with nothing in them but what a test says. */
import type { Pod, Service } from '../../../src/model/cluster-state.ts';

export type Annotations = Readonly<Record<string, string>>;

export function previewPod(annotations: Annotations, previewLabel = 'pr-42'): Pod {
  return {
    namespace: 'shop',
    name: 'api-pr-42-abc',
    createdAt: 0,
    previewLabel,
    annotations,
    controller: { kind: 'Deployment', name: 'api-pr-42' },
    ips: ['10.0.0.1'],
    ready: true,
    leaving: false,
    ports: {},
  };
}

export function service(annotations: Annotations, previewLabel = ''): Service {
  return {
    namespace: 'shop',
    name: 'api',
    createdAt: 0,
    type: 'ClusterIP',
    clusterIPs: ['10.96.0.1'],
    previewLabel,
    annotations,
    ports: [],
  };
}
