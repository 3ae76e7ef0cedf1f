/** Kills replicas of the control plane, one every few seconds, in one way and the other, until it is disposed of. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isMissing } from '../kubernetes/api-client.ts';
import type { Cluster } from './cluster.ts';
import type { Installation } from './installation.ts';
import { pathOfPod } from './pod-objects.ts';

export class ReplicaKiller implements AsyncDisposable {
  readonly #cluster: Cluster;
  readonly #installation: Installation;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  /** Of processes, each killed. */
  readonly killed: number[] = [];

  /** @param everyMs at the least: the next one goes when all are ready again */
  constructor(cluster: Cluster, installation: Installation, everyMs: number, random: () => number) {
    this.#cluster = cluster;
    this.#installation = installation;
    this.#running = this.#run(everyMs, random);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #run(everyMs: number, random: () => number): Promise<void> {
    const { signal } = this.#stop;
    for (let turn = 0; !signal.aborted; turn++) {
      await sleep(everyMs, undefined, { signal }).catch(() => undefined);
      while (!signal.aborted && !(await this.#killOne(turn, random))) await sleep(50);
    }
  }

  /** false: not all of them are ready. */
  async #killOne(turn: number, random: () => number): Promise<boolean> {
    const replicas = await this.#installation.replicas();
    if (replicas.length < 2) return false;
    const replica = replicas[Math.floor(random() * replicas.length)];
    if (replica === undefined) return false;
    const id = await this.#installation.processId(replica);
    this.killed.push(id);
    // Its pod stays, and it is started again; or all of it goes, and another one comes.
    if (turn % 2 === 0) process.kill(id, 'SIGKILL');
    else
      await this.#cluster.request('DELETE', `${pathOfPod(replica)}?gracePeriodSeconds=0`).catch((error: unknown) => {
        if (!isMissing(error)) throw error;
      });
    return true;
  }
}
