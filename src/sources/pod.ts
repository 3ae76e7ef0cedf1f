import type { Controller, Pod } from '../model/cluster-state.ts';
import { type FieldReader, type Fields, isFields } from '../model/field-reader.ts';
import type { Metadata } from './metadata.ts';
import { TRANSPORTS } from './service.ts';

/** `v1 Pod`. */
export function readPod(object: Fields, metadata: Metadata, read: FieldReader): Pod {
  const spec = read.map(object['spec'], 'spec');
  const status = read.map(object['status'], 'status');
  const phase = read.text(status['phase'], 'status.phase');
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    createdAt: metadata.createdAt,
    previewLabel: metadata.previewLabel,
    annotations: metadata.annotations,
    controller: readController(metadata, read),
    ips: readIps(status, read),
    ready: isReady(status, read),
    leaving: metadata.deleted || phase === 'Succeeded' || phase === 'Failed',
    ports: readPorts(spec, read),
  };
}

function readIps(status: Fields, read: FieldReader): readonly string[] {
  const many = read
    .list(status['podIPs'], 'status.podIPs')
    .map((value, index) => read.ip(read.map(value, `status.podIPs[${index}]`)['ip'], `status.podIPs[${index}].ip`));
  if (many.length > 0) return many;
  const one = status['podIP'];
  return one === undefined || one === null || one === '' ? [] : [read.ip(one, 'status.podIP')];
}

function isReady(status: Fields, read: FieldReader): boolean {
  return read.list(status['conditions'], 'status.conditions').some((value, index) => {
    const condition = read.map(value, `status.conditions[${index}]`);
    if (condition['type'] !== 'Ready') return false;
    // As Kubernetes: the text 'True', not the boolean.
    return (
      read.choice(condition['status'], `status.conditions[${index}].status`, ['True', 'False', 'Unknown'], 'Unknown') === 'True'
    );
  });
}

/** Named TCP container ports; of two with one name the first counts, as in Kubernetes. */
function readPorts(spec: Fields, read: FieldReader): Readonly<Record<string, number>> {
  const ports = new Map<string, number>();
  const containers = read
    .list(spec['containers'], 'spec.containers')
    .map((value, index) => [value, `spec.containers[${index}]`] as const);
  // A restartable init container is a sidecar: its ports are open while the pod runs.
  const sidecars = read
    .list(spec['initContainers'], 'spec.initContainers')
    .map((value, index) => [value, `spec.initContainers[${index}]`] as const)
    .filter(([value]) => isFields(value) && value['restartPolicy'] === 'Always');
  for (const [container, path] of [...containers, ...sidecars]) {
    for (const [index, value] of read.list(read.map(container, path)['ports'], `${path}.ports`).entries()) {
      const at = `${path}.ports[${index}]`;
      const fields = read.map(value, at);
      const name = read.text(fields['name'], `${at}.name`);
      const transport = read.choice(fields['protocol'], `${at}.protocol`, TRANSPORTS, 'TCP');
      if (name === '' || transport !== 'TCP' || ports.has(name)) continue;
      ports.set(name, read.port(fields['containerPort'], `${at}.containerPort`));
    }
  }
  return Object.fromEntries(ports);
}

function readController(metadata: Metadata, read: FieldReader): Controller {
  const owners = read.list(metadata.ownerReferences, 'metadata.ownerReferences');
  const index = owners.findIndex((value) => isFields(value) && value['controller'] === true);
  if (index < 0) return { kind: 'Pod', name: metadata.name };
  const path = `metadata.ownerReferences[${index}]`;
  const owner = read.map(owners[index], path);
  const isSomething = (text: string) => text !== '';
  const kind = read.name(owner['kind'], `${path}.kind`, isSomething, 'a kind');
  const name = read.name(owner['name'], `${path}.name`, isSomething, 'a name');
  if (kind !== 'ReplicaSet') return { kind, name };
  const deployment = withoutHash(name, metadata.labels['pod-template-hash']);
  return deployment === undefined ? { kind, name } : { kind: 'Deployment', name: deployment };
}

/** A Deployment's ReplicaSet is named `<deployment>-<pod-template-hash>`; undefined: it is a ReplicaSet of its own. */
function withoutHash(replicaSet: string, hash: unknown): string | undefined {
  if (typeof hash === 'string' && hash !== '' && replicaSet.endsWith(`-${hash}`)) return replicaSet.slice(0, -hash.length - 1);
  return /^(?<deployment>.+)-[a-z0-9]{5,10}$/.exec(replicaSet)?.groups?.['deployment'];
}
