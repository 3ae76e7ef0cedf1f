import type { Endpoint, EndpointSlice, SlicePort } from '../model/cluster-state.ts';
import type { FieldReader, Fields } from '../model/field-reader.ts';
import { isDnsLabel, type ObjectKey, objectKey } from '../model/names.ts';
import { isDnsSubdomain, type Metadata } from './metadata.ts';

export const SERVICE_LABEL = 'kubernetes.io/service-name';
const SERVICE_LABEL_PATH = `metadata.labels[${SERVICE_LABEL}]`;
const ADDRESS_TYPES = ['IPv4', 'IPv6', 'FQDN'] as const;

/** `discovery.k8s.io/v1 EndpointSlice`. */
export function readEndpointSlice(object: Fields, metadata: Metadata, read: FieldReader): EndpointSlice {
  const service = read.name(metadata.labels[SERVICE_LABEL], SERVICE_LABEL_PATH, isDnsLabel, "a Service's name");
  if (object['addressType'] === undefined || object['addressType'] === null) read.mistake('addressType', 'is missing');
  const addressType = read.choice(object['addressType'], 'addressType', ADDRESS_TYPES, 'IPv4');
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    service: objectKey(metadata.namespace, service),
    addressType,
    ports: readPorts(object, read),
    endpoints: readEndpoints(object, addressType, metadata.namespace, read),
  };
}

function readPorts(object: Fields, read: FieldReader): readonly SlicePort[] {
  const ports: SlicePort[] = [];
  for (const [index, value] of read.list(object['ports'], 'ports').entries()) {
    read.enter('ports', index);
    const fields = read.map(value, '');
    // A slice's port without a number means "all ports": no port of a Service is meant by it.
    if (fields['port'] !== undefined && fields['port'] !== null)
      ports.push({ name: read.text(fields['name'], 'name'), port: read.port(fields['port'], 'port') });
    read.leave();
  }
  return ports;
}

function readEndpoints(
  object: Fields,
  addressType: EndpointSlice['addressType'],
  namespace: string,
  read: FieldReader,
): readonly Endpoint[] {
  const endpoints: Endpoint[] = [];
  let index = 0;
  for (const value of read.list(object['endpoints'], 'endpoints')) {
    read.enter('endpoints', index);
    endpoints.push(readEndpoint(value, addressType, namespace, read));
    read.leave();
    index += 1;
  }
  return endpoints;
}

function readEndpoint(value: unknown, addressType: EndpointSlice['addressType'], namespace: string, read: FieldReader): Endpoint {
  const fields = read.map(value, '');
  const conditions = read.map(fields['conditions'], 'conditions');
  const ready = read.flag(conditions['ready'], 'conditions.ready', true);
  const written = read.list(fields['addresses'], 'addresses');
  if (written.length === 0) read.mistake('addresses', 'must name at least one address');
  const addresses: string[] = [];
  for (const address of written) {
    read.enter('addresses', addresses.length);
    if (addressType === 'FQDN') addresses.push(read.name(address, '', isDnsSubdomain, 'a DNS name'));
    else addresses.push(read.ip(address, '', addressType === 'IPv4' ? 4 : 6));
    read.leave();
  }
  return {
    addresses,
    ready,
    serving: read.flag(conditions['serving'], 'conditions.serving', ready),
    terminating: read.flag(conditions['terminating'], 'conditions.terminating', false),
    pod: readTargetRef(fields['targetRef'], namespace, read),
  };
}

function readTargetRef(value: unknown, namespace: string, read: FieldReader): ObjectKey | undefined {
  const fields = read.map(value, 'targetRef');
  if (fields['kind'] !== 'Pod') return undefined;
  const name = read.name(fields['name'], 'targetRef.name', isDnsSubdomain, "a Pod's name");
  // A Service has pods of its own namespace: who writes slices by hand must not make others' pods, and their sidecars, his.
  const elsewhere = (read.text(fields['namespace'], 'targetRef.namespace') || namespace) !== namespace;
  return elsewhere ? undefined : objectKey(namespace, name);
}
