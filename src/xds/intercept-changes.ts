/** When each intercept last changed, counted in publications: who may be to blame for what an Envoy refuses now. */
import type { Intercept, InterceptModel, ModelChange } from '../model/intercept.ts';
import type { InterceptId, ObjectKey } from '../model/names.ts';

interface Seen {
  readonly intercept: Intercept;
  readonly changedAt: number;
  /** Since when it is there. */
  readonly seenAt: number;
}

export class InterceptChanges {
  readonly #services = new Map<ObjectKey, ReadonlyMap<InterceptId, Seen>>();
  #publication = 0;

  /** The number of the newest publication. */
  get publication(): number {
    return this.#publication;
  }

  /** To be called once for each publication; `undefined` looks at everything. */
  note(model: InterceptModel, change: ModelChange | undefined): void {
    this.#publication += 1;
    for (const service of change?.services ?? new Set([...this.#services.keys(), ...model.services.keys()])) {
      const before = this.#services.get(service);
      const intercepts = model.services.get(service)?.intercepts ?? [];
      if (intercepts.length === 0) this.#services.delete(service);
      else this.#services.set(service, new Map(intercepts.map((each) => [each.id, this.#see(each, before?.get(each.id))])));
    }
  }

  /** undefined for an intercept that is gone. */
  changedAt(id: InterceptId): number | undefined {
    return this.#services.get(serviceOf(id))?.get(id)?.changedAt;
  }

  /** Since when it is there; undefined for an intercept that is gone. */
  seenAt(id: InterceptId): number | undefined {
    return this.#services.get(serviceOf(id))?.get(id)?.seenAt;
  }

  #see(intercept: Intercept, before: Seen | undefined): Seen {
    const isSame =
      before !== undefined && (before.intercept === intercept || contentOf(before.intercept) === contentOf(intercept));
    return { intercept, changedAt: isSame ? before.changedAt : this.#publication, seenAt: before?.seenAt ?? this.#publication };
  }
}

/** The Service that an intercept stands in for: the end of its id is `namespace/service:port`. */
export function serviceOf(id: InterceptId): ObjectKey {
  const [namespace = '', target = ''] = id.split('/').slice(-2);
  return `${namespace}/${target.slice(0, target.lastIndexOf(':'))}`;
}

/** What goes into resources. */
function contentOf({ key, rule, whenUnavailable, mode, percent, endpoints }: Intercept): string {
  return JSON.stringify([key, rule, whenUnavailable, mode, percent, endpoints]);
}
