/** Previews: pods and Services with the preview label, grouped by what makes a preview one (design, section 2). */
import { parsePreview } from '../annotations/parse-preview.ts';
import type { EndpointSlice, Pod, Service } from '../model/cluster-state.ts';
import type { Declaration } from '../model/intercept.ts';
import { Multimap } from '../model/multimap.ts';
import { type ObjectKey, objectKey, type PreviewName, previewId } from '../model/names.ts';
import { compareText } from '../model/order.ts';
import type { Problem, Subject } from '../model/problem.ts';
import { keep } from '../model/same-data.ts';
import type { ClusterIndex } from './cluster-index.ts';
import { Deadlines } from './deadlines.ts';

/** One preview as it is now. The same object as long as nothing in it changes. */
export interface Preview {
  /** See {@link previewId}. */
  readonly id: string;
  readonly name: PreviewName;
  /** Whose annotations count. */
  readonly subject: Subject;
  /** undefined: a problem says why. */
  readonly declaration: Declaration | undefined;
  readonly expired: boolean;
  /** What is wrong with the annotations. */
  readonly problems: readonly Problem[];
  readonly backends: PreviewBackends;
}

export type PreviewBackends =
  /** Pods by name, without those that leave. `declarant`: the newest one, or the last there was. */
  | { readonly kind: 'pods'; readonly pods: readonly Pod[]; readonly declarant: Pod }
  /** A preview outside the cluster. */
  | { readonly kind: 'service'; readonly service: Service; readonly slices: readonly EndpointSlice[] };

export interface PreviewChange {
  readonly id: string;
  readonly before: Preview | undefined;
  readonly after: Preview | undefined;
}

interface Group {
  readonly name: PreviewName;
  /** Those that leave too. */
  readonly pods: Set<ObjectKey>;
  service: ObjectKey | undefined;
  preview: Preview | undefined;
  parsed: Parsed | undefined;
  /** Set while the preview has no pod left: an eviction must not flip `fail` to the baseline. */
  lingerUntil: number | undefined;
}

interface Parsed {
  readonly from: Pod | Service;
  readonly declaration: Declaration | undefined;
  readonly problems: readonly Problem[];
}

export class Previews {
  readonly #index: ClusterIndex;
  readonly #lingerMs: number;
  readonly #groups = new Map<string, Group>();
  /** Ids of the previews that one controller's pods belong to: several while its key changes. */
  readonly #byController = new Multimap<string, string>();
  readonly #touched = new Set<string>();
  readonly #deadlines = new Deadlines();

  constructor(index: ClusterIndex, lingerMs: number) {
    this.#index = index;
    this.#lingerMs = lingerMs;
  }

  /** ms since the epoch of the next end of linger or expiry. */
  nextDeadline(): number | undefined {
    return this.#deadlines.next();
  }

  /** The preview that the pod belongs to, even while it leaves. */
  ofPod(pod: ObjectKey): Preview | undefined {
    const object = this.#index.pods.get(pod);
    return object && this.#groups.get(previewId(nameOfPod(object)))?.preview;
  }

  ofService(service: ObjectKey): Preview | undefined {
    const object = this.#index.services.get(service);
    return object && object.previewLabel !== '' ? this.#groups.get(previewId(nameOfService(object)))?.preview : undefined;
  }

  /** Pods that need to know what becomes of the preview. */
  podsOf(id: string): ReadonlySet<ObjectKey> {
    return this.#groups.get(id)?.pods ?? new Set();
  }

  podChanged(key: ObjectKey, before: Pod | undefined, after: Pod | undefined): void {
    if (before !== undefined) this.#touch(nameOfPod(before)).pods.delete(key);
    if (after !== undefined) this.#touch(nameOfPod(after)).pods.add(key);
  }

  serviceChanged(key: ObjectKey, before: Service | undefined, after: Service | undefined): void {
    if (before !== undefined && before.previewLabel !== '') this.#touch(nameOfService(before)).service = undefined;
    if (after !== undefined && after.previewLabel !== '') this.#touch(nameOfService(after)).service = key;
  }

  /** The endpoints of a Service changed: of a preview, if it is one. */
  endpointsChanged(service: ObjectKey): void {
    const object = this.#index.services.get(service);
    if (object !== undefined && object.previewLabel !== '') this.#touch(nameOfService(object));
  }

