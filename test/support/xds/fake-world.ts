/** A world of resources for tests of the delivery: plain data under the test's hand, in place of a translation. */
import type { InterceptModel, ModelChange } from '../../../src/model/intercept.ts';
import type { InterceptId } from '../../../src/model/names.ts';
import type { EnvoyResource, ResourceChange, ResourceType } from '../../../src/translate/resource.ts';
import type { ScopeTranslation } from '../../../src/translate/translate.ts';

export interface FakeOptions {
  readonly clusters?: readonly string[];
  readonly endpointsName?: string;
  readonly intercepts?: readonly InterceptId[];
}

/** @param content anything: what makes one version differ from another */
export function fakeResource(type: ResourceType, name: string, content: string, options: FakeOptions = {}): EnvoyResource {
  const { clusters = [], endpointsName, intercepts = [] } = options;
  return { type, name, message: MESSAGES[type](name, content), clusters, endpointsName, intercepts };
}

const MESSAGES: Readonly<Record<ResourceType, (name: string, content: string) => object>> = {
  cluster: (name, content) => ({ name, alt_stat_name: content }),
  endpoints: (name, content) => ({ cluster_name: name, endpoints: [{ locality: { zone: content } }] }),
  listener: (name, content) => ({ name, stat_prefix: content }),
  scopedRoute: (name, content) => ({ name, route_configuration_name: content, key: { fragments: [{ string_key: name }] } }),
  route: (name, content) => ({ name, virtual_hosts: [{ name: content, domains: ['*'] }] }),
};

/** The content of a decoded message, see {@link fakeResource}. */
// biome-ignore lint/suspicious/noExplicitAny: a decoded message of any of these types.
export function contentOf(type: ResourceType, message: any): string {
  switch (type) {
    case 'cluster':
      return message.alt_stat_name;
    case 'endpoints':
      return message.endpoints[0]?.locality.zone ?? '';
    case 'listener':
      return message.stat_prefix;
    case 'scopedRoute':
      return message.route_configuration_name;
    case 'route':
      return message.virtual_hosts[0].name;
  }
}

const keyOf = (type: ResourceType, name: string): string => `${type} ${name}`;

export class FakeWorld {
  readonly resources = new Map<string, EnvoyResource>();

  set(type: ResourceType, name: string, content: string, options: FakeOptions = {}): this {
    this.resources.set(keyOf(type, name), fakeResource(type, name, content, options));
    return this;
  }

  remove(type: ResourceType, name: string): this {
    this.resources.delete(keyOf(type, name));
    return this;
  }

  /** What a scope is given: all of it, whatever the model says. */
  translation(): ScopeTranslation {
    return new Differences(() => this.resources.values());
  }
}

/** Turns "all there is" into "what is different", for translations that are computed afresh each time. */
export class Differences implements ScopeTranslation {
  readonly #all: (model: InterceptModel, excluded: ReadonlySet<InterceptId>) => Iterable<EnvoyResource>;
  #given = new Map<string, EnvoyResource>();

  constructor(all: (model: InterceptModel, excluded: ReadonlySet<InterceptId>) => Iterable<EnvoyResource>) {
    this.#all = all;
  }

  update(model: InterceptModel, _change: ModelChange | undefined, excluded: ReadonlySet<InterceptId>): readonly ResourceChange[] {
    const now = new Map([...this.#all(model, excluded)].map((each) => [keyOf(each.type, each.name), each]));
    const gone = [...this.#given].filter(([key]) => !now.has(key));
    const changed = [...now].filter(([key, each]) => this.#given.get(key) !== each);
    this.#given = now;
    return [
      ...changed.map(([, resource]) => ({ type: resource.type, name: resource.name, resource })),
      ...gone.map(([, { type, name }]) => ({ type, name, resource: undefined })),
    ];
  }
}

export const EMPTY_MODEL: InterceptModel = {
  services: new Map(),
  hosts: new Map(),
  pods: new Map(),
  keys: new Set(),
  problems: new Map(),
};

export const NO_CHANGE: ModelChange = { services: new Set(), hosts: new Set(), pods: new Set(), keys: new Set() };
