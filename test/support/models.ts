/** Models by hand, for what stands behind the engine. As they are: `shop/api`, one HTTP port 80, no intercepts. */
import type {
  Address,
  HostModel,
  Intercept,
  InterceptModel,
  ModelChange,
  PodModel,
  PortModel,
  PortProtocol,
  RuleEntry,
  ServiceModel,
} from '../../src/model/intercept.ts';
import { interceptId, type ObjectKey, objectKey, servicePortKey } from '../../src/model/names.ts';
import { compareText, orderRules } from '../../src/model/order.ts';
import type { Alternative, Operator, Predicate } from '../../src/model/rule.ts';

/** `x-user`, or `baggage[user]`. */
export function aPredicate(subject: string, operator: Operator, value = ''): Predicate {
  const member = /^baggage\[(.*)\]$/.exec(subject)?.[1];
  return {
    subject: member === undefined ? { kind: 'header', name: subject } : { kind: 'baggage', name: member },
    operator,
    value,
  };
}

export interface InterceptParts extends Partial<Omit<Intercept, 'rule' | 'id' | 'preview' | 'target'>> {
  readonly rule?: readonly Alternative[];
}

export interface PortParts {
  readonly port?: number;
  readonly name?: string;
  readonly protocol?: PortProtocol;
  readonly baseline?: readonly Address[];
  readonly intercepts?: readonly InterceptParts[];
}

export interface ServiceParts {
  readonly namespace?: string;
  readonly name?: string;
  readonly clusterIPs?: readonly string[];
  readonly external?: boolean;
  readonly ports?: readonly PortParts[];
}

export function aServiceModel(parts: ServiceParts = {}): ServiceModel {
  const { namespace = 'shop', name = 'api' } = parts;
  const key = objectKey(namespace, name);
  const built = (parts.ports ?? [{}]).map((port) => portModel(key, port));
  return {
    key,
    namespace,
    name,
    clusterIPs: parts.clusterIPs ?? ['10.96.0.1'],
    external: parts.external ?? false,
    ports: built.map(({ port }) => port),
    intercepts: built.flatMap(({ intercepts }) => intercepts).sort((a, b) => compareText(a.id, b.id)),
    problems: [],
  };
}

function portModel(
  service: ObjectKey,
  parts: PortParts,
): { readonly port: PortModel; readonly intercepts: readonly Intercept[] } {
  const { port = 80, name = 'http', protocol = 'http1', baseline = [{ ip: '10.0.0.1', port: 8080 }] } = parts;
  const key = servicePortKey(service, port);
  const intercepts = (parts.intercepts ?? []).map((each) => anIntercept(service, port, each));
  const byMode = (mode: Intercept['mode']): readonly Intercept[] => intercepts.filter((each) => each.mode === mode);
  const byKey = (list: readonly Intercept[]): ReadonlyMap<string, Intercept> => new Map(list.map((each) => [each.key, each]));
  const entries = (list: readonly Intercept[]): readonly RuleEntry[] =>
    orderRules(
      list.flatMap((intercept) => (intercept.rule?.alternatives ?? []).map((alternative) => ({ intercept, alternative }))),
    );
  return {
    port: {
      ...{ key, port, name, protocol, baseline },
      routes: byKey(byMode('route')),
      rules: entries(byMode('route')),
      mirrors: byKey(byMode('mirror')),
      mirrorRules: entries(byMode('mirror')),
    },
    intercepts,
  };
}

function anIntercept(service: ObjectKey, port: number, parts: InterceptParts): Intercept {
  const { key = 'pr-42', rule, ...rest } = parts;
  const preview = { namespace: 'shop', key, kind: 'Deployment', name: `${service.split('/')[1]}-${key}` };
  const target = servicePortKey(service, port);
  return {
    id: interceptId(preview, target),
    preview,
    key,
    target,
    rule: rule === undefined ? undefined : { alternatives: rule },
    whenUnavailable: 'baseline',
    mode: 'route',
    percent: 100,
    expiresAt: undefined,
    endpoints: [{ ip: '10.0.1.1', port: 8080 }],
    state: 'active',
    winner: undefined,
    problems: [],
    ...rest,
  };
}

export interface HostParts {
  readonly host?: string;
  readonly previewUrls?: boolean;
  /** Prefix to Service, port 80. */
  readonly paths?: Readonly<Record<string, ObjectKey>>;
}

export function aHost(parts: HostParts = {}): HostModel {
  const paths = Object.entries(parts.paths ?? { '/': 'shop/api' as ObjectKey }).map(([prefix, service]) => ({
    prefix,
    service,
    target: servicePortKey(service, 80),
  }));
  return {
    host: parts.host ?? 'shop.example.com',
    namespace: 'shop',
    paths: paths.sort((a, b) => b.prefix.length - a.prefix.length),
    previewUrls: parts.previewUrls ?? true,
  };
}

export interface ModelParts {
  readonly services?: readonly ServiceModel[];
  readonly hosts?: readonly HostModel[];
  readonly pods?: Readonly<Record<ObjectKey, PodModel>>;
}

/** Live are the keys of all its intercepts. */
export function aModel(parts: ModelParts = {}): InterceptModel {
  const services = parts.services ?? [aServiceModel()];
  return {
    services: new Map(services.map((service) => [service.key, service])),
    hosts: new Map((parts.hosts ?? []).map((host) => [host.host, host])),
    pods: new Map(Object.entries(parts.pods ?? {}) as [ObjectKey, PodModel][]), // its keys are what its type says
    keys: new Set(services.flatMap((service) => service.intercepts.map((intercept) => intercept.key))),
    problems: new Map(),
  };
}

export function aChange(parts: Partial<Record<keyof ModelChange, readonly string[]>>): ModelChange {
  const set = <Name extends string>(names: readonly string[] = []): ReadonlySet<Name> => new Set(names as readonly Name[]); // names are texts
  return { services: set(parts.services), hosts: set(parts.hosts), pods: set(parts.pods), keys: set(parts.keys) };
}
