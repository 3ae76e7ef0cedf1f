/** One container of a pod: started, started again when it ends, probed, ended. */

import type { ContainerRun, Image, RunningContainer } from './image.ts';
import type { ContainerSpec } from './pod-objects.ts';
import { act } from './probes.ts';

/** A kubelet waits 10 s at first; a test does not. */
const FIRST_BACK_OFF_MS = 300;
const LONGEST_BACK_OFF_MS = 5_000;
/** How often a container that is not ready is probed. A kubelet waits a whole period, of 10 s unless told. */
const UNREADY_PERIOD_MS = 50;
const LONGEST_PERIOD_MS = 1_000;

export type ContainerState =
  | { readonly waiting: { readonly reason: string; readonly message?: string } }
  | { readonly running: { readonly startedAt: string } }
  | { readonly terminated: { readonly exitCode: number; readonly reason: string; readonly finishedAt: string } };

export interface ContainerOptions {
  readonly container: ContainerSpec;
  /** undefined: the test has none of this name, and the container waits for it, as with a kubelet. */
  readonly image: Image | undefined;
  readonly restartPolicy: 'Always' | 'OnFailure' | 'Never';
  readonly address: string;
  /** Asked before each start. @throws Error when something that the container needs is not there */
  readonly prepare: () => Promise<ContainerRun>;
  readonly changed: () => void;
}

export class ContainerWorker {
  readonly #options: ContainerOptions;
  readonly #started = Promise.withResolvers<void>();
  #state: ContainerState = { waiting: { reason: 'ContainerCreating' } };
  #restarts = 0;
  #isReady = false;
  #hasRun = false;
  #running: RunningContainer | undefined;
  #stopping = false;
  #wake = (): void => undefined;
  #life: Promise<number> | undefined;

  constructor(options: ContainerOptions) {
    this.#options = options;
  }

  get spec(): ContainerSpec {
    return this.#options.container;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  get hasRun(): boolean {
    return this.#hasRun;
  }

  get status(): object {
    const { name, image } = this.spec;
    const started = 'running' in this.#state;
    return { name, image, imageID: '', ready: this.#isReady, started, restartCount: this.#restarts, state: this.#state };
  }

  /** Gives its exit code, once it is not started again. */
  run(): Promise<number> {
    this.#life ??= this.#live();
    return this.#life;
  }

  /** Once it has run for the first time, or is over. */
  untilStarted(): Promise<void> {
    return this.#started.promise;
  }

  /** As a kubelet: the hook, SIGTERM, and SIGKILL when the time is over. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    this.#wake();
    const running = this.#running;
    if (running !== undefined) {
      const killer = setTimeout(() => running.end('SIGKILL'), graceMs);
      const hook = this.spec.lifecycle?.preStop;
      const ended = running.ended.then(() => undefined);
      // A hook that fails changes nothing, as with a kubelet.
      if (hook !== undefined && graceMs > 0) {
        await Promise.race([ended, act(hook, this.spec, running, this.#options.address, graceMs).catch(() => undefined)]);
      }
      running.end(graceMs > 0 ? 'SIGTERM' : 'SIGKILL');
      await ended;
      clearTimeout(killer);
    }
    await this.#life;
  }

  kill(): void {
    this.#stopping = true;
    this.#wake();
    this.#running?.end('SIGKILL');
  }

  async #live(): Promise<number> {
    for (let backOff = FIRST_BACK_OFF_MS; ; backOff = Math.min(2 * backOff, LONGEST_BACK_OFF_MS)) {
      const code = await this.#once();
      const { restartPolicy } = this.#options;
      const isOver = this.#stopping || restartPolicy === 'Never' || (restartPolicy === 'OnFailure' && code === 0);
      if (isOver && code !== undefined) {
        const reason = code === 0 ? 'Completed' : 'Error';
        this.#set({ terminated: { exitCode: code, reason, finishedAt: new Date().toISOString() } });
        this.#started.resolve();
        return code;
      }
      if (code !== undefined) {
        this.#restarts++;
        this.#set({ waiting: { reason: 'CrashLoopBackOff', message: `it ended with ${code}` } });
      }
      if (!this.#stopping) await this.#pause(backOff);
      if (this.#stopping) {
        this.#started.resolve();
        return code ?? 137;
      }
    }
  }

  /** The exit code; undefined when it could not be started. */
  async #once(): Promise<number | undefined> {
    const { image, prepare } = this.#options;
    if (image === undefined) {
      const message = `Back-off pulling image "${this.spec.image}": the test has none of this name`;
      this.#set({ waiting: { reason: 'ImagePullBackOff', message } });
      return undefined;
    }
    try {
      const run = await prepare();
      if (this.#stopping) return undefined;
      this.#running = await image.start(run);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#set({ waiting: { reason: 'CreateContainerConfigError', message } });
      return undefined;
    }
    const running = this.#running;
    // It was being started when it should have ended.
    if (this.#stopping) running.end('SIGKILL');
    this.#hasRun = true;
    this.#set({ running: { startedAt: new Date().toISOString() } });
    this.#started.resolve();
    const probing = new AbortController();
    const probes = this.#probe(running, probing.signal);
    const code = await running.ended;
    probing.abort();
    this.#wake();
    this.#running = undefined;
    this.#isReady = false;
    await probes;
    return code;
  }

  /** A startup probe counts as one of readiness: nothing is asked of the container before. */
  async #probe(running: RunningContainer, signal: AbortSignal): Promise<void> {
    const { readinessProbe, startupProbe } = this.spec;
    if (startupProbe !== undefined) {
      while (!signal.aborted) {
        const failed = await this.#try(startupProbe, running);
        if (failed === undefined) break;
        await this.#pauseUnless(signal, UNREADY_PERIOD_MS);
      }
    }
    if (readinessProbe === undefined) {
      this.#setReady(!signal.aborted);
      return;
    }
    let [good, bad] = [0, 0];
    while (!signal.aborted) {
      const failed = await this.#try(readinessProbe, running);
      if (signal.aborted) return;
      [good, bad] = failed === undefined ? [good + 1, 0] : [0, bad + 1];
      if (good >= readinessProbe.successThreshold) this.#setReady(true);
      if (bad >= readinessProbe.failureThreshold) this.#setReady(false);
      const period = Math.min(readinessProbe.periodSeconds * 1000, LONGEST_PERIOD_MS);
      await this.#pauseUnless(signal, this.#isReady && failed === undefined ? period : UNREADY_PERIOD_MS);
    }
  }

  #try(probe: NonNullable<ContainerSpec['readinessProbe']>, running: RunningContainer): Promise<Error | undefined> {
    return act(probe, this.spec, running, this.#options.address, probe.timeoutSeconds * 1000).then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
    );
  }

  #setReady(isReady: boolean): void {
    if (this.#isReady === isReady) return;
    this.#isReady = isReady;
    this.#options.changed();
  }

  #set(state: ContainerState): void {
    this.#state = state;
    this.#options.changed();
  }

  async #pauseUnless(signal: AbortSignal, ms: number): Promise<void> {
    if (!signal.aborted) await this.#pause(ms);
  }

  /** Ends early when something happens. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
