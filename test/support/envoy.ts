/** A real Envoy for a test: started from a config object, stopped and cleaned up by `await using`. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ENVOY_VERSION, findEnvoy } from '../../src/cli/envoy-binary.ts';
import { until } from './until.ts';

const run = promisify(execFile);
const binaries = new Map<string, Promise<string>>();

/** The binary, looked up once. A missing Envoy fails the test; nothing is ever skipped. */
export function envoyBinary(version = ENVOY_VERSION): Promise<string> {
  const known = binaries.get(version);
  if (known !== undefined) return known;
  const found = findEnvoy({
    version,
    // The one that a user has chosen stands for the version that everything runs on.
    override: version === ENVOY_VERSION ? process.env['ENVOY_BIN'] : undefined,
    path: process.env['PATH'] ?? '',
    progress: (line) => process.stderr.write(`${line}\n`),
  });
  binaries.set(version, found);
  return found;
}

export interface EnvoyOptions {
  /** A whole bootstrap without `admin`; JSON is YAML. */
  readonly config: object;
  /** Of Envoy; the one that everything runs on unless told. */
  readonly version?: string;
  /** Worker threads; 1 unless told. */
  readonly concurrency?: number;
  /** Any free one unless told. */
  readonly adminPort?: number;
  /** Further arguments. */
  readonly args?: readonly string[];
}

/** `--mode validate`: undefined when Envoy accepts the config, else what it says. @param version as for {@link startEnvoy} */
export async function validateConfig(config: object, version?: string): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'detour-envoy-'));
  try {
    const file = join(folder, 'envoy.json');
    await writeFile(file, JSON.stringify(config));
    await run(await envoyBinary(version), ['--mode', 'validate', '-c', file, '-l', 'error', '--concurrency', '1']);
    return undefined;
  } catch (error) {
    return error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export class EnvoyProcess implements AsyncDisposable {
  readonly adminPort: number;
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #logFile: string;

  constructor(child: ChildProcess, folder: string, adminPort: number) {
    this.#child = child;
    this.#folder = folder;
    this.#logFile = join(folder, 'envoy.log');
    this.adminPort = adminPort;
  }

  /** An admin endpoint's text, for example `/config_dump` or `/stats?filter=cds`. */
  async admin(path: string, method = 'GET'): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${this.adminPort}${path}`, { method });
    return response.text();
  }

  /** One counter or gauge by its full name; 0 where Envoy has none. */
  async stat(name: string): Promise<number> {
    const text = await this.admin(`/stats?filter=${encodeURIComponent(`^${name.replaceAll('.', '\\.')}$`)}`);
    const line = text.split('\n').find((each) => each.startsWith(`${name}: `));
    return line === undefined ? 0 : Number(line.slice(name.length + 2));
  }

  log(): Promise<string> {
    return readFile(this.#logFile, 'utf8');
  }

  /** The process, for what only the kernel knows of it (processor time, memory). */
  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('Envoy was never started');
    return this.#child.pid;
  }

  get exited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.exited) return;
    const exit = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill(signal);
    await exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Starts Envoy and waits until its admin port answers; its listeners may come later (`until` them). */
export async function startEnvoy(options: EnvoyOptions): Promise<EnvoyProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'detour-envoy-'));
  const adminFile = join(folder, 'admin');
  const config = {
    ...options.config,
    admin: { address: { socket_address: { address: '127.0.0.1', port_value: options.adminPort ?? 0 } } },
  };
  await writeFile(join(folder, 'envoy.json'), JSON.stringify(config));
  const child = spawn(
    await envoyBinary(options.version),
    [
      ...['-c', join(folder, 'envoy.json'), '--admin-address-path', adminFile, '--log-path', join(folder, 'envoy.log')],
      ...['-l', 'warning', '--concurrency', String(options.concurrency ?? 1), '--use-dynamic-base-id'],
      ...(options.args ?? []),
    ],
    { stdio: 'ignore' },
  );
  const exited = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const failure = async (): Promise<Error> =>
    new Error(`Envoy ended with ${child.exitCode ?? child.signalCode}: ${await readFile(join(folder, 'envoy.log'), 'utf8')}`);
  try {
    const address = await until(
      'the admin address of Envoy',
      async () => exited() || (await readFile(adminFile, 'utf8')).trim() || undefined,
    );
    if (address === true) throw await failure();
    const envoy = new EnvoyProcess(child, folder, Number(address.slice(address.lastIndexOf(':') + 1)));
    await until('the admin port of Envoy', async () => exited() || (await envoy.admin('/server_info')) !== '');
    if (exited()) throw await failure();
    return envoy;
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}
