/** gRPC for Node, with the xDS plugin of grpc-js; more of it in test/envoy/proxyless-grpc.test.ts. */
import { clientPromises } from '../support/clients/client-promises.ts';
import { openGrpcBench } from '../support/clients/grpc-bench.ts';
import { ProxylessClient } from '../support/world/proxyless.ts';

clientPromises('gRPC for Node', () => openGrpcBench((xdsPort) => new ProxylessClient(xdsPort)));
