/** A translation some of whose resources Envoys refuse. */
import type { EnvoyResource } from '../../../src/translate/resource.ts';
import { type CreateScopeTranslation, createScopeTranslation } from '../../../src/translate/translate.ts';

/** The routes of keys that begin with `spoilt` get a regular expression that is none. */
export const spoiling: CreateScopeTranslation = (scope, settings) => {
  const translation = createScopeTranslation(scope, settings);
  return {
    update: (...args) =>
      translation
        .update(...args)
        .map((change) => (change.resource === undefined ? change : { ...change, resource: spoilt(change.resource) })),
  };
};

function spoilt(resource: EnvoyResource): EnvoyResource {
  if (!JSON.stringify(resource.message).includes('"key:spoilt')) return resource;
  const change = (_: string, value: unknown): unknown =>
    typeof value === 'object' && value !== null && 'name' in value && String(value.name).startsWith('key:spoilt')
      ? { ...value, match: { safe_regex: { regex: '((' } } }
      : value;
  return { ...resource, message: JSON.parse(JSON.stringify(resource.message, change)) as object };
}
