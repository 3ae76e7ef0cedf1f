/** The one door of this room: model in, Envoy resources out, for one scope. */
import type { Carriers } from '../model/carriers.ts';
import type { InterceptModel, ModelChange } from '../model/intercept.ts';
import type { InterceptId } from '../model/names.ts';
import type { Scope } from '../model/proxy.ts';
import type { ResourceChange } from './resource.ts';

export { createScopeTranslation, Translator } from './translator.ts';

export interface TranslateSettings {
  readonly carriers: Carriers;
  /** The text of `envoy/detour.lua`. */
  readonly lua: string;
}

/**
 * Keeps what one scope was last given, so that a change costs what it changed. Resources that scopes have in common
 * are the same objects, so that they are encoded once.
 */
export interface ScopeTranslation {
  /**
   * @param change what differs from the model of the last call; undefined at the first call and to start afresh.
   * @param excluded intercepts to leave out (quarantine). Services whose exclusion changed must be in `change`.
   * @returns only resources that differ from what was returned before.
   */
  update(model: InterceptModel, change: ModelChange | undefined, excluded: ReadonlySet<InterceptId>): readonly ResourceChange[];
}

export type CreateScopeTranslation = (scope: Scope, settings: TranslateSettings) => ScopeTranslation;
