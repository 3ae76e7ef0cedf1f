/** The programs that a benchmark compares, each as a process of its own. */
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../../test/support/ports.ts';
import { imageEnvironment, imageFlags } from '../image-flags.ts';
import { Child } from './child.ts';

const DETOUR = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

const PATIENCE_MS = 120_000;
const ASK_MS = 40;

function program(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}

/** A script of this folder, with the Node that runs this one. */
export function startScript(file: string, ...args: readonly (string | number)[]): Child {
  return new Child(file, process.execPath, [program(file), ...args.map(String)]);
}

export function startInformers(binary: string, kubeconfig: string): Child {
  return new Child('the informers', binary, [kubeconfig]);
}

export class Detour implements AsyncDisposable {
  readonly child: Child;
  readonly xdsPort: number;
  readonly #adminPort: number;

  constructor(child: Child, xdsPort: number, adminPort: number) {
    this.child = child;
    this.xdsPort = xdsPort;
    this.#adminPort = adminPort;
  }

  /** The built package, as the image runs it. */
  static async start(kubeconfig: string): Promise<Detour> {
    const [xds = 0, admin = 0] = await freePorts(2);
    const listen = ['--xds-listen', `127.0.0.1:${xds}`, '--admin-listen', `127.0.0.1:${admin}`];
    const args = [
      ...(await imageFlags()),
      DETOUR,
      'serve',
      '--source',
      'kubernetes',
      '--kubeconfig',
      kubeconfig,
      ...listen,
      '--log-level',
      'warn',
    ];
    return new Detour(new Child('detour serve', process.execPath, args, await imageEnvironment()), xds, admin);
  }

  /** Whether `/readyz` says so. */
  async isReady(): Promise<boolean> {
    const response = await fetch(`http://127.0.0.1:${this.#adminPort}/readyz`).catch(() => undefined);
    return response?.status === 200;
  }

  /** Until `/readyz` says so: seldom enough that asking costs next to nothing. */
  async ready(): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (!(await this.isReady())) {
      if (performance.now() > deadline) throw new Error(`Detour was not ready within ${PATIENCE_MS / 1000} s`);
      await setTimeout(ASK_MS);
    }
  }

  /** A sample of `/metrics`, by its name with its labels. */
  async metric(sample: string): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.#adminPort}/metrics`)).text();
    const line = text.split('\n').find((each) => each.startsWith(`${sample} `));
    if (line === undefined) throw new Error(`/metrics has no ${sample}`);
    return Number(line.slice(sample.length + 1));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.child[Symbol.asyncDispose]();
  }
}
