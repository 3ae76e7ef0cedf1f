/** A world for a gRPC client that routes for itself: apps that speak gRPC, and no Envoy at all. */
import { type Headers, startGrpcApp } from '../world/grpc.ts';
import { createWorld, NAMESPACE } from '../world/world.ts';
import { type ClientBench, SERVICE } from './client-promises.ts';

const PORT = 8080;

export interface GrpcCaller extends AsyncDisposable {
  call(target: string, headers?: Headers): Promise<string>;
}

export interface GrpcBench<T> extends ClientBench {
  readonly client: T;
}

/** @param start the client, with the port of the control plane */
export async function openGrpcBench<T extends GrpcCaller>(start: (xdsPort: number) => T | Promise<T>): Promise<GrpcBench<T>> {
  const world = await createWorld();
  try {
    const client = world.use(await start(world.plane.xdsPort));
    return {
      world,
      client,
      pod: async (copy, name) => {
        const { port } = world.use(await startGrpcApp(copy));
        return { namespace: NAMESPACE, name, service: SERVICE, port };
      },
      announce: (first) => world.baseline({ name: SERVICE, appProtocol: 'grpc', port: PORT }, [first]),
      ask: (headers) => client.call(`xds:///${SERVICE}.${NAMESPACE}:${PORT}`, headers),
    };
  } catch (error) {
    await world[Symbol.asyncDispose]();
    throw error;
  }
}
