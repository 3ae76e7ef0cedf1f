/** The control plane in this process, on a directory of its own and on ports that the system chose. */
import { type App, type AppOptions, startApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import type { Consequence, Logger } from '../../src/logger.ts';
import { AdsClient, type AdsOptions } from './ads-client.ts';
import { until } from './until.ts';
import { createManifests, type Manifests } from './world/manifests.ts';

export interface Logged extends Consequence {
  readonly message: string;
}

interface InterceptJson {
  readonly id: string;
  readonly key: string;
  readonly state: string;
  readonly match?: string;
  readonly winner?: string;
  readonly losers: readonly string[];
  readonly endpoints: readonly string[];
  readonly problems: readonly { readonly code: string }[];
  readonly receipt: { readonly state: string; readonly needed: number; readonly acked: number };
}

interface ProblemJson {
  readonly code: string;
  readonly subject: { readonly kind: string; readonly key: string };
  readonly message: string;
  readonly hint: string;
  readonly severity: string;
}

export class RunningApp implements AsyncDisposable {
  readonly app: App;
  readonly manifests: Manifests;
  /** Warnings and errors. */
  readonly log: readonly Logged[];
  readonly #stack: AsyncDisposableStack;

  constructor(app: App, manifests: Manifests, log: readonly Logged[], stack: AsyncDisposableStack) {
    this.app = app;
    this.manifests = manifests;
    this.log = log;
    this.#stack = stack;
  }

  async get(path: string): Promise<{ readonly status: number; readonly body: string }> {
    const response = await fetch(`http://127.0.0.1:${this.app.admin.port}${path}`);
    return { status: response.status, body: await response.text() };
  }

  async intercepts(): Promise<readonly InterceptJson[]> {
    return JSON.parse((await this.get('/api/intercepts')).body).intercepts;
  }

  /** `key state` of each. */
  async states(): Promise<readonly string[]> {
    return (await this.intercepts()).map(({ key, state }) => `${key} ${state}`);
  }

  async problems(): Promise<readonly ProblemJson[]> {
    return JSON.parse((await this.get('/api/problems')).body).problems;
  }

  async problemCodes(): Promise<readonly string[]> {
    return (await this.problems()).map(({ code }) => code);
  }

  /** A sample by its name with its labels, as `/metrics` writes it; undefined: it is not there. */
  async metric(sample: string): Promise<number | undefined> {
    const line = (await this.get('/metrics')).body.split('\n').find((each) => each.startsWith(`${sample} `));
    return line === undefined ? undefined : Number(line.slice(sample.length + 1));
  }

  /** A gateway of namespace `shop`. */
  gateway(judge?: AdsOptions['judge']): AdsClient {
    const options = { port: this.app.xds.port, node: 'gateway~shop/edge', detour: { listen: '127.0.0.1:8080' } };
    return this.#stack.use(new AdsClient({ ...options, ...(judge === undefined ? {} : { judge }) }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

export interface RunningAppOptions extends Partial<AppOptions> {
  /** Before the app starts; the directory is there. */
  readonly prepare?: (manifests: Manifests) => Promise<void>;
  /** Further settings. */
  readonly args?: readonly string[];
}

/** Ready when it returns, unless the directory was taken away. */
export async function runApp({ prepare, args = [], ...options }: RunningAppOptions = {}): Promise<RunningApp> {
  const stack = new AsyncDisposableStack();
  try {
    const manifests = stack.use(await createManifests());
    await prepare?.(manifests);
    const listen = ['--xds-listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0'];
    const { config, mistakes } = readConfig(['--source', `directory:${manifests.folder}`, ...listen, ...args], {});
    if (config === undefined) throw new Error(mistakes.join('\n'));
    const logged: Logged[] = [];
    const note = (message: string, fields: Consequence) => logged.push({ message, ...fields });
    const log: Logger = { debug: () => undefined, info: () => undefined, warn: note, error: note };
    const app = stack.use(await startApp(config, { log, version: '1.2.3', ...options }));
    return new RunningApp(app, manifests, logged, stack);
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

export async function untilReady(running: RunningApp): Promise<void> {
  await until('the control plane to be ready', async () => (await running.get('/readyz')).status === 200);
}
