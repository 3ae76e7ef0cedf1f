/** One pod on the node: its address, volumes and containers, and what it says of them to the API server. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ApiAccess } from '../kubernetes/api-access.ts';
import { persist } from '../kubernetes/persist.ts';
import { NODE_ADDRESS } from './addresses.ts';
import { resolverFile } from './cluster-dns.ts';
import { ContainerWorker } from './container-worker.ts';
import { type ContainerRun, type Images, imageOf, tagOf } from './image.ts';
import { environmentOf, expand } from './pod-environment.ts';
import { type ContainerSpec, type PodObject, pathOfPod } from './pod-objects.ts';
import { type PodRecord, recordPod } from './pod-record.ts';
import { createSandbox, type PodSandbox } from './pod-sandbox.ts';
import { writeVolumes } from './pod-volumes.ts';

const AGAIN_MS = 100;

export interface PodContext {
  readonly api: ApiAccess;
  readonly images: Images;
  /** Of the API server's files, with those of the node agent. */
  readonly folder: string;
}

export class PodWorker {
  readonly pod: PodObject;
  readonly address: string;
  readonly #context: PodContext;
  readonly #folder: string;
  readonly #startedAt = new Date().toISOString();
  readonly #init: readonly ContainerWorker[];
  readonly #main: readonly ContainerWorker[];
  readonly #conditions = new Map<string, { readonly status: string; readonly lastTransitionTime: string }>();
  #volumes: ReadonlyMap<string, string> = new Map();
  #sandbox: PodSandbox | undefined;
  #record: PodRecord | undefined;
  #initialized = false;
  #ended: 'Succeeded' | 'Failed' | undefined;
  #stopped: Promise<void> | undefined;
  #life: Promise<void> | undefined;
  #reporting: Promise<void> = Promise.resolve();
  #isReportDue = false;
  #isKilled = false;

