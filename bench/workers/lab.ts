/** A control plane in this process that tells of an acknowledgement in the moment in which it is read. */
import { readFile } from 'node:fs/promises';
import { InterceptEngine } from '../../src/intercepts/engine.ts';
import { DEFAULT_CARRIERS } from '../../src/model/carriers.ts';
import { createScopeTranslation } from '../../src/translate/translate.ts';
import { XdsServer } from '../../src/xds/xds.ts';
import { anEndpoint, aPod, aPort, aService, aSlice, type ClusterObject, puts } from '../../test/support/builders.ts';
import { type App, startApp } from '../../test/support/world/app.ts';
import { SilentObserver } from '../../test/support/xds/observer.ts';
import { WorkerGateway } from '../../test/support/xds/worker-gateway.ts';

export const HOST = 'shop.example.com';

class AckObserver extends SilentObserver {
  onAck: () => void = () => undefined;

  override ack(): void {
    super.ack();
    this.onAck();
  }
}

export interface LabOptions {
  readonly workers: number;
  readonly connections: number;
  readonly isShared: boolean;
}

export class Lab implements AsyncDisposable {
  readonly gateway: WorkerGateway;
  readonly apps: Readonly<Record<'one' | 'two', App>>;
  readonly #server: XdsServer;
  readonly #observer: AckObserver;
  readonly #engine: InterceptEngine;
  readonly #stack: AsyncDisposableStack;

  private constructor(parts: Parts) {
    this.gateway = parts.gateway;
    this.apps = parts.apps;
    this.#server = parts.server;
    this.#observer = parts.observer;
    this.#engine = parts.engine;
    this.#stack = parts.stack;
  }

  static async open(options: LabOptions): Promise<Lab> {
    await using stack = new AsyncDisposableStack();
    const app = async (copy: string): Promise<App> => stack.use(await startApp({ service: 'api', copy }));
    const [baseline, apps] = [await app('baseline'), { one: await app('one'), two: await app('two') }];
    const engine = new InterceptEngine();
    const observer = new AckObserver();
    const lua = await readFile(new URL('../../envoy/detour.lua', import.meta.url), 'utf8');
    const settings = { carriers: DEFAULT_CARRIERS, lua };
    const server = stack.use(new XdsServer({ settings, createTranslation: createScopeTranslation, observer, now: Date.now }));
    const xds = await server.listen({ host: '127.0.0.1', port: 0 });
    const service = aService({ annotations: { host: HOST }, ports: [aPort({ appProtocol: 'http' })] });
    const endpoint = anEndpoint({ addresses: ['127.0.0.1'], pod: 'shop/api-0' });
    const slice = aSlice({ ports: [{ name: 'http', port: baseline.port }], endpoints: [endpoint] });
    server.publish(engine.model, engine.apply(puts(service, slice), Date.now()));
    const gateway = stack.use(await WorkerGateway.open({ xds, host: HOST, ...options }));
    return new Lab({ gateway, apps, server, observer, engine, stack: stack.move() });
  }

  /** A preview of the Service; `app` answers for it. */
  preview(key: string, app: App, match?: string): ClusterObject {
    const annotations = { intercept: 'api=http', ...(match === undefined ? {} : { match }) };
    return aPod({ previewLabel: key, annotations, ips: ['127.0.0.1'], ports: { http: app.port } });
  }

  /**
   * Applies `object`, and calls `then` when its receipt is complete, before anything else happens in this process.
   * @param key of the preview that it is
   */
  async live<T>(object: ClusterObject, key: string, then: () => Promise<T>): Promise<T> {
    const done = new Promise<Promise<T>>((resolve) => {
      this.#observer.onAck = () => {
        if (!this.#isLive(key)) return;
        this.#observer.onAck = () => undefined;
        // In an object: a promise would be waited for.
        resolve(then());
      };
    });
    this.#server.publish(this.#engine.model, this.#engine.apply(puts(object), Date.now()));
    return await done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  #isLive(key: string): boolean {
    const own = [...this.#engine.intercepts()].filter((intercept) => intercept.key === key);
    return own.length > 0 && own.every(({ id }) => this.#server.receipt(id).state === 'live');
  }
}

interface Parts {
  readonly gateway: WorkerGateway;
  readonly apps: Lab['apps'];
  readonly server: XdsServer;
  readonly observer: AckObserver;
  readonly engine: InterceptEngine;
  readonly stack: AsyncDisposableStack;
}
