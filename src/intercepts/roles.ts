/** By preview, the intercepts that its pods stand in with: what pods need of the Services that were built. */
import { type ObjectKey, previewId } from '../model/names.ts';
import { NO_ITEMS } from '../model/none.ts';
import { compareText } from '../model/order.ts';
import { sameData } from '../model/same-data.ts';
import type { Role } from './build-pod.ts';
import type { BuiltService } from './build-service.ts';
import type { InterceptDiff } from './intercept-diff.ts';

export class Roles {
  /** By preview, then by Service. */
  readonly #byPreview = new Map<string, Map<ObjectKey, readonly Role[]>>();

  of(preview: string): readonly Role[] {
    const roles = [...(this.#byPreview.get(preview)?.values() ?? [])].flat();
    return roles.sort((a, b) => compareText(a.intercept, b.intercept));
  }

  /**
   * @param diff of the Service's intercepts.
   * @returns previews whose roles changed.
   */
  serviceBuilt(
    service: ObjectKey,
    before: BuiltService | undefined,
    after: BuiltService,
    diff: InterceptDiff,
  ): readonly string[] {
    if (diff.gone.length + diff.come.length + after.bound.size === 0) return NO_ITEMS;
    const previews = new Set([...diff.gone, ...diff.come].map(({ preview }) => previewId(preview)));
    for (const [preview, bound] of after.bound) if (bound !== before?.bound.get(preview)) previews.add(preview);
    return [...previews].filter((preview) => {
      const roles = (after.bound.get(preview)?.candidates ?? []).flatMap(({ intercept: { id }, binding }): Role[] => {
        const state = after.byId.get(id)?.state;
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
