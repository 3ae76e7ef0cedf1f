/** gRPC for Go, with grpc-go's own xDS support. */
import { clientPromises } from '../support/clients/client-promises.ts';
import { type GrpcBench, openGrpcBench } from '../support/clients/grpc-bench.ts';
import { type RpcClient, startGoClient } from '../support/clients/rpc-client.ts';
import { statusPromises } from '../support/clients/status-promises.ts';

let bench: GrpcBench<RpcClient>;

clientPromises(
  'gRPC for Go',
  async () => {
    bench = await openGrpcBench(startGoClient);
    return bench;
  },
  {
    inBetween: () => statusPromises(() => bench),
    // It chooses by new routes a moment before its balancer has their clusters.
    ownFault: /unknown cluster selected for RPC/,
  },
);
