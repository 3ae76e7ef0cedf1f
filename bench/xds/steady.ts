/** Changes that do not stop: how far behind the streams are, and whether anything piles up. */
import { setTimeout as wait } from 'node:timers/promises';
import { table } from '../results.ts';
import { type RunningServer, startServer } from './contenders.ts';
import type { Holds } from './detour-server.ts';
import type { GoPrograms } from './go-programs.ts';
import { LineProcess } from './line-process.ts';
import { endpointChange, pick, ruleChange } from './world.ts';

/** Every tenth change is a rule, the others are pods. */
const RULE_EVERY = 10;
const SETTLE_MS = 2_000;
/** What was made last has to arrive too. */
const TAIL_MS = 3_000;

export interface Load {
  readonly services: number;
  readonly streams: number;
  /** Changes a second. */
  readonly rate: number;
  readonly seconds: number;
}

/** Times in ms. */
export interface Lags {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly count: number;
  /** Never came. */
  readonly missing: number;
  readonly responses: number;
}

interface Made {
  readonly at: number;
  readonly resources: readonly string[];
}

/** Makes changes at an even pace, whether or not they are taken in. */
export class Churn {
  readonly #server: RunningServer;
  readonly #load: LineProcess;
  readonly #services: number;
  /** By Service: what a change of its pods puts; the same each time. */
  readonly #endpoints = new Map<number, readonly string[]>();
  readonly #rules = new Map<number, readonly string[]>();
  readonly #turns = new Map<number, number>();
  #round = 0;

  constructor(server: RunningServer, load: LineProcess, services: number) {
    this.#server = server;
    this.#load = load;
    this.#services = services;
    for (let index = 0; index < services; index += 1) {
      this.#endpoints.set(index, server.prepare(endpointChange(index, 1)).put);
      if (index % 20 === 0) this.#rules.set(index, server.prepare(ruleChange(index, 0)).put);
    }
  }

  /** @param from the first stream that counts @returns the lags of the streams that count, and the CPU of the server. */
  async run({ rate, seconds }: Pick<Load, 'rate' | 'seconds'>, from = 0): Promise<Lags & { readonly cpu: number }> {
    const made: Made[] = [];
    const keys = new Set([...this.#endpoints.values(), ...this.#rules.values()].flat());
    await this.#load.ask({ do: 'record', resources: [...keys] });
    const before = await this.#server.process.cpuMs();
    const answers: Promise<unknown>[] = [];
    const began = performance.now();
    for (let due = 0; due < rate * seconds; ) {
      const until = Math.min(rate * seconds, Math.floor(((performance.now() - began) / 1000) * rate));
      for (; due < until; due += 1) answers.push(this.#make(made));
      await wait(2);
    }
    await Promise.all(answers);
    const cpu = (await this.#server.process.cpuMs()) - before;
    await wait(TAIL_MS);
    return { ...(await this.#load.ask<Lags>({ do: 'lags', changes: made, from })), cpu };
  }

  #make(made: Made[]): Promise<unknown> {
    this.#round += 1;
    const isRule = this.#round % RULE_EVERY === 0;
    const previews = Math.ceil(this.#services / 20);
    const index = isRule ? ((this.#round / RULE_EVERY) % previews) * 20 : pick(this.#services, this.#round);
    // No state of a Service comes again soon.
    const turn = (this.#turns.get(index) ?? 1) + 1;
    this.#turns.set(index, turn);
    const change = isRule ? ruleChange(index, this.#round) : endpointChange(index, turn);
    const resources = (isRule ? this.#rules : this.#endpoints).get(index) ?? [];
    // From when it was due: a server that is behind does not get to choose.
    made.push({ at: Math.round((performance.timeOrigin + performance.now()) * 1000), resources });
    return this.#server.process.ask(change);
  }
}

export async function steady(
  { services, streams, rate, seconds, programs }: Load & { readonly programs: GoPrograms },
  progress: (line: string) => void,
): Promise<string> {
  await using server = await startServer('Detour', services, programs);
  await using load = new LineProcess(programs.load, []);
  await load.ask({ do: 'connect', address: `127.0.0.1:${server.port}`, streams });
  progress(`steady: ${streams} streams connected`);
  const churn = new Churn(server, load, services);
  await churn.run({ rate, seconds: Math.min(5, seconds / 4) });
  const holds = [await settled(server)];
  const halves: Awaited<ReturnType<Churn['run']>>[] = [];
  for (const half of ['first', 'second']) {
    halves.push(await churn.run({ rate, seconds: seconds / 2 }));
    holds.push(await settled(server));
    const { p50, p99, missing } = halves.at(-1) ?? { p50: 0, p99: 0, missing: 0 };
    progress(`steady: ${half} half, lag p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, ${missing} missing`);
  }
  const count = new Intl.NumberFormat('en');
  const figures = table(
    [`${count.format(streams)} streams, ${count.format(services)} Services`, 'first half', 'second half'],
    [
      ['lag p50, ms', ...halves.map(({ p50 }) => p50.toFixed(1))],
      ['lag p99, ms', ...halves.map(({ p99 }) => p99.toFixed(1))],
      ['lag, longest, ms', ...halves.map(({ max }) => max.toFixed(1))],
      ['never came', ...halves.map(({ missing }) => String(missing))],
      ['responses a second', ...halves.map(({ responses }) => count.format(Math.round(responses / (seconds / 2))))],
      ['changes in a response', ...halves.map(({ count: all, responses }) => (all / responses).toFixed(1))],
      ['CPU of the control plane, cores', ...halves.map(({ cpu }) => (cpu / 1000 / (seconds / 2)).toFixed(2))],
    ],
  );
  const memory = table(
    ['MB after collecting garbage', 'before', 'in the middle', 'at the end'],
    [
      ['heap and buffers', ...holds.map(({ heap }) => heap.toFixed(1))],
      ['resident', ...holds.map(({ resident }) => resident.toFixed(0))],
    ],
  );
  return `${rate} changes a second for ${seconds} s, in two halves: pods, and every tenth a rule; every stream has everything. A lag is the time from
when a change was due to be made until a stream has it, over all changes and streams.

${figures}

${memory}`;
}

/** Nothing is under way. */
export async function settled(server: RunningServer): Promise<Holds> {
  await wait(SETTLE_MS);
  return server.process.ask<Holds>('holds');
}
