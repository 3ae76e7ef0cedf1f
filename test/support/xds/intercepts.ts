/** A model with intercepts of one Service, and a translation that puts all of them into one route. */
import type { Intercept, InterceptModel, ServiceModel } from '../../../src/model/intercept.ts';
import { type InterceptId, interceptId, type ObjectKey } from '../../../src/model/names.ts';
import type { EnvoyResource } from '../../../src/translate/resource.ts';
import type { ScopeTranslation } from '../../../src/translate/translate.ts';
import { Differences, EMPTY_MODEL, fakeResource } from './fake-world.ts';

export const SERVICE: ObjectKey = 'shop/api';

export function idOf(key: string): InterceptId {
  return interceptId({ namespace: 'shop', key, kind: 'Deployment', name: `api-${key}` }, `${SERVICE}:80`);
}

/** @param percents by key: a change of it is a change of the intercept */
export function modelOf(percents: Readonly<Record<string, number>>): InterceptModel {
  const intercepts = Object.entries(percents).map(
    ([key, percent]): Intercept => ({
      id: idOf(key),
      preview: { namespace: 'shop', key, kind: 'Deployment', name: `api-${key}` },
      key,
      target: `${SERVICE}:80`,
      rule: undefined,
      whenUnavailable: 'baseline',
      mode: 'route',
      percent,
      expiresAt: undefined,
      endpoints: [],
      state: 'active',
      winner: undefined,
      problems: [],
    }),
  );
  const service: ServiceModel = {
    key: SERVICE,
    namespace: 'shop',
    name: 'api',
    clusterIPs: [],
    external: false,
    ports: [],
    intercepts,
    problems: [],
  };
  return { ...EMPTY_MODEL, services: new Map([[SERVICE, service]]) };
}

/** Route `r` holds `key=percent` of every intercept that is let in; cluster `c-<key>` stands for each of them. */
export function routeTranslation(): ScopeTranslation {
  return new Differences((model, excluded) => {
    const intercepts = [...model.services.values()]
      .flatMap((service) => service.intercepts)
      .filter(({ id }) => !excluded.has(id));
    const content = intercepts.map(({ key, percent }) => `${key}=${percent}`).join(',');
    return [
      memo(`r ${content}`, () => fakeResource('route', 'r', `[${content}]`, { intercepts: intercepts.map(({ id }) => id) })),
      ...intercepts.map(({ key, id }) => memo(`c ${key}`, () => fakeResource('cluster', `c-${key}`, key, { intercepts: [id] }))),
    ];
  });
}

const resources = new Map<string, EnvoyResource>();

function memo(key: string, make: () => EnvoyResource): EnvoyResource {
  const resource = resources.get(key) ?? make();
  resources.set(key, resource);
  return resource;
}
