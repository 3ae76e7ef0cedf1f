/** Who serves a public host, and by which port (design, section 2, `detour.dev/host`). */
import type { Service, ServicePort } from '../model/cluster-state.ts';
import type { HostModel, HostPath } from '../model/intercept.ts';
import { type ObjectKey, objectKey, servicePortKey } from '../model/names.ts';
import { compareByAge, compareText } from '../model/order.ts';
import type { Problem } from '../model/problem.ts';
import { type Fault, problemOf } from './fault.ts';
import { isHttp, portProtocol } from './protocol.ts';
import { tcpPorts } from './targets.ts';

/** A Service and the prefixes of one host that it claims. */
export interface Claimant {
  readonly key: ObjectKey;
  readonly service: Service;
  readonly prefixes: readonly string[];
}

export interface BuiltHost {
  /** undefined: nobody can serve it. */
  readonly model: HostModel | undefined;
  readonly problems: readonly Problem[];
}

/** @param older claimants of the host that this one would be a preview URL of, see {@link hostOfPreviewUrl}. */
export function buildHost(host: string, claimants: readonly Claimant[], older: readonly Claimant[] = []): BuiltHost {
  const problems: Problem[] = [];
  const tell = (service: Service, fault: Fault) =>
    problems.push(problemOf(fault, { kind: 'Service', key: objectKey(service.namespace, service.name) }));
  const [urlOwner] = older.length === 0 ? older : older.toSorted(byAge);
  const byAgeAll = claimants.length < 2 ? claimants : claimants.toSorted(byAge);
  const isFree = ({ service }: Claimant): boolean => {
    const isTaken = urlOwner !== undefined && isOlderElsewhere(urlOwner.service, service);
    if (isTaken) tell(service, previewUrlTaken(host, service, urlOwner.service));
    return !isTaken;
  };
  const inOrder = urlOwner === undefined ? byAgeAll : byAgeAll.filter(isFree);
  const owner = inOrder[0];
  if (owner === undefined) return { model: undefined, problems };
  const paths = new Map<string, HostPath>();
  for (const { key, service, prefixes } of inOrder) {
    if (service.namespace !== owner.service.namespace) {
      tell(service, hostTaken(host, service, owner.service));
      continue;
    }
    const port = hostPort(service);
    if (port === undefined) {
      tell(service, noPort(host, service));
      continue;
    }
    for (const prefix of prefixes) {
      const other = paths.get(prefix);
      if (other === undefined) paths.set(prefix, { prefix, target: servicePortKey(key, port.port), service: key });
      else tell(service, duplicateHost(host, prefix, key, other.service));
    }
  }
  if (paths.size === 0) return { model: undefined, problems };
  const reason = noPreviewUrl(host);
  if (reason !== undefined) tell(owner.service, reason);
  const model = {
    host,
    namespace: owner.service.namespace,
    paths: [...paths.values()].sort((a, b) => b.prefix.length - a.prefix.length || compareText(a.prefix, b.prefix)),
    previewUrls: reason === undefined,
  };
  return { model, problems };
}

/**
 * `shop.example.com` for `pr-42--shop.example.com`: nobody may take the preview URLs of another namespace's host.
 * undefined: the host would be no preview URL, whoever served what is behind its dashes.
 */
export function hostOfPreviewUrl(host: string): string | undefined {
  if (!host.includes('--')) return undefined;
  const groups = /^(?!xn--)(?<key>[^.]+)--(?<label>[^.]+)(?<zone>\..+)$/.exec(host)?.groups;
  const plain = groups && `${groups['label']}${groups['zone']}`;
  return plain === undefined || noPreviewUrl(plain) !== undefined ? undefined : plain;
}

function byAge(a: Claimant, b: Claimant): number {
  return compareByAge(a.service, b.service);
}

function isOlderElsewhere(one: Service, other: Service): boolean {
  return one.namespace !== other.namespace && compareByAge(one, other) < 0;
}

/** The port named http…, else port 80, else the first that speaks HTTP. undefined: none does. */
export function hostPort(service: Service): ServicePort | undefined {
  if (service.type === 'ExternalName') return undefined;
  const ports = tcpPorts(service).filter((port) => isHttp(portProtocol(port)));
  return ports.find((port) => port.name.startsWith('http')) ?? ports.find((port) => port.port === 80) ?? ports[0];
}

function noPreviewUrl(host: string): Fault | undefined {
  const code = 'NoPreviewUrl';
  const dot = host.indexOf('.');
  if (dot < 0 || !host.includes('.', dot + 1)) {
    return {
      code,
      message: `There are no preview URLs for ${host}: <key>--${host} would be another domain, which may be somebody else's.`,
      hint: `Serve a host below it, like www.${host}. Requests that carry a key are routed all the same.`,
    };
  }
  const label = host.slice(0, dot);
  // Only there is a key looked for: in `shop.xn--p1ai.example` the later dashes are nobody's.
  if (label.includes('--')) {
    return {
      code,
      message: `There are no preview URLs for ${host}: its first label contains "--", which parts a key from a host.`,
      hint: 'Serve a host without "--" in its first label. Requests that carry a key are routed all the same.',
    };
  }
  return undefined;
}

function hostTaken(host: string, service: Service, owner: Service): Fault {
  return {
    code: 'HostTaken',
    message: `Host ${host} of Service ${service.namespace}/${service.name} is not served for it: namespace ${owner.namespace} owns the host, as its Service ${owner.name} is the oldest that claims it.`,
    hint: `Choose another host, or have ${owner.namespace}/${owner.name} give it up.`,
  };
}

function previewUrlTaken(host: string, service: Service, owner: Service): Fault {
  const plain = hostOfPreviewUrl(host) ?? host;
  return {
    code: 'HostTaken',
    message: `Host ${host} of Service ${service.namespace}/${service.name} is not served for it: it is a preview URL of ${plain}, which namespace ${owner.namespace} owns by its Service ${owner.name}.`,
    hint: 'Choose a host without "--" in its first label.',
  };
}

function duplicateHost(host: string, prefix: string, service: ObjectKey, other: ObjectKey): Fault {
  return {
    code: 'DuplicateHost',
    message: `${host}${prefix} of Service ${service} is not served for it: the older Service ${other} serves it.`,
    hint: `Claim another path (${host}/path), or remove the claim from one of them.`,
  };
}

function noPort(host: string, service: Service): Fault {
  const name = `Service ${service.namespace}/${service.name}`;
  if (service.type === 'ExternalName') {
    return {
      code: 'ExternalName',
      message: `Host ${host} is not served for ${name}: it is of type ExternalName, and has no endpoints.`,
      hint: 'Make it a ClusterIP Service with EndpointSlices, or remove detour.dev/host.',
    };
  }
  return {
    code: 'PortNotHttp',
    message: `Host ${host} is not served for ${name}: it has no port that speaks HTTP.`,
    hint: 'If one does, say so with appProtocol: http (or http2, grpc) on the Service.',
  };
}
