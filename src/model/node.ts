/**
 * Who an Envoy says it is: `node.id` and `node.metadata.detour`, as the bootstrap writes them and the control plane
 * reads them (design, section 3).
 *
 * `gateway~<namespace>/<name>`: `listen`, and perhaps `preview_domain` and `cors_origins`. `trusted_hops`: proxies before
 * it. With TLS `listen_tls`, `tls_certificates` (names) and `tls_sds` (the Envoy's folder with what says where they are);
 * then perhaps `redirect_port`, or no `listen`. `carriers`: `strip`, or `signed` with `carrier_keys`, a file of the Envoy's.
 * `sidecar~<namespace>/<pod>`: perhaps `inbound` (a list of `listen` and `app`), `outbound` and `services`; or `capture`,
 * where the pod's traffic is captured, and then perhaps `egress_carriers` (`strip`) and `cluster_cidrs`.
 */
import { isIP } from 'node:net';
import type { IpFamily } from './capture.ts';
import type { CarrierPolicy } from './carriers.ts';
import { DEFAULT_CLUSTER_CIDRS, type Egress, readCidr } from './egress.ts';
import { isDnsLabel, type ObjectKey } from './names.ts';
import type { GatewayTls, InboundPort, Proxy, SocketAddress } from './proxy.ts';
import { formatSocketAddress, parseSocketAddress } from './socket-address.ts';

export type EnvoyProxy = Exclude<Proxy, { readonly role: 'client' }>;

export interface ProxyNode {
  readonly id: string;
  readonly cluster: string;
  readonly metadata: { readonly detour: Readonly<Record<string, unknown>> };
}

/** What {@link proxyOf} reads back. Settings that are not used are left out. */
export function nodeOf(proxy: EnvoyProxy): ProxyNode {
  const id = `${proxy.role}~${proxy.namespace}/${proxy.name}`;
  if (proxy.role === 'gateway') {
    const detour = {
      ...(proxy.listen !== undefined && { listen: formatSocketAddress(proxy.listen) }),
      ...(proxy.tls !== undefined && tlsFields(proxy.tls)),
      ...(proxy.trustedHops !== undefined && { trusted_hops: proxy.trustedHops }),
      ...(proxy.previewDomain !== undefined && { preview_domain: proxy.previewDomain }),
      ...(proxy.corsOrigins.length > 0 && { cors_origins: proxy.corsOrigins }),
      ...(proxy.carriers !== undefined && { carriers: proxy.carriers.kind }),
      ...(proxy.carriers?.kind === 'signed' && { carrier_keys: proxy.carriers.keysFile }),
    };
    return { id, cluster: `${proxy.namespace}/${proxy.name}`, metadata: { detour } };
  }
  const inbound = proxy.inbound.map(({ listen, app }) => ({
    listen: formatSocketAddress(listen),
    app: formatSocketAddress(app),
  }));
  const detour = {
    ...(inbound.length > 0 && { inbound }),
    ...(proxy.outbound !== undefined && { outbound: formatSocketAddress(proxy.outbound) }),
    ...(proxy.services.length > 0 && { services: proxy.services }),
    ...(proxy.capture !== undefined && { capture: proxy.capture }),
    ...(proxy.egress !== undefined && { egress_carriers: 'strip', cluster_cidrs: proxy.egress.clusterCidrs }),
  };
  // Pods come and go: statistics and traces by pod would never end.
  return { id, cluster: proxy.namespace, metadata: { detour } };
}

function tlsFields({ listen, certificates, sdsFolder, redirectPort }: GatewayTls): Readonly<Record<string, unknown>> {
  return {
    listen_tls: formatSocketAddress(listen),
    tls_certificates: certificates,
    tls_sds: sdsFolder,
    ...(redirectPort !== undefined && { redirect_port: redirectPort }),
  };
}

/** A node as it came: `metadata` is the JSON of a Struct. */
export interface NodeLike {
  readonly id: string;
  readonly metadata?: unknown;
}

const OF_ENVOY = /^(gateway|sidecar)~/;
const ID = /^(?<role>gateway|sidecar)~(?<namespace>[^/]*)\/(?<name>.*)$/s;
const LONGEST_NAME = 253;
const LONGEST_PATH = 4_096;
/** Nobody has so many proxies in a row. */
const MOST_HOPS = 100;
/** No pod has so many ports, nor calls so many Services by name. */
const LONGEST_LIST = 1_000;
const ORIGIN = /^(?:\*|null|[a-z][a-z0-9+.-]*:\/\/[^\s/,]+)$/i;

