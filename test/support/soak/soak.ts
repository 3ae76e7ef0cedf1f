/**
 * Minutes of a control plane's life, in rounds: streams, previews and endpoints come and go, Envoys refuse and fall silent,
 * the API server breaks off. Each round ends where the first began, and then it is asked what it holds.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { until } from '../until.ts';
import { Cable } from '../xds/cable.ts';
import type { Held } from './held.ts';
import { LASTING_PREVIEWS, SoakCluster } from './soak-cluster.ts';
import { SoakStream, type StreamSpec } from './soak-stream.ts';

const CHILD = fileURLToPath(new URL('./control-plane-child.ts', import.meta.url));
/** Something happens so often: the work of a round is the same on every machine, and little. */
const TICK_MS = 100;
const TICKS_A_ROUND = 140;
/** So many ticks a stream that comes stays, and so many previews at most. */
const STAY_TICKS = 4;
const MAX_PREVIEWS = 5;
/** Longer than the control plane keeps a view that nobody reads. */
const IDLE_MS = 1_000;
const REST_MS = 90_000;
const LOOK_MS = 500;

/** How much went on. */
export interface Traffic {
  streams: number;
  reconnects: number;
  responses: number;
  refused: number;
  previews: number;
  endpoints: number;
  deaf: number;
  cut: number;
}

interface Lasting {
  readonly open: () => SoakStream;
  stream: SoakStream;
}

/** What the control plane held after a round. */
export interface Sample extends Held {
  /** Since the start. */
  readonly minutes: number;
  readonly traffic: Traffic;
}

export class Soak implements AsyncDisposable {
  readonly samples: Sample[] = [];
  readonly traffic: Traffic = { streams: 0, reconnects: 0, responses: 0, refused: 0, previews: 0, endpoints: 0, deaf: 0, cut: 0 };
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  readonly #cluster: SoakCluster;
  readonly #stack: AsyncDisposableStack;
  readonly #began = performance.now();
  #xds = 0;
  #admin = 0;
  #serial = 0;
  #complaints = '';
  /** That stay from the first round to the last. */
  #lasting: Lasting[] = [];

  private constructor(child: ChildProcess, cluster: SoakCluster, stack: AsyncDisposableStack) {
    this.#child = child;
    this.#cluster = cluster;
    this.#stack = stack;
    const { stdout, stderr } = child;
    if (stdout === null || stderr === null) throw new Error('The control plane has no pipes.');
    this.#answers = createInterface(stdout)[Symbol.asyncIterator]();
    stderr.on('data', (chunk: Buffer) => {
      this.#complaints = `${this.#complaints}${chunk.toString()}`.slice(-4_000);
    });
  }

