/**
 * Services and EndpointSlices as nearly all of a cluster are, from bytes to the cluster state. Reading them by way of plain
 * data, as all others are, costs more than twice as much, and there are tens of thousands when a cluster is listed.
 * What is not as usual is left to that way, which says what is wrong with it.
 */
import { isIP } from 'node:net';
import { textMap } from '../../kubernetes/message-schema.ts';
import type { ProtobufReader } from '../../kubernetes/protobuf-reader.ts';
import type { Endpoint, EndpointSlice, Service, ServicePort, SlicePort } from '../../model/cluster-state.ts';
import { isDnsLabel, type ObjectKey, objectKey } from '../../model/names.ts';
import { NO_ITEMS } from '../../model/none.ts';
import { SERVICE_LABEL } from '../endpoint-slice.ts';
import { DETOUR_PREFIX, isDnsSubdomain, NO_ANNOTATIONS } from '../metadata.ts';
import type { ClusterObject } from '../objects.ts';
import type { WatchedResource } from './resources.ts';

/** @returns undefined for what is not as usual; nothing of it is read then. @throws ProtobufError */
export function readUsual(kind: WatchedResource['kind'], reader: ProtobufReader): ClusterObject | undefined {
  switch (kind) {
    case 'Service':
      return reader.attempt(readUsualService);
    case 'EndpointSlice':
      return reader.attempt(readUsualSlice);
    case 'Pod':
      // Only those of previews are read.
      return undefined;
  }
}

const LABELS = textMap(DETOUR_PREFIX, SERVICE_LABEL);
const ANNOTATIONS = textMap(DETOUR_PREFIX);
/** What a date can be. */
const MOST_MS = 8.64e15;

