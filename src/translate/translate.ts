/** The one door of this room: model in, Envoy resources out, for one scope. */
import type { Carriers } from '../model/carriers.ts';
import type { InterceptModel, ModelChange } from '../model/intercept.ts';
import type { InterceptId } from '../model/names.ts';
import type { Scope } from '../model/proxy.ts';
import { CapturePlan } from './capture-plan.ts';
import { ClientPlan } from './client-plan.ts';
import { GatewayPlan } from './gateway-plan.ts';
import type { EdgeLua } from './lua-source.ts';
import type { Plan } from './plan.ts';
import { PlannedTranslation } from './planned-translation.ts';
import type { EnvoyResource, ResourceChange } from './resource.ts';
import { SharedResources } from './shared-resources.ts';
import { SidecarPlan } from './sidecar-plan.ts';

export interface TranslateSettings {
  readonly carriers: Carriers;
  /** The text of `envoy/detour.lua`. */
  readonly lua: string;
  readonly edge?: EdgeLua | undefined;
}

/**
 * Keeps what one scope was last given, so that a change costs what it changed. Resources that scopes have in common
 * are the same objects, so that they are encoded once.
 */
export interface ScopeTranslation {
  /**
   * @param change what differs from the model of the last call; undefined at the first call and to start afresh.
   * @param excluded intercepts to leave out (quarantine). Services whose exclusion changed must be in `change`.
   * @param onMade called for resources that will be returned, as soon as they are made: what is encoded then need not
   * wait for the others with its whole message.
   * @returns only resources that differ from what was returned before.
   */
  update(
    model: InterceptModel,
    change: ModelChange | undefined,
    excluded: ReadonlySet<InterceptId>,
    onMade?: (resource: EnvoyResource) => void,
  ): readonly ResourceChange[];
  /**
   * Whether a change may make a difference here; where it does not, and nothing is left out, {@link update} need not be
   * called. undefined: any may.
   */
  readonly concerns?: (model: InterceptModel, change: ModelChange) => boolean;
  /**
   * The routes that Envoys go by for a name that {@link update} does not give, or not any more; undefined: nobody does.
   * What they name is always there. undefined, as a whole: there are none.
   */
  readonly leftover?: ((name: string) => EnvoyResource | undefined) | undefined;
}

export type CreateScopeTranslation = (scope: Scope, settings: TranslateSettings) => ScopeTranslation;

/** Holds what scopes have in common: make one for the whole control plane. */
export class Translator {
  readonly #settings: TranslateSettings;
  readonly #shared: SharedResources;

  constructor(settings: TranslateSettings) {
    this.#settings = settings;
    this.#shared = new SharedResources(settings.carriers.header);
  }

  scope(scope: Scope): ScopeTranslation {
    return new PlannedTranslation(this.#plan(scope), scope.kind, this.#shared);
  }

  #plan(scope: Scope): Plan {
    if (scope.kind === 'gateway') return new GatewayPlan(scope, this.#settings, this.#shared);
    if (scope.kind === 'sidecar' && scope.capture !== undefined) return new CapturePlan(scope, this.#settings, this.#shared);
    if (scope.kind === 'sidecar') return new SidecarPlan(scope, this.#settings, this.#shared);
    return new ClientPlan(this.#settings.carriers);
  }
}

/** For one scope alone; several have more in common by one {@link Translator}. */
export const createScopeTranslation: CreateScopeTranslation = (scope, settings) => new Translator(settings).scope(scope);
