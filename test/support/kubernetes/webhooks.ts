/** The control plane with its webhooks, in this process, and registered at an API server as the chart does it. */
import { execFile } from 'node:child_process';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type App, startApp } from '../../../src/app.ts';
import { readConfig } from '../../../src/config.ts';
import type { Logger } from '../../../src/logger.ts';
import { freePorts } from '../ports.ts';
import type { ApiServer } from './api-server.ts';
import { chartObjects, theObject } from './chart.ts';

interface Hook {
  readonly clientConfig: { readonly service?: { readonly path: string } };
}

export class Webhooks implements AsyncDisposable {
  readonly #api: ApiServer;
  readonly #folder: string;
  readonly port: number;
  /** Of `detour serve`. */
  readonly #flags: readonly string[];
  #app: App | undefined;

  private constructor(api: ApiServer, folder: string, port: number, flags: readonly string[]) {
    this.#api = api;
    this.#folder = folder;
    this.port = port;
    this.#flags = flags;
  }

  /**
   * Registered and running. @param authorities how many certificates the API server trusts: those of {@link useCertificate}
   * @param flags further ones of `detour serve`
   */
  static async start(api: ApiServer, authorities: number, flags: readonly string[] = []): Promise<Webhooks> {
    const folder = join(api.folder, 'webhooks');
    await mkdir(folder);
    const [port] = await freePorts(1);
    if (port === undefined) throw new Error('one port was asked for');
    const webhooks = new Webhooks(api, folder, port, flags);
    for (let number = 0; number < authorities; number++) await makeCertificate(folder, number);
    await webhooks.useCertificate(0);
    await webhooks.#register(authorities);
    await webhooks.run();
    return webhooks;
  }

  /** PEM: what the server shows, and what signs for control planes in what is injected. */
  certificate(number: number): Promise<string> {
    return readFile(this.certificateFile(number), 'utf8');
  }

  certificateFile(number: number): string {
    return join(this.#folder, `${number}.crt`);
  }

  /** Puts another certificate in its place, as a kubelet does. */
  async useCertificate(number: number): Promise<void> {
    for (const kind of ['key', 'crt']) {
      await writeFile(join(this.#folder, `next.${kind}`), await readFile(join(this.#folder, `${number}.${kind}`)));
      await rename(join(this.#folder, `next.${kind}`), join(this.#folder, `tls.${kind}`));
    }
  }

  async run(): Promise<void> {
    const file = (name: string): string => join(this.#folder, name);
    const { config, mistakes } = readConfig(
      [
        ...['--source', 'kubernetes', '--kubeconfig', await this.#api.kubeconfigFile()],
        ...['--xds-listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0', '--drain-time', '0'],
        ...['--webhook-listen', `127.0.0.1:${this.port}`, '--webhook-cert', file('tls.crt'), '--webhook-key', file('tls.key')],
        ...['--sidecar-xds-ca', file('0.crt'), '--audit-log', file('audit.log')],
        ...this.#flags,
      ],
      { POD_NAMESPACE: 'detour-system' },
    );
    if (config === undefined) throw new Error(mistakes.join('\n'));
    this.#app = await startApp(config, { log: QUIET, version: '1.2.3' });
  }

  async stop(): Promise<void> {
    await this.#app?.stop();
    this.#app = undefined;
  }

  /** The lines of the audit log. */
  async audit(): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const text = await readFile(join(this.#folder, 'audit.log'), 'utf8').catch(() => '');
    return text.split('\n').flatMap((line) => (line === '' ? [] : JSON.parse(line)));
  }

  /** The value of `detour_webhook_reviews_total`. */
  async reviews(webhook: string, outcome: string): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.#app?.admin.port}/metrics`)).text();
    const line = new RegExp(`^detour_webhook_reviews_total\\{webhook="${webhook}",outcome="${outcome}"\\} (\\d+)$`, 'm');
    return Number(line.exec(text)?.[1] ?? 0);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** What the chart registers, but for where the server is: not every test has a network for Services. */
  async #register(authorities: number): Promise<void> {
    // A busy machine may take more than the three seconds after which the API server goes on without.
    const objects = await chartObjects('--set', 'webhooks.enabled=true,webhooks.validate=true,webhooks.timeoutSeconds=10');
    const pems = await Promise.all(Array.from({ length: authorities }, (_, number) => this.certificate(number)));
    const caBundle = Buffer.from(pems.join('')).toString('base64');
    for (const kind of ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration']) {
      const object = theObject(objects, kind, 'detour-detour-system');
      const webhooks = (object['webhooks'] as readonly Hook[]).map((hook) => ({
        ...hook,
        clientConfig: { url: `https://127.0.0.1:${this.port}${hook.clientConfig.service?.path}`, caBundle },
      }));
      await this.#api.apply([{ ...object, webhooks }]);
    }
  }
}

const nothing = (): void => undefined;
const QUIET: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

async function makeCertificate(folder: string, number: number): Promise<void> {
  const name = ['-subj', `/CN=webhooks ${number}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
  const files = ['-keyout', join(folder, `${number}.key`), '-out', join(folder, `${number}.crt`)];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  await promisify(execFile)('openssl', ['req', '-x509', ...kind, ...name, ...files]);
}
