/** Replicas of the control plane that write Events, on a real API server, with times that a test can wait for. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type App, startApp } from '../../../src/app.ts';
import { readConfig } from '../../../src/config.ts';
import type { Logger } from '../../../src/logger.ts';
import { LEDGER_LIMITS } from '../../../src/status/event-ledger.ts';
import type { StatusTimes } from '../../../src/status/status-writer.ts';
import { AdsClient } from '../ads-client.ts';
import type { ApiAccess } from '../kubernetes/api-access.ts';

export const QUICK: StatusTimes = {
  lease: { durationMs: 3_000, renewWithinMs: 2_000, retryMs: 200, deniedMs: 500 },
  ledger: { ...LEDGER_LIMITS, settleMs: 300 },
  timeoutMs: 2_000,
  everyMs: 50,
  sweepMs: 500,
};

export class StatusReplica implements AsyncDisposable {
  readonly app: App;
  /** Warnings, as `message: reason`. */
  readonly warnings: readonly string[];
  readonly #envoys: AdsClient[] = [];

  constructor(app: App, warnings: readonly string[]) {
    this.app = app;
    this.warnings = warnings;
  }

  async get(path: string): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${this.app.admin.port}${path}`);
    return `${response.status} ${await response.text()}`;
  }

  async metric(name: string): Promise<number> {
    const line = (await this.get('/metrics')).split('\n').find((each) => each.startsWith(`${name} `));
    return Number(line?.slice(name.length + 1));
  }

  async leads(): Promise<boolean> {
    return (await this.metric('detour_leader')) === 1;
  }

  gateway(name: string): void {
    const node = `gateway~shop/${name}`;
    this.#envoys.push(new AdsClient({ port: this.app.xds.port, node, detour: { listen: '127.0.0.1:8080' } }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const envoy of this.#envoys) envoy[Symbol.dispose]();
    await this.app.stop();
  }
}

/** Whose cluster it is, by users. */
type Kubeconfigs = Pick<ApiAccess, 'kubeconfigFile'>;

export interface ReplicaOptions {
  readonly user: string;
  readonly identity: string;
  /** Further flags. */
  readonly args?: readonly string[];
  readonly namespace?: string;
  readonly times?: Partial<StatusTimes>;
  readonly now?: () => number;
}

async function flagsOf(api: Kubeconfigs, options: ReplicaOptions): Promise<readonly string[]> {
  const { user, identity, args = ['--events', 'on', '--delete-expired', 'on'], namespace = 'shop' } = options;
  return [
    ...['--source', 'kubernetes', '--kubeconfig', await api.kubeconfigFile(user), '--namespace', namespace],
    ...['--xds-listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0', '--drain-time', '0', '--identity', identity, ...args],
  ];
}

/** In a process of its own. @returns what kills it, and waits until it is dead. */
export async function spawnReplica(api: Kubeconfigs, options: ReplicaOptions): Promise<AsyncDisposable> {
  const program = fileURLToPath(new URL('./replica-child.ts', import.meta.url));
  const child = spawn(process.execPath, [program, ...(await flagsOf(api, options))], { stdio: ['pipe', 'ignore', 'inherit'] });
  const exit = once(child, 'exit');
  return {
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exit;
    },
  };
}

export async function startReplica(api: Kubeconfigs, options: ReplicaOptions): Promise<StatusReplica> {
  const { times, now } = options;
  const { config, mistakes } = readConfig(await flagsOf(api, options), {});
  if (config === undefined) throw new Error(mistakes.join('\n'));
  const warnings: string[] = [];
  const ignore = () => undefined;
  const note = (message: string, fields: object) => warnings.push(`${message}: ${JSON.stringify(fields)}`);
  const log: Logger = { debug: ignore, info: ignore, warn: note, error: note };
  const status = { ...QUICK, ...times };
  const app = await startApp(config, { log, version: '1.2.3', status, ...(now === undefined ? {} : { now }) });
  return new StatusReplica(app, warnings);
}
