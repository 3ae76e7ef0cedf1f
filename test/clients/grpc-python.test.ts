/** gRPC for Python (grpcio), whose xDS support is that of gRPC for C++, Ruby and PHP too. */
import { clientPromises } from '../support/clients/client-promises.ts';
import { type GrpcBench, openGrpcBench } from '../support/clients/grpc-bench.ts';
import { type RpcClient, startPythonClient } from '../support/clients/rpc-client.ts';
import { statusPromises } from '../support/clients/status-promises.ts';

let bench: GrpcBench<RpcClient>;

clientPromises(
  'gRPC for Python',
  async () => {
    bench = await openGrpcBench(startPythonClient);
    return bench;
  },
  { inBetween: () => statusPromises(() => bench) },
);
