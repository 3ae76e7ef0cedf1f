/** A world for Envoys of one version: a gateway, the sidecar of a pod that calls, and those of the pods that are called. */
import { freePort } from '../ports.ts';
import { answerOf, HttpClient } from '../world/client.ts';
import type { Headers } from '../world/grpc.ts';
import { detour } from '../world/objects.ts';
import { createWorld, NAMESPACE, type Pod, type Proxy } from '../world/world.ts';
import { type ClientBench, FIRST_POD, PREVIEW_POD, SERVICE } from './client-promises.ts';

export const HOST = 'shop.example.com';

/** What the gateway is started with. */
export const PREVIEW_DOMAIN = 'preview.example.com';
export const ORIGIN = 'https://app.example.com';

/** Of the pods of {@link clientPromises}; the others are reached as they are. */
const WITH_SIDECAR: readonly string[] = [FIRST_POD, PREVIEW_POD];

export interface EnvoyBench extends ClientBench {
  readonly gateway: Proxy;
  readonly start: (copy: string, name: string, sidecar: boolean) => Promise<Pod>;
  /** All sidecars that run, by the names of their pods. */
  readonly sidecars: ReadonlyMap<string, Proxy>;
}

/** Requests go through the gateway, and through the sidecar of a caller, in turn. */
export async function openEnvoyBench(envoyVersion: string, protocol: 'delta' | 'sotw'): Promise<EnvoyBench> {
  const world = await createWorld({ envoyVersion, protocol });
  try {
    const sidecars = new Map<string, Proxy>();
    const gateway = await world.gateway({ previewDomain: PREVIEW_DOMAIN, corsOrigins: [ORIGIN] });
    const caller = { namespace: NAMESPACE, name: 'caller-1', service: 'caller', port: await freePort() };
    const callers = await world.sidecar(caller, undefined);
    sidecars.set(caller.name, callers);
    const ways = [
      { client: world.use(new HttpClient(gateway.port, 10)), host: HOST },
      { client: world.use(new HttpClient(callers.outbound, 10)), host: `${SERVICE}.${NAMESPACE}` },
    ] as const;
    const start = async (copy: string, name: string, sidecar: boolean): Promise<Pod> => {
      const pod = await world.pod({ service: SERVICE, copy, pod: name, sidecar });
      if (pod.sidecar !== undefined) sidecars.set(name, pod.sidecar);
      return pod;
    };
    let asked = 0;
    return {
      world,
      gateway,
      sidecars,
      start,
      pod: (copy, name) => start(copy, name, WITH_SIDECAR.includes(name)),
      announce: (first) => world.baseline({ name: SERVICE, annotations: detour({ host: HOST }) }, [first]),
      ask: async (headers: Headers) => {
        const { client, host } = ways[asked++ % 2 === 0 ? 0 : 1];
        return answerOf(await client.ask({ host, headers })).copy;
      },
    };
  } catch (error) {
    await world[Symbol.asyncDispose]();
    throw error;
  }
}