/** Ids that are neither a gateway's nor a sidecar's are clients', and may be anything. @returns what one of those must be */
export function nodeIdMistake(id: string): string | undefined {
  if (!OF_ENVOY.test(id)) return undefined;
  const { namespace = '', name = '' } = ID.exec(id)?.groups ?? {};
  if (isDnsLabel(namespace) && isDnsName(name)) return undefined;
  return `must be ${id.startsWith('gateway') ? 'gateway~<namespace>/<name>' : 'sidecar~<namespace>/<pod>'}`;
}

/** Ids that are neither a gateway's nor a sidecar's are clients. `error` says what to change, in one sentence. */
export function proxyOf(node: NodeLike): Proxy | { readonly error: string } {
  if (!OF_ENVOY.test(node.id)) return { role: 'client', id: node.id };
  const mistake = nodeIdMistake(node.id);
  if (mistake !== undefined) return { error: `node.id ${show(node.id)} ${mistake}` };
  const { role, namespace = '', name = '' } = ID.exec(node.id)?.groups ?? {};
  try {
    const fields = new Fields(node.metadata);
    return role === 'gateway' ? gateway(fields, namespace, name) : sidecar(fields, namespace, name);
  } catch (error) {
    if (error instanceof Mistake) return { error: `${error.message} (node.id ${node.id})` };
    throw error;
  }
}

function gateway(fields: Fields, namespace: string, name: string): Proxy {
  const listen = fields.address('listen');
  const tls = gatewayTls(fields);
  if (listen === undefined && tls === undefined)
    throw new Mistake('node.metadata.detour.listen is missing: where the gateway listens, HOST:PORT');
  if (listen !== undefined && tls !== undefined && formatSocketAddress(listen) === formatSocketAddress(tls.listen))
    throw new Mistake(`node.metadata.detour names ${formatSocketAddress(listen)} twice: listen and listen_tls must differ`);
  const trustedHops = fields.integer('trusted_hops', 0, MOST_HOPS);
  const previewDomain = fields.text('preview_domain');
  if (previewDomain !== undefined && !isDnsName(previewDomain))
    throw new Mistake(`node.metadata.detour.preview_domain ${show(previewDomain)} must be a DNS name in lower case`);
  const corsOrigins = fields.texts('cors_origins', (text) => ORIGIN.test(text), 'an origin (https://app.example.com) or *');
  const carriers = carrierPolicy(fields);
  return {
    ...{ role: 'gateway', namespace, name, listen, previewDomain, corsOrigins },
    ...(carriers !== undefined && { carriers }),
    ...(tls !== undefined && { tls }),
    ...(trustedHops !== undefined && { trustedHops }),
  };
}

function carrierPolicy(fields: Fields): CarrierPolicy | undefined {
  const kind = fields.text('carriers') ?? 'accept';
  const keysFile = fields.text('carrier_keys');
  if (kind !== 'accept' && kind !== 'signed' && kind !== 'strip')
    throw new Mistake(`node.metadata.detour.carriers ${show(kind)} must be accept, signed or strip`);
  if ((kind === 'signed') !== (keysFile !== undefined))
    throw new Mistake('node.metadata.detour: carriers signed and carrier_keys, the file with the secrets, go together');
  if (keysFile !== undefined && (!keysFile.startsWith('/') || keysFile.length > LONGEST_PATH || keysFile.includes('\0')))
    throw new Mistake(`node.metadata.detour.carrier_keys ${show(keysFile)} must be a path that begins with /`);
  if (kind === 'accept') return undefined;
  return keysFile === undefined ? { kind: 'strip' } : { kind: 'signed', keysFile };
}

function gatewayTls(fields: Fields): GatewayTls | undefined {
  const listen = fields.address('listen_tls');
  const certificates = fields.texts('tls_certificates', isDnsName, 'the name of a Secret');
  const sdsFolder = fields.text('tls_sds');
  const redirectPort = fields.integer('redirect_port', 1, 65_535);
  if (listen === undefined && certificates.length === 0 && sdsFolder === undefined && redirectPort === undefined)
    return undefined;
  if (listen === undefined || certificates.length === 0 || sdsFolder === undefined)
    throw new Mistake('node.metadata.detour: listen_tls, tls_certificates and tls_sds go together');
  if (!sdsFolder.startsWith('/') || sdsFolder.length > LONGEST_PATH)
    throw new Mistake(`node.metadata.detour.tls_sds ${show(sdsFolder)} must be a path that begins with /`);
  if (new Set(certificates).size < certificates.length)
    throw new Mistake(`node.metadata.detour.tls_certificates ${show(certificates)} names one twice`);
  return { listen, certificates, sdsFolder, redirectPort };
}

