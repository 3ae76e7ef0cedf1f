/** The processes of the demo, each with its files: what it is started with, and where it logs to. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { processEnvironment } from '../../config.ts';
import { EXIT } from '../command.ts';
import { runEnvoy } from '../envoy.ts';
import type { Children } from './children.ts';
import { type DemoEnvoy, gatewayOf, loopback, sidecarsOf } from './envoys.ts';
import { manifests } from './manifests.ts';
import type { Shop, ShopPod } from './shop.ts';

/** `.ts`, or `.js` in the package. */
const EXTENSION = extname(fileURLToPath(import.meta.url));
const MAIN = fileURLToPath(new URL(`../../main${EXTENSION}`, import.meta.url));
const APP = fileURLToPath(new URL(`./shop-app${EXTENSION}`, import.meta.url));

export class Parts {
  readonly manifests: string;
  readonly logs: string;
  readonly envoys: readonly DemoEnvoy[];
  /** Arguments after `detour`. */
  readonly serve: readonly string[];
  readonly #bootstraps: string;
  readonly #children: Children;
  readonly #shop: Shop;
  readonly #envoyBinary: string;
  readonly #env: Readonly<Record<string, string | undefined>>;

  constructor(children: Children, shop: Shop, folder: string, envoyBinary: string) {
    this.#children = children;
    this.#shop = shop;
    this.#envoyBinary = envoyBinary;
    // The demo shows the defaults, whatever DETOUR_… says in this terminal.
    this.#env = Object.fromEntries(Object.entries(processEnvironment()).filter(([name]) => !name.startsWith('DETOUR_')));
    this.manifests = join(folder, 'manifests');
    this.logs = join(folder, 'logs');
    this.#bootstraps = join(folder, 'envoys');
    this.envoys = [gatewayOf(shop), ...sidecarsOf(shop)];
    const { xds, admin } = shop.controlPlane;
    const listen = ['--xds-listen', loopback(xds), '--admin-listen', loopback(admin)];
    this.serve = ['serve', '--source', `directory:${this.manifests}`, ...listen];
  }

  /** Manifests and bootstraps, before anything runs. */
  async write(): Promise<void> {
    for (const folder of [this.manifests, this.logs, this.#bootstraps]) await mkdir(folder);
    for (const [file, text] of manifests(this.#shop)) await writeFile(join(this.manifests, file), text);
    await Promise.all(this.envoys.map(async ({ name, args }) => writeFile(this.#bootstrap(name), await printBootstrap(args))));
  }

  startControlPlane(): void {
    this.#start('control-plane', process.execPath, [MAIN, ...this.serve]);
  }

  startApp({ name, service, copy, app, calls, outbound }: ShopPod): void {
    const next = calls === undefined ? [] : [calls, String(outbound)];
    this.#start(name, process.execPath, [APP, service, copy, String(app), ...next]);
  }

  startEnvoy({ name }: DemoEnvoy): void {
    const quiet = ['--concurrency', '1', '--disable-hot-restart', '--log-level', 'warning'];
    this.#start(name, this.#envoyBinary, ['-c', this.#bootstrap(name), ...quiet]);
  }

  /** The end of its log. The logs themselves go with the demo. */
  async lastWords(name: string): Promise<string> {
    const text = await readFile(this.#log(name), 'utf8');
    return text.trimEnd().split('\n').slice(-20).join('\n');
  }

  #start(name: string, command: string, args: readonly string[]): void {
    this.#children.start({ name, command, args, env: this.#env, log: this.#log(name) });
  }

  #log(name: string): string {
    return join(this.logs, `${name}.log`);
  }

  #bootstrap(name: string): string {
    return join(this.#bootstraps, `${name}.yaml`);
  }
}

/** What `detour envoy` prints, from the command itself. */
async function printBootstrap(args: readonly string[]): Promise<string> {
  const written: string[] = [];
  const write = (text: string): void => {
    written.push(text);
  };
  const code = await runEnvoy(args, { out: write, err: write, environment: {} });
  if (code !== EXIT.ok) throw new Error(`detour envoy ${args.join(' ')}: ${written.join('')}`);
  return written.join('');
}