  static async start(): Promise<Soak> {
    await using stack = new AsyncDisposableStack();
    const cluster = stack.use(await SoakCluster.start());
    const flags = [...(await cluster.flags()), '--xds-listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0'];
    const child = spawn(process.execPath, ['--expose-gc', CHILD, ...flags], { stdio: 'pipe' });
    const exit = once(child, 'exit');
    stack.defer(async () => {
      child.kill('SIGKILL');
      await exit;
    });
    const soak = new Soak(child, cluster, stack.move());
    ({ xds: soak.#xds, admin: soak.#admin } = await soak.#answer<{ xds: number; admin: number }>());
    await until('the control plane to be ready', async () => (await soak.#get('/readyz')).ok);
    soak.#lasting = [
      () => soak.#gateway({ protocol: 'sotw' }),
      () => soak.#gateway({}),
      () => soak.#gateway({}),
      // A kind of its own: what it refuses, the others are served.
      () => soak.#gateway({ refuses: 'unwanted-', detour: { listen: '127.0.0.1:8081' } }),
      () => soak.#sidecar(0),
      () => soak.#sidecar(1),
    ].map((open) => ({ open, stream: open() }));
    return soak;
  }

  get #minutes(): number {
    return (performance.now() - this.#began) / 60_000;
  }

  /** Rounds for so long. @param progress is told of each */
  async run(minutes: number, progress: (sample: Sample) => void): Promise<void> {
    while (this.#minutes < minutes) {
      await this.#round();
      const sample = { ...(await this.#ask<Held>()), minutes: this.#minutes, traffic: { ...this.traffic } };
      this.samples.push(sample);
      progress(sample);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { stream } of this.#lasting) stream.end('broken');
    await this.#stack.disposeAsync();
  }

  async #round(): Promise<void> {
    const passing: { readonly stream: SoakStream; readonly until: number }[] = [];
    const deaf: SoakStream[] = [];
    await using cables = new AsyncDisposableStack();
    for (let tick = 0; tick < TICKS_A_ROUND; tick += 1) {
      const stream = await this.#newStream(tick, cables);
      // They say nothing, not even that they go.
      if (stream.isDeaf) deaf.push(stream);
      else passing.push({ stream, until: tick + STAY_TICKS });
      while ((passing[0]?.until ?? Infinity) <= tick) this.#end(passing.shift()?.stream);
      if (tick % 6 === 0) this.#changeEndpoints();
      if (tick % 5 === 0) this.#changePreviews();
      if (tick % 40 === 39) await this.#askAdmin();
      if (tick % 70 === 69)
        this.#cluster.disturb((['end', 'reset', 'gone'] as const)[Math.floor(this.#serial / 70) % 3] ?? 'gone');
      await wait(TICK_MS);
    }
    for (const { stream } of passing) this.#end(stream);
    await this.#rest();
    await until('the control plane to let go of those that do not read', () => deaf.every(({ hasEnded }) => hasEnded), REST_MS);
  }

  /** Everything is as it was in the beginning, and all know it. */
  async #rest(): Promise<void> {
    this.#cluster.calm();
    await until('all to be calm', () => this.#isCalm(), REST_MS);
    await wait(IDLE_MS);
    // What nobody reads is dropped when something changes.
    for (let change = 0; change < 2; change += 1) this.#changeEndpoints();
    this.#cluster.calm();
    await wait(IDLE_MS);
    await until('all to be calm again', () => this.#isCalm(), REST_MS);
  }

  async #isCalm(): Promise<boolean> {
    // A machine that is too busy to answer a ping in time loses its stream, and comes again, as Envoys do.
    for (const each of this.#lasting) if (each.stream.hasEnded) each.stream = each.open();
    const counts = await Promise.all(
      ['previews', 'proxies', 'problems'].map(async (name) => {
        // As the admin endpoint writes it.
        const answer = (await (await this.#get(`/api/${name}`)).json()) as Readonly<Record<string, readonly object[]>>;
        return answer[name]?.length;
      }),
    );
    const isCalm = isDeepStrictEqual(counts, [LASTING_PREVIEWS, this.#lasting.length, 0]);
    if (isCalm) return true;
    // Asking costs the control plane more than what is waited for.
    await wait(LOOK_MS);
    throw new Error(`previews, Envoys and problems: ${counts}`);
  }

  async #newStream(tick: number, cables: AsyncDisposableStack): Promise<SoakStream> {
    this.#serial += 1;
    this.traffic.streams += 1;
    if (tick % 35 === 20) {
      this.traffic.deaf += 1;
      return this.#gateway({ isDeaf: true });
    }
    if (tick === 50) {
      // Both ends stay open, and nothing comes through any more.
      this.traffic.cut += 1;
      const cable = cables.use(await Cable.to(this.#xds));
      const stream = this.#gateway({ port: cable.port });
      await until('its first response', () => stream.responses > 0);
      cable.cut();
      return stream;
    }
    if (tick % 5 === 1) return this.#sidecar(2 + (tick % 10));
    if (tick % 5 === 2) return this.#gateway({ protocol: 'sotw', wildcards: ['cluster'] });
    if (tick % 5 === 3) return this.#gateway({ id: `client-${this.#serial}` });
    return this.#gateway({});
  }

  #gateway(more: Partial<StreamSpec>): SoakStream {
    return new SoakStream({
      port: this.#xds,
      protocol: 'delta',
      id: `gateway~shop/edge-${this.#serial}`,
      detour: { listen: '127.0.0.1:8080' },
      wildcards: more.protocol === 'sotw' ? ['cluster'] : ['cluster', 'listener', 'scopedRoute'],
      ...more,
    });
  }

  /** Of the pod that a Service always has. */
  #sidecar(service: number): SoakStream {
    const inbound = [{ listen: `127.0.0.1:${20_000 + service}`, app: `127.0.0.1:${8_000 + (this.#serial % 1_000)}` }];
    return new SoakStream({
      port: this.#xds,
      protocol: 'delta',
      id: `sidecar~shop/svc-${service}-0`,
      detour: { inbound },
      wildcards: ['cluster', 'listener'],
    });
  }

  /** In one of several ways; some come again with what they have. */
  #end(stream: SoakStream | undefined): void {
    if (stream === undefined) return;
    this.#serial += 1;
    this.traffic.responses += stream.responses;
    stream.end((['done', 'cancel', 'broken'] as const)[this.#serial % 3] ?? 'done');
    if (this.#serial % 4 !== 0 || stream.responses === 0) return;
    this.traffic.reconnects += 1;
    const again = this.#gateway({ versions: stream.versions });
    setTimeout(() => {
      this.traffic.responses += again.responses;
      again.end('done');
    }, TICK_MS * STAY_TICKS);
  }

  #changeEndpoints(): void {
    this.traffic.endpoints += 1;
    this.#cluster.replacePod();
  }

  #changePreviews(): void {
    this.traffic.previews += 1;
    this.traffic.refused = this.#lasting.reduce((sum, { stream }) => sum + stream.refused, 0);
    const kinds = ['good', 'good', 'unwanted', 'good', 'mistaken', 'good'] as const;
    this.#cluster.addPreview(kinds[this.traffic.previews % kinds.length] ?? 'good');
    if (this.#cluster.previews > MAX_PREVIEWS) this.#cluster.removePreview();
  }

  async #askAdmin(): Promise<void> {
    for (const path of ['/metrics', '/api/intercepts?proxies&census', '/api/proxies', '/api/explain?to=svc-0.shop', '/nothing']) {
      await (await this.#get(path)).arrayBuffer();
    }
  }

  #get(path: string): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.#admin}${path}`);
  }

  async #answer<T>(): Promise<T> {
    const { value, done } = await this.#answers.next();
    if (done === true) throw new Error(`The control plane has ended:\n${this.#complaints}`);
    return JSON.parse(value) as T;
  }

  #ask<T>(): Promise<T> {
    this.#child.stdin?.write('\n');
    return this.#answer();
  }
}
