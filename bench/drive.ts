/** Drives an Envoy with one kind of request and reads what its worker thread spent. */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { EnvoyProcess } from '../test/support/envoy.ts';
import type { GeneratorOrder, GeneratorReport } from './generator.ts';

const run = promisify(execFile);
const GENERATOR = fileURLToPath(new URL('./generator.ts', import.meta.url));

export interface Measurement {
  readonly requestsPerSecond: number;
  /** Processor time of Envoy's worker thread for a request, in microseconds: does not depend on the generator. */
  readonly cpuMicros: number;
  /** From the writing of a request to the end of its reply, at the generator. */
  readonly p50Micros: number;
  readonly p99Micros: number;
}

/** @param envoy undefined: none whose processor time is to be known. */
export async function drive(envoy: EnvoyProcess | undefined, order: GeneratorOrder): Promise<Measurement> {
  const nanos = async (): Promise<number> => (envoy === undefined ? 0 : workerNanos(envoy.pid));
  const before = await nanos();
  const { stdout } = await run(process.execPath, [GENERATOR, JSON.stringify(order)]);
  // Written by the generator, from the same type.
  const { requests, ms, p50Micros, p99Micros } = JSON.parse(stdout) as GeneratorReport;
  const spent = (await nanos()) - before;
  return { requestsPerSecond: (requests * 1000) / ms, cpuMicros: spent / requests / 1000, p50Micros, p99Micros };
}

/** The middle one: a machine has its moments. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Nanoseconds on a processor of all worker threads of an Envoy (Linux: `/proc/<pid>/task/<tid>/schedstat`). */
async function workerNanos(pid: number): Promise<number> {
  const tasks = await readdir(`/proc/${pid}/task`);
  const times = await Promise.all(
    tasks.map(async (task) => {
      const name = await readFile(`/proc/${pid}/task/${task}/comm`, 'utf8');
      if (!name.startsWith('wrk:')) return 0;
      const [nanos = ''] = (await readFile(`/proc/${pid}/task/${task}/schedstat`, 'utf8')).split(' ');
      return Number(nanos);
    }),
  );
  return times.reduce((sum, each) => sum + each, 0);
}