interface UsualMetadata {
  readonly name: string;
  readonly namespace: string;
  readonly createdAt: number;
  /** '' where there is none. */
  readonly service: string;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Numbers of fields, here and below, are those of `protobuf-schemas.ts`. */
function readMetadata(reader: ProtobufReader): UsualMetadata | undefined {
  const outer = reader.enter();
  let name = '';
  let namespace = '';
  let createdAt = 0;
  let service = '';
  let annotations: (readonly [string, string])[] | undefined;
  for (let number = reader.next(); number !== 0; number = reader.next()) {
    if (number === 1) name = reader.text();
    else if (number === 3) namespace = reader.word();
    else if (number === 8) createdAt = reader.time() ?? 0;
    else if (number === 11) {
      const entry = reader.entry(LABELS);
      if (entry === undefined) continue;
      // A preview outside the cluster, or a mistake.
      if (entry[0] !== SERVICE_LABEL) return undefined;
      service = entry[1];
    } else if (number === 12) {
      const entry = reader.entry(ANNOTATIONS);
      if (entry === undefined) continue;
      annotations ??= [];
      annotations.push([entry[0].slice(DETOUR_PREFIX.length), entry[1]]);
    }
  }
  reader.leave(outer);
  if (!isDnsSubdomain(name) || !isDnsLabel(namespace) || Math.abs(createdAt) > MOST_MS) return undefined;
  return {
    name,
    namespace,
    createdAt,
    service,
    annotations: annotations === undefined ? NO_ANNOTATIONS : Object.fromEntries(annotations),
  };
}

interface UsualSpec {
  readonly type: Service['type'];
  readonly clusterIPs: readonly string[];
  readonly ports: readonly ServicePort[];
}

function readUsualService(reader: ProtobufReader): ClusterObject | undefined {
  const outer = reader.enter();
  let metadata: UsualMetadata | undefined;
  let spec: UsualSpec | undefined;
  for (let number = reader.next(); number !== 0; number = reader.next()) {
    if (number === 1) metadata = readMetadata(reader);
    else if (number === 2) spec = readSpec(reader);
    else continue;
    if (metadata === undefined || (number === 2 && spec === undefined)) return undefined;
  }
  reader.leave(outer);
  if (metadata === undefined || spec === undefined || !isDnsLabel(metadata.name)) return undefined;
  const { namespace, name, createdAt, annotations } = metadata;
  const { type, clusterIPs, ports } = spec;
  const object: Service = { namespace, name, createdAt, type, clusterIPs, previewLabel: '', annotations, ports };
  return { kind: 'service', key: objectKey(namespace, name), object };
}

function readSpec(reader: ProtobufReader): UsualSpec | undefined {
  const outer = reader.enter();
  let type = '';
  let clusterIP = '';
  const clusterIPs: string[] = [];
  const ports: ServicePort[] = [];
  for (let number = reader.next(); number !== 0; number = reader.next()) {
    if (number === 1) {
      const port = readServicePort(reader);
      if (port === undefined || ports.some((each) => areAlike(each, port))) return undefined;
      ports.push(port);
    } else if (number === 3) clusterIP = reader.text();
    else if (number === 4) type = reader.word();
    else if (number === 18) clusterIPs.push(reader.text());
  }
  reader.leave(outer);
  if (type !== '' && type !== 'ClusterIP' && type !== 'NodePort' && type !== 'LoadBalancer') return undefined;
  if (clusterIPs.length === 0 && clusterIP !== '') clusterIPs.push(clusterIP);
  const [only] = clusterIPs;
  const isHeadless = clusterIPs.length === 1 && only === 'None';
  if (!isHeadless && !clusterIPs.every((ip) => isIP(ip) === 4)) return undefined;
  if (clusterIPs.length > 1 && new Set(clusterIPs).size < clusterIPs.length) return undefined;
  return { type: type === '' ? 'ClusterIP' : type, clusterIPs: isHeadless ? NO_ITEMS : clusterIPs, ports };
}

/** Two ports of one Service must not be. */
function areAlike(a: ServicePort, b: ServicePort): boolean {
  return a.name === b.name || (a.port === b.port && a.transport === b.transport);
}

function readServicePort(reader: ProtobufReader): ServicePort | undefined {
  const outer = reader.enter();
  let name = '';
  let transport = '';
  let port = 0;
  let targetPort: number | string = 0;
  let appProtocol = '';
  for (let number = reader.next(); number !== 0; number = reader.next()) {
    if (number === 1) name = reader.word();
    else if (number === 2) transport = reader.word();
    else if (number === 3) port = reader.number();
    else if (number === 4) targetPort = reader.intOrString();
    else if (number === 6) appProtocol = reader.word();
  }
  reader.leave(outer);
  if (targetPort === 0 || targetPort === '') targetPort = port;
  if (!isPort(port) || (typeof targetPort === 'number' && !isPort(targetPort))) return undefined;
  if (transport !== '' && transport !== 'TCP' && transport !== 'UDP' && transport !== 'SCTP') return undefined;
  return { name, port, targetPort, transport: transport === '' ? 'TCP' : transport, appProtocol };
}

function readUsualSlice(reader: ProtobufReader): ClusterObject | undefined {
  const outer = reader.enter();
  let metadata: UsualMetadata | undefined;
  let addressType = '';
  const endpoints: Endpoint[] = [];
  const ports: SlicePort[] = [];
  for (let number = reader.next(); number !== 0; number = reader.next()) {
    if (number === 1) metadata = readMetadata(reader);
    else if (number === 2) {
      const endpoint = metadata === undefined ? undefined : readEndpoint(reader, metadata.namespace);
      if (endpoint === undefined) return undefined;
      endpoints.push(endpoint);
    } else if (number === 3) {
      const port = readSlicePort(reader);
      if (port === undefined) return undefined;
      ports.push(port);
    } else if (number === 4) addressType = reader.word();
  }
  reader.leave(outer);
  if (metadata === undefined || addressType !== 'IPv4' || !isDnsLabel(metadata.service)) return undefined;
  const { namespace, name } = metadata;
  const object: EndpointSlice = {
    namespace,
    name,
    service: objectKey(namespace, metadata.service),
    addressType,
    ports,
    endpoints,
  };
  return { kind: 'slice', key: objectKey(namespace, name), object };
}

/** With IPv4 addresses: of one of those there is one way to write it. */
function readEndpoint(reader: ProtobufReader, namespace: string): Endpoint | undefined {
  const outer = reader.enter();
  const addresses: string[] = [];
  let [ready, serving, terminating]: (boolean | undefined)[] = [];
  let pod: ObjectKey | undefined;
  for (let number = reader.next(); number !== 0; number = reader.next()) {
    if (number === 1) {
      const address = reader.text();
      if (isIP(address) !== 4) return undefined;
      addresses.push(address);
    } else if (number === 2) {
      const within = reader.enter();
      for (let field = reader.next(); field !== 0; field = reader.next()) {
        if (field === 1) ready = reader.number() !== 0;
        else if (field === 2) serving = reader.number() !== 0;
        else if (field === 3) terminating = reader.number() !== 0;
      }
      reader.leave(within);
    } else if (number === 4) {
      pod = readPodRef(reader, namespace);
      if (pod === undefined) return undefined;
    }
  }
  reader.leave(outer);
  if (addresses.length === 0) return undefined;
  ready ??= true;
  return { addresses, ready, serving: serving ?? ready, terminating: terminating ?? false, pod };
}

/** A `targetRef` that is a pod of the slice's own namespace. */
function readPodRef(reader: ProtobufReader, namespace: string): ObjectKey | undefined {
  const outer = reader.enter();
  let kind = '';
  let own = '';
  let name = '';
  for (let number = reader.next(); number !== 0; number = reader.next()) {
    if (number === 1) kind = reader.word();
    else if (number === 2) own = reader.word();
    else if (number === 3) name = reader.text();
  }
  reader.leave(outer);
  return kind === 'Pod' && own === namespace && isDnsSubdomain(name) ? objectKey(namespace, name) : undefined;
}

function readSlicePort(reader: ProtobufReader): SlicePort | undefined {
  const outer = reader.enter();
  let name = '';
  let port = 0;
  for (let number = reader.next(); number !== 0; number = reader.next()) {
    if (number === 1) name = reader.word();
    else if (number === 3) port = reader.number();
  }
  reader.leave(outer);
  return isPort(port) ? { name, port } : undefined;
}

function isPort(value: number): boolean {
  return value >= 1 && value <= 65_535;
}
