import type { Endpoint, EndpointSlice, SlicePort } from '../model/cluster-state.ts';
import type { FieldReader, Fields } from '../model/field-reader.ts';
import { isDnsLabel, type ObjectKey, objectKey } from '../model/names.ts';
import { isDnsSubdomain, type Metadata } from './metadata.ts';

const SERVICE_LABEL = 'kubernetes.io/service-name';
const ADDRESS_TYPES = ['IPv4', 'IPv6', 'FQDN'] as const;

/** `discovery.k8s.io/v1 EndpointSlice`. */
export function readEndpointSlice(object: Fields, metadata: Metadata, read: FieldReader): EndpointSlice {
  const service = read.name(metadata.labels[SERVICE_LABEL], `metadata.labels[${SERVICE_LABEL}]`, isDnsLabel, "a Service's name");
  if (object['addressType'] === undefined || object['addressType'] === null) read.mistake('addressType', 'is missing');
  const addressType = read.choice(object['addressType'], 'addressType', ADDRESS_TYPES, 'IPv4');
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    service: objectKey(metadata.namespace, service),
    addressType,
    ports: readPorts(object, read),
    endpoints: read
      .list(object['endpoints'], 'endpoints')
      .map((value, index) => readEndpoint(value, `endpoints[${index}]`, addressType, metadata.namespace, read)),
  };
}

function readPorts(object: Fields, read: FieldReader): readonly SlicePort[] {
  const ports: SlicePort[] = [];
  for (const [index, value] of read.list(object['ports'], 'ports').entries()) {
    const path = `ports[${index}]`;
    const fields = read.map(value, path);
    // A slice's port without a number means "all ports": no port of a Service is meant by it.
    if (fields['port'] === undefined || fields['port'] === null) continue;
    ports.push({ name: read.text(fields['name'], `${path}.name`), port: read.port(fields['port'], `${path}.port`) });
  }
  return ports;
}

function readEndpoint(
  value: unknown,
  path: string,
  addressType: EndpointSlice['addressType'],
  namespace: string,
  read: FieldReader,
): Endpoint {
  const fields = read.map(value, path);
  const conditions = read.map(fields['conditions'], `${path}.conditions`);
  const ready = read.flag(conditions['ready'], `${path}.conditions.ready`, true);
  const addresses = read.list(fields['addresses'], `${path}.addresses`);
  if (addresses.length === 0) read.mistake(`${path}.addresses`, 'must name at least one address');
  return {
    addresses: addresses.map((address, index) => {
      const at = `${path}.addresses[${index}]`;
      if (addressType === 'FQDN') return read.name(address, at, isDnsSubdomain, 'a DNS name');
      return read.ip(address, at, addressType === 'IPv4' ? 4 : 6);
    }),
    ready,
    serving: read.flag(conditions['serving'], `${path}.conditions.serving`, ready),
    terminating: read.flag(conditions['terminating'], `${path}.conditions.terminating`, false),
    pod: readTargetRef(fields['targetRef'], `${path}.targetRef`, namespace, read),
  };
}

function readTargetRef(value: unknown, path: string, namespace: string, read: FieldReader): ObjectKey | undefined {
  const fields = read.map(value, path);
  if (fields['kind'] !== 'Pod') return undefined;
  const name = read.name(fields['name'], `${path}.name`, isDnsSubdomain, "a Pod's name");
  return objectKey(read.text(fields['namespace'], `${path}.namespace`) || namespace, name);
}