function sidecar(fields: Fields, namespace: string, name: string): Proxy {
  const inbound = fields.inbound();
  const outbound = fields.address('outbound');
  const taken = new Set<string>();
  for (const listen of [...inbound.map((each) => each.listen), ...(outbound === undefined ? [] : [outbound])]) {
    const text = formatSocketAddress(listen);
    if (taken.has(text))
      throw new Mistake(`node.metadata.detour names ${text} twice: every listener needs an address of its own`);
    taken.add(text);
  }
  const services = fields.texts('services', isServiceKey, 'NAMESPACE/SERVICE') as readonly ObjectKey[];
  const capture = fields.families('capture');
  if (capture !== undefined && (inbound.length > 0 || outbound !== undefined))
    throw new Mistake('node.metadata.detour has capture and ports of its own: captured traffic comes to 15001 and 15006');
  const egress = egressOf(fields);
  if (egress !== undefined && capture === undefined)
    throw new Mistake('node.metadata.detour.egress_carriers is about captured traffic: there is no capture');
  return {
    ...{ role: 'sidecar', namespace, name, inbound, outbound, services },
    ...(capture !== undefined && { capture }),
    ...(egress !== undefined && { egress }),
  };
}

function egressOf(fields: Fields): Egress | undefined {
  const carriers = fields.text('egress_carriers') ?? 'accept';
  if (carriers !== 'accept' && carriers !== 'strip')
    throw new Mistake(`node.metadata.detour.egress_carriers ${show(carriers)} must be accept or strip`);
  const cidrs = fields.texts('cluster_cidrs', (text) => readCidr(text) !== undefined, 'a network, such as 10.0.0.0/8');
  if (carriers === 'accept') return undefined;
  return { clusterCidrs: cidrs.length === 0 ? DEFAULT_CLUSTER_CIDRS : [...new Set(cidrs)] };
}

function isFamily(text: unknown): text is IpFamily {
  return text === 'ipv4' || text === 'ipv6';
}

function isDnsName(text: string): boolean {
  return text.length <= LONGEST_NAME && text.split('.').every(isDnsLabel);
}

function isServiceKey(text: string): text is ObjectKey {
  const parts = text.split('/');
  return parts.length === 2 && parts.every(isDnsLabel);
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

/** Never leaves this file. */
class Mistake extends Error {}

class Fields {
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(metadata: unknown) {
    const detour = record(metadata ?? {})?.['detour'] ?? {};
    const fields = record(detour);
    if (fields === undefined) throw new Mistake(`node.metadata.detour ${show(detour)} must be an object`);
    this.#fields = fields;
  }

  text(name: string): string | undefined {
    const value = this.#fields[name];
    if (value !== undefined && typeof value !== 'string')
      throw new Mistake(`node.metadata.detour.${name} ${show(value)} must be text`);
    return value;
  }

  texts(name: string, valid: (text: string) => boolean, form: string): readonly string[] {
    return this.#list(name).map((each) => {
      if (typeof each === 'string' && valid(each)) return each;
      throw new Mistake(`node.metadata.detour.${name} has ${show(each)}, which must be ${form}`);
    });
  }

  address(name: string): SocketAddress | undefined {
    const value = this.#fields[name];
    return value === undefined ? undefined : ipAddress(value, name);
  }

  integer(name: string, least: number, most: number): number | undefined {
    const value = this.#fields[name];
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
    throw new Mistake(`node.metadata.detour.${name} ${show(value)} must be a whole number from ${least} to ${most}`);
  }

  /** undefined: none is named. */
  families(name: string): readonly IpFamily[] | undefined {
    const families = [...new Set(this.#list(name))];
    if (families.every(isFamily)) return families.length === 0 ? undefined : families;
    throw new Mistake(`node.metadata.detour.${name} ${show(families)} must be a list of ipv4 and ipv6`);
  }

  inbound(): readonly InboundPort[] {
    return this.#list('inbound').map((each) => {
      const port = record(each);
      if (port === undefined) throw new Mistake(`node.metadata.detour.inbound has ${show(each)}, which must be {listen, app}`);
      return { listen: ipAddress(port['listen'], 'inbound.listen'), app: ipAddress(port['app'], 'inbound.app') };
    });
  }

  #list(name: string): readonly unknown[] {
    const value = this.#fields[name] ?? [];
    if (!Array.isArray(value)) throw new Mistake(`node.metadata.detour.${name} ${show(value)} must be a list`);
    if (value.length > LONGEST_LIST)
      throw new Mistake(`node.metadata.detour.${name} has ${value.length} entries, and may have ${LONGEST_LIST}`);
    return value;
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> | undefined {
  // An object that is no list has string keys and values of whatever kind: exactly this type.
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
}

/** Envoy takes no host names here. */
function ipAddress(value: unknown, name: string): SocketAddress {
  const address = typeof value === 'string' ? parseSocketAddress(value) : undefined;
  if (address === undefined || isIP(address.host) === 0 || address.port === 0)
    throw new Mistake(`node.metadata.detour.${name} ${show(value)} must be IP:PORT`);
  return address;
}
