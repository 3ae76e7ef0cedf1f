/** Envoy's discovery messages as another decoder sees them (proto-loader, from the .proto files themselves). */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadSync, type MessageTypeDefinition } from '@grpc/proto-loader';

const deps = join(dirname(fileURLToPath(import.meta.url)), '../../../node_modules/@grpc/grpc-js-xds/deps');
const includeDirs = ['envoy-api', 'xds', 'googleapis', 'protoc-gen-validate'].map((name) => join(deps, name));
if (!includeDirs.every((folder) => existsSync(folder))) throw new Error('npm ci brings the .proto files');

const definitions = loadSync(
  [
    'envoy/service/discovery/v3/discovery.proto',
    'envoy/service/status/v3/csds.proto',
    'envoy/config/cluster/v3/cluster.proto',
    'envoy/config/endpoint/v3/endpoint.proto',
    'envoy/config/listener/v3/listener.proto',
    'envoy/config/route/v3/route.proto',
    'envoy/config/route/v3/scoped_route.proto',
    'envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto',
    'envoy/extensions/filters/http/router/v3/router.proto',
  ],
  { keepCase: true, longs: Number, enums: String, defaults: true, includeDirs },
);

// Messages of any type; each test says what it expects.
// biome-ignore lint/suspicious/noExplicitAny: a decoded message has whatever fields its type has.
export type Decoded = any;

function definition(name: string): MessageTypeDefinition<object, object> {
  const found = definitions[name];
  if (found === undefined || !('format' in found)) throw new Error(`${name} is no message of the proto files`);
  return found as MessageTypeDefinition<object, object>;
}

/** @param name full name, like `envoy.config.cluster.v3.Cluster` */
export function decodeMessage(name: string, bytes: Uint8Array): Decoded {
  return definition(name).deserialize(Buffer.from(bytes));
}

export function encodeRequest(name: 'DiscoveryRequest' | 'DeltaDiscoveryRequest', request: object): Buffer {
  return definition(`envoy.service.discovery.v3.${name}`).serialize(request);
}

/** The message inside an Any, by its type URL. */
export function unpack(any: { readonly type_url: string; readonly value: Uint8Array }): Decoded {
  return decodeMessage(any.type_url.slice(any.type_url.lastIndexOf('/') + 1), any.value);
}
