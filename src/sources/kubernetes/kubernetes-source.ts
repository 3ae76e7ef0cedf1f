/** A cluster as the source: one reflector for each resource and namespace. */
import type { Access } from '../../kubernetes/access.ts';
import { HttpApiClient } from '../../kubernetes/api-client.ts';
import type { ClusterChange } from '../../model/cluster-state.ts';
import type { Problem } from '../../model/problem.ts';
import { sameData } from '../../model/same-data.ts';
import type { OnBatch, Source, SourceBatch } from '../source.ts';
import { REFLECTOR_TIMES, Reflector, type ReflectorTimes } from './reflector.ts';
import { WATCHED_RESOURCES } from './resources.ts';
import { describeTrouble } from './trouble.ts';

export interface KubernetesSourceOptions {
  readonly access: Access;
  /** Empty: all. */
  readonly namespaces: readonly string[];
  /** ms since the epoch. */
  readonly now: () => number;
  readonly times?: ReflectorTimes;
}

export function kubernetesSource(options: KubernetesSourceOptions): Source {
  let reflectors: readonly Reflector[] = [];
  let serverTime = (): number | undefined => undefined;
  return {
    name: 'kubernetes',
    follow: (onBatch) => {
      const follower = new ClusterFollower(options, onBatch);
      reflectors = follower.reflectors;
      serverTime = () => follower.serverTime();
      follower.start();
      return follower;
    },
    lastReadAt: () => oldest(reflectors),
    clockAheadMs: () => {
      const theirs = serverTime();
      return theirs === undefined ? undefined : options.now() - theirs;
    },
  };
}

/** The state is as old as its oldest part; what is followed without trouble may have been quiet for a while, and is new. */
function oldest(reflectors: readonly Reflector[]): number {
  const troubled = reflectors.filter(({ trouble }) => trouble !== undefined);
  const counted = troubled.length > 0 ? troubled : reflectors;
  return counted.length === 0 ? 0 : Math.min(...counted.map(({ heardAt }) => heardAt));
}

class ClusterFollower implements Disposable {
  readonly reflectors: readonly Reflector[];
  readonly #client: HttpApiClient;
  readonly #onBatch: OnBatch;
  readonly #ended = new AbortController();
  #emitted: SourceBatch = { changes: [], problems: [], synced: false, trouble: undefined };

  constructor({ access, namespaces, now, times = REFLECTOR_TIMES }: KubernetesSourceOptions, onBatch: OnBatch) {
    this.#onBatch = onBatch;
    this.#client = new HttpApiClient(access);
    const client = this.#client;
    const scopes = namespaces.length === 0 ? [undefined] : [...new Set(namespaces)];
    this.reflectors = scopes.flatMap((namespace) =>
      WATCHED_RESOURCES.map((resource) => {
        const onUpdate = (changes: readonly ClusterChange[]) => this.#emit(changes);
        return new Reflector({ client, target: { resource, namespace }, times, now, random: Math.random, onUpdate });
      }),
    );
  }

  serverTime(): number | undefined {
    return this.#client.serverTime();
  }

  start(): void {
    // It throws for a bug alone, and that ends the process.
    for (const reflector of this.reflectors) void reflector.run(this.#ended.signal);
  }

  [Symbol.dispose](): void {
    this.#ended.abort();
    this.#client[Symbol.dispose]();
  }

  #emit(changes: readonly ClusterChange[]): void {
    if (this.#ended.signal.aborted) return;
    const before = this.#emitted;
    const synced = before.synced || this.reflectors.every(({ hasListed }) => hasListed);
    const trouble = describeTrouble(this.reflectors);
    const problems = [
      ...(trouble === undefined ? [] : [unavailable(trouble)]),
      ...this.reflectors.flatMap((reflector) => reflector.problems()),
    ];
    const isSame = synced === before.synced && trouble === before.trouble && sameData(problems, before.problems);
    if (changes.length === 0 && isSame) return;
    this.#emitted = { changes, problems, synced, trouble };
    this.#onBatch(this.#emitted);
  }
}

function unavailable(trouble: string): Problem {
  return {
    code: 'SourceUnavailable',
    subject: { kind: 'File', key: '.' },
    message: `${trouble[0]?.toUpperCase() ?? ''}${trouble.slice(1)}.`,
    hint: 'It is tried again all the time; what the cluster said last is served until then.',
  };
}
