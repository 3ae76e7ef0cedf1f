/** By preview, the intercepts that its pods stand in with: what pods need of the Services that were built. */
import type { ObjectKey } from '../model/names.ts';
import { compareText } from '../model/order.ts';
import type { Role } from './build-pod.ts';
import type { BuiltService } from './build-service.ts';
import { sameData } from './same-data.ts';

export class Roles {
  /** By preview, then by Service. */
  readonly #byPreview = new Map<string, Map<ObjectKey, readonly Role[]>>();

  of(preview: string): readonly Role[] {
    const roles = [...(this.#byPreview.get(preview)?.values() ?? [])].flat();
    return roles.sort((a, b) => compareText(a.intercept, b.intercept));
  }

  /** @returns previews whose roles changed. */
  serviceBuilt(service: ObjectKey, before: BuiltService | undefined, after: BuiltService): readonly string[] {
    const states = new Map(after.intercepts.map(({ id, state }) => [id, state]));
    const previews = new Set([...(before?.bound.keys() ?? []), ...after.bound.keys()]);
    return [...previews].filter((preview) => {
      const roles = (after.bound.get(preview)?.candidates ?? []).flatMap(({ intercept: { id }, binding }): Role[] => {
        const state = states.get(id);
        if (binding === undefined || state === undefined || state === 'invalid') return [];
        return [{ intercept: id, service, binding, active: state === 'active' }];
      });
      return this.#set(preview, service, roles);
    });
  }

  #set(preview: string, service: ObjectKey, roles: readonly Role[]): boolean {
    const services = this.#byPreview.get(preview) ?? new Map<ObjectKey, readonly Role[]>();
    if (sameData(services.get(service) ?? [], roles)) return false;
    if (roles.length > 0) services.set(service, roles);
    else services.delete(service);
    if (services.size > 0) this.#byPreview.set(preview, services);
    else this.#byPreview.delete(preview);
    return true;
  }
}
