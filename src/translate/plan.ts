/** What each kind of scope has beside clusters of Services: listeners, routes, scopes. */
import type { InterceptModel, ModelChange, ServiceModel } from '../model/intercept.ts';
import type { ObjectKey } from '../model/names.ts';
import type { EnvoyResource, ResourceChange } from './resource.ts';

/** The model as the scope is to see it: without what is excluded. */
export interface ModelView {
  readonly model: InterceptModel;
  readonly service: (key: ObjectKey) => ServiceModel | undefined;
  /** Nothing is excluded. */
  readonly isWhole: boolean;
}

/**
 * Remembers which resources hang on what, so that a change costs what it touches.
 * @param change undefined: start afresh, and give everything.
 * @returns resources that may have changed; the same as before may be among them.
 */
export interface Plan {
  update(view: ModelView, change: ModelChange | undefined): Iterable<ResourceChange>;
  /** Whether a change may make it say something else; undefined: any may. It costs next to nothing to ask. */
  readonly concerns?: (model: InterceptModel, change: ModelChange) => boolean;
  /** See {@link ScopeTranslation.leftover}. */
  readonly leftover?: (name: string) => EnvoyResource | undefined;
}

export function gone(type: ResourceChange['type'], name: string): ResourceChange {
  return { type, name, resource: undefined };
}

export function present(resource: EnvoyResource): ResourceChange {
  return { type: resource.type, name: resource.name, resource };
}
