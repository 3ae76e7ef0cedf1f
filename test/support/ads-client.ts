/** A State-of-the-World ADS client that knows nothing of our code: it subscribes, accepts what comes, and remembers. */
import { Client, type ClientDuplexStream, credentials, Metadata, type StatusObject } from '@grpc/grpc-js';
import { type Decoded, decodeMessage, encodeRequest, unpack } from './xds/independent.ts';

const METHOD = '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources';
export const CLUSTER = 'type.googleapis.com/envoy.config.cluster.v3.Cluster';
const RESPONSE = 'envoy.service.discovery.v3.DiscoveryResponse';

export interface AdsResponse {
  readonly typeUrl: string;
  readonly version: string;
  /** ms since the epoch */
  readonly at: number;
  readonly names: readonly string[];
}

export interface AdsOptions {
  readonly port: number;
  /** `node.id`. */
  readonly node: string;
  /** `node.metadata.detour`, texts only. */
  readonly detour: Readonly<Record<string, string>>;
  /** undefined: in plaintext. */
  readonly tls?: ClientTls;
  /** A ServiceAccount's token. */
  readonly token?: string;
  /** undefined accepts; a text refuses. */
  readonly judge?: (resources: readonly Decoded[]) => string | undefined;
}

/** PEM. */
export interface ClientTls {
  readonly ca: string;
  /** In the server's certificate. */
  readonly serverName: string;
  readonly cert?: string;
  readonly key?: string;
}

export class AdsClient implements Disposable {
  readonly responses: AdsResponse[] = [];
  /** Why the stream ended. */
  end: string | undefined;
  /** Of gRPC. */
  status: number | undefined;
  readonly #client: Client;
  readonly #stream: ClientDuplexStream<Buffer, Buffer>;

  constructor({ port, node, detour, tls, token, judge = () => undefined }: AdsOptions) {
    this.#client = tls === undefined ? new Client(`127.0.0.1:${port}`, credentials.createInsecure()) : secureClient(port, tls);
    const metadata = new Metadata();
    if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
    const same = (bytes: Buffer): Buffer => bytes;
    this.#stream = this.#client.makeBidiStreamRequest(METHOD, same, same, metadata);
    this.#stream.on('error', (error) => {
      this.end = error.message;
    });
    this.#stream.on('status', (status: StatusObject) => {
      this.status = status.code;
    });
    this.#stream.on('data', (bytes: Buffer) => {
      const { type_url, version_info, nonce, resources } = decodeMessage(RESPONSE, bytes);
      const decoded: Decoded[] = resources.map(unpack);
      const names = decoded.map(({ name }) => String(name)).sort();
      this.responses.push({ typeUrl: type_url, version: version_info, at: Date.now(), names });
      const error = judge(decoded);
      const answer = error === undefined ? { version_info } : { error_detail: { code: 3, message: error } };
      this.#send({ type_url, response_nonce: nonce, ...answer });
    });
    const strings = Object.entries(detour).map(([name, stringValue]) => [name, { stringValue }]);
    const fields = { detour: { structValue: { fields: Object.fromEntries(strings) } } };
    this.#send({ type_url: CLUSTER, node: { id: node, metadata: { fields } } });
  }

  /** Of the newest response. */
  get clusters(): readonly string[] {
    return this.responses.at(-1)?.names ?? [];
  }

  #send(request: object): void {
    this.#stream.write(encodeRequest('DiscoveryRequest', request));
  }

  [Symbol.dispose](): void {
    this.#stream.cancel();
    this.#client.close();
  }
}

function secureClient(port: number, { ca, serverName, cert, key }: ClientTls): Client {
  const pem = (text: string | undefined) => (text === undefined ? null : Buffer.from(text));
  const channel = credentials.createSsl(Buffer.from(ca), pem(key), pem(cert));
  return new Client(`127.0.0.1:${port}`, channel, { 'grpc.ssl_target_name_override': serverName });
}
