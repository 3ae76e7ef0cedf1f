/** The model that everything behind it is made from: intercepts bound to Services, with winners and losers. */
import type { InterceptId, ObjectKey, PreviewName, ServicePortKey } from './names.ts';
import type { Problem } from './problem.ts';
import type { Alternative, Rule } from './rule.ts';

export interface Address {
  readonly ip: string;
  readonly port: number;
}

/**
 * `http1`, `http2` (h2c and gRPC too): said by appProtocol or name. `maybe`: nothing says, so a connection that looks
 * like HTTP is. `opaque`: never HTTP.
 */
export type PortProtocol = 'http1' | 'http2' | 'maybe' | 'opaque';

export type Mode = 'route' | 'mirror';
export type WhenUnavailable = 'baseline' | 'fail';

/** What an author asked for in annotations, read and checked as far as the text alone allows. */
export interface Declaration {
  readonly targets: readonly Target[];
  readonly rule: Rule | undefined;
  readonly whenUnavailable: WhenUnavailable;
  readonly mode: Mode;
  /** 1..100 of the matching requests. */
  readonly percent: number;
  /** Milliseconds since the epoch; undefined: never. */
  readonly expiresAt: number | undefined;
}

/** One entry of `detour.dev/intercept`. */
export interface Target {
  readonly service: ObjectKey;
  /** Port of the Service by name or number; undefined: all HTTP ports. */
  readonly port: string | number | undefined;
  /** Port of the preview's pods by name or number; undefined: the Service's own targetPort. */
  readonly targetPort: string | number | undefined;
}

/**
 * `active`: served. `shadowed`: another preview with the key won. `expired`, `invalid`: not served, its problems say why.
 * `rejected`: an Envoy refused it.
 */
export type InterceptState = 'active' | 'shadowed' | 'expired' | 'invalid' | 'rejected';

/** One preview standing in for one port of one Service. */
export interface Intercept {
  readonly id: InterceptId;
  readonly preview: PreviewName;
  readonly key: string;
  readonly target: ServicePortKey;
  readonly rule: Rule | undefined;
  readonly whenUnavailable: WhenUnavailable;
  readonly mode: Mode;
  readonly percent: number;
  readonly expiresAt: number | undefined;
  /** Ready pods of the preview, sorted, without duplicates. */
  readonly endpoints: readonly Address[];
  readonly state: InterceptState;
  /** For `shadowed`: who won. */
  readonly winner: InterceptId | undefined;
  readonly problems: readonly Problem[];
}

/** One alternative of one intercept's rule, in its place in the total order. */
export interface RuleEntry {
  readonly intercept: Intercept;
  readonly alternative: Alternative;
}

export interface PortModel {
  readonly key: ServicePortKey;
  readonly port: number;
  readonly name: string;
  readonly protocol: PortProtocol;
  /** The baseline's endpoints, without preview pods that leaked in; sorted, without duplicates. */
  readonly baseline: readonly Address[];
  /** By key: active route intercepts, one for a key. */
  readonly routes: ReadonlyMap<string, Intercept>;
  /** Rules of active route intercepts, first match wins. */
  readonly rules: readonly RuleEntry[];
  /** The same for mirrors; they apply where no route intercept does. */
  readonly mirrors: ReadonlyMap<string, Intercept>;
  readonly mirrorRules: readonly RuleEntry[];
}

/** A Service with everything that stands in for it. A new object whenever anything in it changes. */
export interface ServiceModel {
  readonly key: ObjectKey;
  readonly namespace: string;
  readonly name: string;
  readonly clusterIPs: readonly string[];
  readonly external: boolean;
  readonly ports: readonly PortModel[];
  /** Every intercept that names this Service, served or not, by id. */
  readonly intercepts: readonly Intercept[];
  readonly problems: readonly Problem[];
}

export interface HostPath {
  /** '/' or '/a/b' without a slash at the end; matches whole path segments. */
  readonly prefix: string;
  readonly target: ServicePortKey;
  readonly service: ObjectKey;
}

/** A public host that gateways serve. */
export interface HostModel {
  /** Lower case, no port. */
  readonly host: string;
  readonly namespace: string;
  /** Longest prefix first. Never empty. */
  readonly paths: readonly HostPath[];
  /** Whether `<key>--host` is served too. */
  readonly previewUrls: boolean;
}

/** What a sidecar needs to know of its pod. */
export interface PodModel {
  readonly ports: readonly PodPort[];
  /** Intercepts that this pod serves, as a preview. */
  readonly previews: readonly InterceptId[];
  /** Services that this preview pod intercepts and whose endpoints it is in by mistake. */
  readonly inBaselineOf: readonly ObjectKey[];
}

export interface PodPort {
  /** Port of the pod, as its EndpointSlice or the preview's targetPort says. */
  readonly port: number;
  readonly service: ObjectKey;
  readonly servicePort: number;
}

/** Made when asked for: most pods have no sidecar that does. */
export interface PodModels {
  get(pod: ObjectKey): PodModel | undefined;
}

export interface InterceptModel {
  readonly services: ReadonlyMap<ObjectKey, ServiceModel>;
  readonly hosts: ReadonlyMap<string, HostModel>;
  readonly pods: PodModels;
  /** Keys of live previews: declared and valid, ready or not. */
  readonly keys: ReadonlySet<string>;
  /** Problems that belong to no intercept, by subject (`Kind/namespace/name`). */
  readonly problems: ReadonlyMap<string, readonly Problem[]>;
}

/** What changed from one model to the next: names only, the model has the values. */
export interface ModelChange {
  readonly services: ReadonlySet<ObjectKey>;
  readonly hosts: ReadonlySet<string>;
  /**
   * Also any that nobody has asked for: what nobody knows cannot have changed for him, and is made when he asks. None as
   * long as nobody has asked for any.
   */
  readonly pods: ReadonlySet<ObjectKey>;
  readonly keys: ReadonlySet<string>;
}
