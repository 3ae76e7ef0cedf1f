/** Starts everything that the demo consists of, and holds it until it is disposed of. */
import { lookup } from 'node:dns/promises';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { processEnvironment } from '../../config.ts';
import { findEnvoy } from '../envoy-binary.ts';
import type { ByHand } from './by-hand.ts';
import { Children } from './children.ts';
import { type DemoEnvoy, loopback, sidecarName } from './envoys.ts';
import { freePort, freePorts } from './free-ports.ts';
import { Parts } from './parts.ts';
import { ask } from './request.ts';
import { HOST, PATH, PORTS, type ShopPod, shopOn } from './shop.ts';
import { waitFor } from './wait.ts';

export interface RunningShop extends AsyncDisposable {
  /** The gateway's port on 127.0.0.1. */
  readonly gateway: number;
  /** Ends the apps of a copy, or its apps and their Envoys, as a crash would: nobody tells the control plane. */
  kill(copy: string, what: 'app' | 'pod'): Promise<void>;
  /** Starts again what `kill` ended. */
  revive(copy: string): Promise<void>;
  tellByHand(): Promise<ByHand>;
}

/** @param say told what is being done, before it takes its time. */
export async function startShop(say: (line: string) => void, signal: AbortSignal): Promise<RunningShop> {
  await using stack = new AsyncDisposableStack();
  const ended: string[] = [];
  const children = stack.use(
    new Children((name, how) => {
      ended.push(name);
      say(`${name} ended (${how}).`);
    }),
  );
  /** Waits, unless it is in vain: the demo is interrupted, or a part of it has ended. */
  const until = (what: string, probe: () => Promise<boolean>): Promise<void> =>
    waitFor(what, async () => signal.aborted || ended.length > 0 || probe()).then(async () => {
      signal.throwIfAborted();
      const [name] = ended;
      if (name !== undefined) throw new Error(`Without ${name} it cannot go on. It said last:\n${await parts.lastWords(name)}`);
    });

  const { ENVOY_BIN, PATH: path = '' } = processEnvironment();
  const envoy = await findEnvoy({ override: ENVOY_BIN, path, progress: say });
  signal.throwIfAborted();
  const shop = shopOn(await freePorts(PORTS), await freePort(8080), await freePort(19000));
  const folder = await mkdtemp(join(tmpdir(), 'detour-demo-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const parts = new Parts(children, shop, folder, envoy);
  say(`Manifests of a shop (${PATH.join(' → ')}) and its previews pr-42 and pr-7: ${parts.manifests}`);
  await parts.write();

  const { admin } = shop.controlPlane;
  say(`Control plane: detour ${parts.serve.join(' ')}`);
  parts.startControlPlane();
  for (const pod of shop.pods) parts.startApp(pod);
  await until('the control plane', async () => (await fetch(`http://${loopback(admin)}/readyz`)).ok);
  say(`Envoys: a gateway, and one beside each of ${shop.pods.length} pods`);
  for (const each of parts.envoys) parts.startEnvoy(each);
  await until('the Envoys to be configured', () => allLive(parts.envoys));
  await until('the first routed request', async () => {
    const { status, hops } = await ask(shop.gateway.listen, { host: HOST, headers: {} });
    return status === 200 && hops.length === PATH.length;
  });

  const kept = stack.move();
  const podsOf = (copy: string): readonly ShopPod[] => shop.pods.filter((pod) => pod.copy === copy);
  return {
    gateway: shop.gateway.listen,
    async kill(copy, what) {
      for (const { name } of podsOf(copy)) {
        await children.kill(name);
        if (what === 'pod') await children.kill(sidecarName(name));
      }
    },
    async revive(copy) {
      for (const pod of podsOf(copy)) {
        if (children.pid(pod.name) === undefined) parts.startApp(pod);
        const sidecar = parts.envoys.find(({ name }) => name === sidecarName(pod.name));
        if (sidecar !== undefined && children.pid(sidecar.name) === undefined) parts.startEnvoy(sidecar);
      }
      await until('the preview to be back', () => allLive(parts.envoys));
    },
    async tellByHand() {
      const address = await lookup(HOST).catch(() => undefined);
      const pids = podsOf('pr-42').flatMap(({ name }) => [children.pid(name), children.pid(sidecarName(name))]);
      return {
        shop,
        manifests: parts.manifests,
        logs: parts.logs,
        resolves: address?.address === '127.0.0.1',
        pids: pids.filter((pid) => pid !== undefined),
      };
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Envoy is live when it has had its first full configuration: listeners, routes, clusters and endpoints. */
async function allLive(envoys: readonly DemoEnvoy[]): Promise<boolean> {
  const states = await Promise.all(envoys.map(async ({ admin }) => (await fetch(`http://${loopback(admin)}/ready`)).text()));
  return states.every((state) => state.startsWith('LIVE'));
}