  constructor(context: PodContext, pod: PodObject, address: string) {
    this.#context = context;
    this.pod = pod;
    this.address = address;
    this.#folder = join(context.folder, 'containers', pod.metadata.uid);
    const { containers, initContainers = [], restartPolicy } = pod.spec;
    this.#init = initContainers.map((each) =>
      this.#worker(each, each.restartPolicy ?? (restartPolicy === 'Never' ? 'Never' : 'OnFailure')),
    );
    this.#main = containers.map((each) => this.#worker(each, restartPolicy));
  }

  start(): void {
    this.#life ??= this.#live().catch((error: unknown) => console.error(`pod ${this.pod.metadata.name}:`, error));
  }

  /** Ends its containers, then itself. @param graceMs 0: at once; the pod is not told then */
  stop(graceMs: number): Promise<void> {
    this.#stopped ??= this.#stop(graceMs);
    return this.#stopped;
  }

  /** Ends its containers at once; what waits for their end, or stops them, goes on. */
  kill(): void {
    this.#isKilled = true;
    for (const worker of [...this.#main, ...this.#init]) worker.kill();
  }

  get #isStopping(): boolean {
    return this.#stopped !== undefined;
  }

  async #live(): Promise<void> {
    if (!(await this.#prepare())) return;
    for (const worker of this.#init) {
      const end = worker.run();
      if (worker.spec.restartPolicy === 'Always') await worker.untilStarted();
      else if ((await end) !== 0 && !this.#isStopping) {
        this.#ended = 'Failed';
        this.#report();
        return;
      }
      if (this.#isStopping) return;
    }
    this.#initialized = true;
    const codes = await Promise.all(this.#main.map((worker) => worker.run()));
    // A pod that ran to its end says how.
    this.#ended = codes.every((code) => code === 0) ? 'Succeeded' : 'Failed';
    if (!this.#isStopping) await Promise.all(this.#sidecars.map((worker) => worker.stop(1000)));
    this.#report();
  }

  /** Address and volumes; false when the pod goes before they are there. */
  async #prepare(): Promise<boolean> {
    const { api, images, folder } = this.#context;
    const specs = [...(this.pod.spec.initContainers ?? []), ...this.pod.spec.containers];
    const isolated = specs.some(({ image }) => imageOf(images, image)?.isProgram === true);
    await mkdir(this.#folder, { recursive: true });
    this.#sandbox = await createSandbox(this.address, isolated);
    this.#record = await recordPod(folder, this.pod.metadata, this.address, this.#sandbox.process);
    await writeFile(this.#resolver, resolverFile(this.pod.metadata.namespace));
    this.#report();
    while (!this.#isStopping) {
      try {
        ({ folders: this.#volumes } = await writeVolumes(api, this.pod, this.address, this.#folder));
        return true;
      } catch {
        // A ConfigMap or Secret that comes later.
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    }
    return false;
  }

  async #stop(graceMs: number): Promise<void> {
    const began = Date.now();
    const left = (): number => Math.max(0, graceMs - (Date.now() - began));
    await Promise.all(this.#main.map((worker) => worker.stop(graceMs)));
    for (const worker of this.#init.toReversed()) await worker.stop(left());
    await this.#life;
    if (graceMs > 0) this.#report();
    await this.#reporting;
    await this.#record?.[Symbol.asyncDispose]();
    await this.#sandbox?.[Symbol.asyncDispose]();
  }

  get #resolver(): string {
    return join(this.#folder, 'resolv.conf');
  }

  get #sidecars(): readonly ContainerWorker[] {
    return this.#init.filter(({ spec }) => spec.restartPolicy === 'Always');
  }

  #worker(container: ContainerSpec, restartPolicy: 'Always' | 'OnFailure' | 'Never'): ContainerWorker {
    const image = imageOf(this.#context.images, container.image);
    const prepare = (): Promise<ContainerRun> => this.#runOf(container);
    return new ContainerWorker({
      container,
      image,
      restartPolicy,
      address: this.address,
      prepare,
      changed: () => this.#report(),
    });
  }

  async #runOf(container: ContainerSpec): Promise<ContainerRun> {
    const { api, folder } = this.#context;
    if (this.#sandbox === undefined || this.#record === undefined) throw new Error('the pod has no sandbox');
    const environment = await environmentOf(api, this.pod, container, this.address);
    const own = join(this.#folder, container.name);
    await mkdir(own, { recursive: true });
    const mounts = (container.volumeMounts ?? []).map(({ name, mountPath, subPath, readOnly }) => {
      const volume = this.#volumes.get(name);
      if (volume === undefined) throw new Error(`container ${container.name} mounts ${name}, which the pod does not have`);
      return { source: subPath === undefined ? volume : join(volume, subPath), path: mountPath, isReadOnly: readOnly === true };
    });
    return {
      ...{ api, container, environment },
      mounts: [{ source: this.#resolver, path: '/etc/resolv.conf', isReadOnly: true }, ...mounts],
      pod: this.pod,
      tag: tagOf(container.image),
      sandbox: this.#sandbox,
      command: (container.command ?? []).map((text) => expand(text, environment)),
      args: (container.args ?? []).map((text) => expand(text, environment)),
      folder: own,
      logFile: this.#record.logFile(container.name),
      pidFile: join(folder, `container-${this.pod.metadata.uid}-${container.name}.pid`),
    };
  }

  /** What changes while one is on its way comes with the next. */
  #report(): void {
    if (this.#isReportDue) return;
    this.#isReportDue = true;
    this.#reporting = this.#reporting.then(async () => {
      this.#isReportDue = false;
      await this.#patchStatus();
    });
  }

  async #patchStatus(): Promise<void> {
    const { name, uid } = this.pod.metadata;
    const path = `${pathOfPod(this.pod)}/status?fieldManager=kubelet&force=true`;
    const patch = (): Promise<unknown> => {
      const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name, uid }, status: this.#status() };
      return this.#context.api.request('PATCH', path, body);
    };
    // What comes next says all there is again.
    const wanted = (): boolean => !this.#isReportDue && !this.#isKilled;
    await persist(`the status of pod ${name}`, wanted, patch).catch((error: unknown) => console.error(String(error)));
  }

  #status(): object {
    const isReady =
      this.#ended === undefined && this.#initialized && [...this.#main, ...this.#sidecars].every((each) => each.isReady);
    const isStarted = this.#initialized && this.#main.some(({ hasRun }) => hasRun);
    return {
      phase: this.#ended ?? (isStarted ? 'Running' : 'Pending'),
      startTime: this.#startedAt,
      hostIP: NODE_ADDRESS,
      podIP: this.address,
      podIPs: [{ ip: this.address }],
      conditions: [
        this.#condition('Initialized', this.#initialized),
        this.#condition('ContainersReady', isReady),
        this.#condition('Ready', isReady),
      ],
      containerStatuses: this.#main.map(({ status }) => status),
      ...(this.#init.length === 0 ? {} : { initContainerStatuses: this.#init.map(({ status }) => status) }),
    };
  }

  #condition(type: string, isTrue: boolean): object {
    const status = isTrue ? 'True' : 'False';
    const last = this.#conditions.get(type);
    const lastTransitionTime = last?.status === status ? last.lastTransitionTime : new Date().toISOString();
    this.#conditions.set(type, { status, lastTransitionTime });
    return { type, status, lastTransitionTime };
  }
}
