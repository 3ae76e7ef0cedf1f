import { kubernetesSource } from '../../../src/sources/kubernetes/kubernetes-source.ts';
import type { ReflectorTimes } from '../../../src/sources/kubernetes/reflector.ts';
import type { SourceBatch } from '../../../src/sources/source.ts';
import { until } from '../until.ts';
import type { FakeApiServer, FakeObject } from './fake-api-server.ts';

const TIMES: ReflectorTimes = { backOff: { first: 2, longest: 20 }, silence: 5_000, watchSeconds: 240 };

/** Follows a fake API server, and adds up what it says. */
export class FollowedCluster implements Disposable {
  readonly batches: SourceBatch[] = [];
  /** `kind namespace/name` → object. */
  readonly objects = new Map<string, unknown>();
  readonly source;
  readonly #following;

  constructor(fake: FakeApiServer, times: Partial<ReflectorTimes> = {}, namespaces: readonly string[] = []) {
    this.source = kubernetesSource({ access: fake.access, namespaces, now: Date.now, times: { ...TIMES, ...times } });
    this.#following = this.source.follow((batch) => {
      this.batches.push(batch);
      for (const { kind, key, object } of batch.changes) {
        if (object === undefined) this.objects.delete(`${kind} ${key}`);
        else this.objects.set(`${kind} ${key}`, object);
      }
    });
  }

  get last(): SourceBatch {
    return this.batches.at(-1) ?? { changes: [], problems: [], synced: false, trouble: undefined };
  }

  get names(): readonly string[] {
    return [...this.objects.keys()].sort();
  }

  get troubles(): readonly string[] {
    return [...new Set(this.batches.flatMap(({ trouble }) => trouble ?? []))];
  }

  /** Every object that a batch told anew as it was would be one too many. */
  get changes(): number {
    return this.batches.reduce((sum, batch) => sum + batch.changes.length, 0);
  }

  [Symbol.dispose](): void {
    this.#following[Symbol.dispose]();
  }
}

/** A Service of namespace `shop`, as the API server gives it. */
export function service(name: string, port: unknown = 80, annotations: Record<string, string> = {}): FakeObject {
  const metadata = { namespace: 'shop', name, annotations };
  return { metadata, ...{ spec: { clusterIP: '10.0.0.1', ports: [{ name: 'http', port }] } } };
}

/** Settled. */
export async function follow(fake: FakeApiServer, times: Partial<ReflectorTimes> = {}): Promise<FollowedCluster> {
  const followed = new FollowedCluster(fake, times);
  await settled(fake, followed);
  return followed;
}

/** Synced, without trouble, and with its three watches open. */
export async function settled(fake: FakeApiServer, followed: FollowedCluster): Promise<void> {
  const watched = () => ['services', 'endpointslices', 'pods'].every((name) => fake.openWatches(name) === 1);
  await until('sync without trouble', () => followed.last.synced && followed.last.trouble === undefined && watched());
}

/** How often it was asked for a page. */
export const lists = (fake: FakeApiServer, resource = 'services') =>
  fake.requests.filter((request) => request.resource === resource && !request.watch).length;