  /** Brings every preview up to date that was touched, or whose time has come. */
  refresh(now: number): readonly PreviewChange[] {
    for (const id of this.#deadlines.take(now)) this.#touched.add(id);
    const changes: PreviewChange[] = [];
    for (const id of this.#touched) {
      const group = this.#groups.get(id);
      if (group === undefined) continue;
      const before = group.preview;
      group.preview = keep(before, this.#current(id, group, now));
      this.#deadlines.set(id, nextOf(group, now));
      if (group.preview === undefined && group.pods.size === 0) {
        this.#groups.delete(id);
        this.#byController.delete(controllerOf(group.name), id);
      }
      if (group.preview !== before) changes.push({ id, before, after: group.preview });
    }
    this.#touched.clear();
    return changes;
  }

  #touch(name: PreviewName): Group {
    const id = previewId(name);
    this.#touched.add(id);
    for (const other of this.#byController.get(controllerOf(name))) {
      if (this.#groups.get(other)?.lingerUntil !== undefined) this.#touched.add(other);
    }
    const known = this.#groups.get(id);
    if (known !== undefined) return known;
    const group: Group = {
      name,
      pods: new Set(),
      service: undefined,
      preview: undefined,
      parsed: undefined,
      lingerUntil: undefined,
    };
    this.#groups.set(id, group);
    this.#byController.add(controllerOf(name), id);
    return group;
  }

  #current(id: string, group: Group, now: number): Preview | undefined {
    const service = group.service && this.#index.services.get(group.service);
    const pods = [...group.pods]
      .sort(compareText)
      .flatMap((key) => this.#index.pods.get(key) ?? [])
      .filter((pod) => !pod.leaving);
    const declarant = newest(pods);
    if (service !== undefined) {
      const backends = {
        kind: 'service',
        service,
        slices: this.#index.slicesOf(objectKey(service.namespace, service.name)),
      } as const;
      return this.#make(id, group, service, backends, now);
    }
    if (declarant !== undefined) {
      group.lingerUntil = undefined;
      return this.#make(id, group, declarant, { kind: 'pods', pods, declarant }, now);
    }
    return this.#lingering(group, now);
  }

  #make(id: string, group: Group, from: Pod | Service, backends: PreviewBackends, now: number): Preview {
    if (group.parsed?.from !== from) {
      const { key, declaration, problems } = parsePreview(from);
      // The same object for the same declaration: a new pod of a rollout mostly says what the last one said.
      const same = keep(group.parsed?.declaration, key === undefined ? undefined : declaration);
      group.parsed = { from, declaration: same, problems };
    }
    const { declaration, problems } = group.parsed;
    const subject = {
      kind: backends.kind === 'pods' ? 'Pod' : 'Service',
      key: objectKey(from.namespace, from.name),
    } as const;
    return { id, name: group.name, subject, declaration, expired: isExpired(declaration, now), problems, backends };
  }

  /** The controller has pods with another key: the author has moved on. */
  #isReplaced({ name }: Group): boolean {
    return [...this.#byController.get(controllerOf(name))].some((id) =>
      [...(this.#groups.get(id)?.pods ?? [])].some((key) => this.#index.pods.get(key)?.leaving === false),
    );
  }

  /** The last pod went: the intercept stays for a while, empty. A Service is not evicted: it goes at once. */
  #lingering(group: Group, now: number): Preview | undefined {
    const last = group.preview;
    if (last?.declaration !== undefined && last.backends.kind === 'pods' && !this.#isReplaced(group)) {
      group.lingerUntil ??= now + this.#lingerMs;
      if (now < group.lingerUntil) {
        return { ...last, expired: isExpired(last.declaration, now), backends: { ...last.backends, pods: [] } };
      }
    }
    group.lingerUntil = undefined;
    return undefined;
  }
}

function controllerOf({ namespace, kind, name }: PreviewName): string {
  return `${namespace}/${kind}/${name}`;
}

function nameOfPod(pod: Pod): PreviewName {
  return { namespace: pod.namespace, key: pod.previewLabel, kind: pod.controller.kind, name: pod.controller.name };
}

function nameOfService(service: Service): PreviewName {
  return { namespace: service.namespace, key: service.previewLabel, kind: 'Service', name: service.name };
}

/** Of pods by name; the first of those that are as new. */
function newest(pods: readonly Pod[]): Pod | undefined {
  let found: Pod | undefined;
  for (const pod of pods) if (found === undefined || pod.createdAt > found.createdAt) found = pod;
  return found;
}

function isExpired(declaration: Declaration | undefined, now: number): boolean {
  return declaration?.expiresAt !== undefined && declaration.expiresAt <= now;
}

function nextOf(group: Group, now: number): number | undefined {
  const expiresAt = group.preview?.declaration?.expiresAt;
  const moments = [group.lingerUntil, expiresAt !== undefined && expiresAt > now ? expiresAt : undefined];
  const ahead = moments.filter((moment) => moment !== undefined);
  return ahead.length > 0 ? Math.min(...ahead) : undefined;
}
