import type { Service, ServicePort } from '../model/cluster-state.ts';
import type { FieldReader, Fields } from '../model/field-reader.ts';
import { isDnsLabel } from '../model/names.ts';
import type { Metadata } from './metadata.ts';

const TYPES = ['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'] as const;
export const TRANSPORTS = ['TCP', 'UDP', 'SCTP'] as const;

/** `v1 Service`. */
export function readService(object: Fields, metadata: Metadata, read: FieldReader): Service {
  const spec = read.map(object['spec'], 'spec');
  // Its name is a label of host names.
  if (metadata.name !== '' && !isDnsLabel(metadata.name)) read.mistake('metadata.name', 'of a Service must be a DNS label');
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    createdAt: metadata.createdAt,
    type: read.choice(spec['type'], 'spec.type', TYPES, 'ClusterIP'),
    clusterIPs: readClusterIPs(spec, read),
    previewLabel: metadata.previewLabel,
    annotations: metadata.annotations,
    ports: readPorts(spec, read),
  };
}

function readClusterIPs(spec: Fields, read: FieldReader): readonly string[] {
  const many = read.list(spec['clusterIPs'], 'spec.clusterIPs');
  const written = many.length > 0 ? many : [spec['clusterIP']];
  const ips = written
    .filter((ip) => ip !== undefined && ip !== null && ip !== '' && ip !== 'None')
    .map((ip, index) => read.ip(ip, many.length > 0 ? `spec.clusterIPs[${index}]` : 'spec.clusterIP'));
  // A name of a virtual host: Envoy refuses one that is there twice.
  return [...new Set(ips)];
}

function readPorts(spec: Fields, read: FieldReader): readonly ServicePort[] {
  const written = read.list(spec['ports'], 'spec.ports');
  const seen = new Set<string>();
  const ports: ServicePort[] = [];
  for (const value of written) {
    read.enter('spec.ports', ports.length);
    const fields = read.map(value, '');
    const port = read.port(fields['port'], 'port');
    const transport = read.choice(fields['protocol'], 'protocol', TRANSPORTS, 'TCP');
    const name = read.text(fields['name'], 'name');
    // One alone repeats nothing.
    if (written.length > 1) {
      for (const [identity, field] of [
        [`number ${port}/${transport}`, 'port'],
        [`name ${name}`, 'name'],
      ] as const) {
        if (seen.has(identity) && port !== 0) read.mistake(field, `repeats an earlier port's (${identity})`);
        seen.add(identity);
      }
    }
    const targetPort = readTargetPort(fields['targetPort'], 'targetPort', port, read);
    ports.push({ name, port, targetPort, transport, appProtocol: read.text(fields['appProtocol'], 'appProtocol') });
    read.leave();
  }
  return ports;
}

function readTargetPort(value: unknown, path: string, port: number, read: FieldReader): number | string {
  if (value === undefined || value === null || value === '' || value === 0) return port;
  if (typeof value === 'string') return value;
  return read.port(value, path);
}
