/**
 * A gRPC client without an Envoy, as a process: the xDS plugin reads its bootstrap from the environment. It calls
 * the target of its argument whenever it is asked to.
 */
import { register } from '@grpc/grpc-js-xds';
import { GrpcClient } from './grpc.ts';
import type { ProxylessAnswer, ProxylessCall } from './proxyless.ts';

register();
const clients = new Map<string, GrpcClient>();

process.on('message', async ({ id, target, metadata }: ProxylessCall) => {
  const client = clients.get(target) ?? new GrpcClient(target);
  clients.set(target, client);
  const answer = await client.unary({ text: '' }, metadata).then(
    ({ copy = '' }): ProxylessAnswer => ({ id, copy }),
    (error: Error): ProxylessAnswer => ({ id, error: error.message }),
  );
  process.send?.(answer);
});
process.on('disconnect', () => process.exit());
