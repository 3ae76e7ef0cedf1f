/** Stands in for kube-proxy: connections to a ClusterIP reach the ready endpoints in turn. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { ApiAccess } from '../kubernetes/api-access.ts';
import { ServiceDirectory } from './service-directory.ts';
import { endpointsOf } from './service-objects.ts';

export class ServiceProxy implements AsyncDisposable {
  readonly #ports = new Map<string, Listener>();
  #directory: ServiceDirectory | undefined;

  /** Of all namespaces. */
  static async start(api: ApiAccess): Promise<ServiceProxy> {
    const proxy = new ServiceProxy();
    proxy.#directory = await ServiceDirectory.start(api, (key) => proxy.#update(key));
    proxy.#update(undefined);
    return proxy;
  }

  get directory(): ServiceDirectory {
    if (this.#directory === undefined) throw new Error('the proxy was never started');
    return this.#directory;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#directory?.[Symbol.asyncDispose]();
    for (const listener of this.#ports.values()) listener.close();
    this.#ports.clear();
  }

  /** @param key undefined: whatever has changed */
  #update(key: string | undefined): void {
    const directory = this.#directory;
    if (directory === undefined) return;
    const wanted = new Map<string, readonly string[]>();
    for (const name of key === undefined ? directory.keys : [key]) {
      const { clusterIP, ports = [] } = directory.service(name)?.spec ?? {};
      if (clusterIP === undefined || clusterIP === '' || clusterIP === 'None' || clusterIP.includes(':')) continue;
      const own = directory.slices(name);
      for (const port of ports) {
        if (port.protocol !== 'TCP') continue;
        wanted.set(`${name} ${clusterIP}:${port.port}`, endpointsOf(own, port.name ?? ''));
      }
    }
    for (const [id, listener] of this.#ports) {
      if (wanted.has(id) || (key !== undefined && !id.startsWith(`${key} `))) continue;
      listener.close();
      this.#ports.delete(id);
    }
    for (const [id, endpoints] of wanted) {
      const listener = this.#ports.get(id) ?? new Listener(id.slice(id.indexOf(' ') + 1));
      this.#ports.set(id, listener);
      listener.endpoints = endpoints;
    }
  }
}

/** Listens while there are endpoints: without one, connections are refused, as kube-proxy does. */
class Listener {
  readonly #host: string;
  readonly #port: number;
  readonly #sockets = new Set<Socket>();
  #endpoints: readonly string[] = [];
  #server: Server | undefined;
  #turn = 0;

  constructor(address: string) {
    const colon = address.lastIndexOf(':');
    this.#host = address.slice(0, colon);
    this.#port = Number(address.slice(colon + 1));
  }

  set endpoints(endpoints: readonly string[]) {
    this.#endpoints = endpoints;
    if (endpoints.length === 0) this.#stopListening();
    else if (this.#server === undefined) {
      this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#forward(socket));
      this.#server.on('error', (error) => console.error(`Service address ${this.#host}:${this.#port}: ${error.message}`));
      this.#server.listen(this.#port, this.#host);
    }
  }

  close(): void {
    this.#stopListening();
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Connections that are open stay. */
  #stopListening(): void {
    this.#server?.close();
    this.#server = undefined;
  }

  #forward(client: Socket): void {
    const endpoint = this.#endpoints[this.#turn++ % this.#endpoints.length];
    if (endpoint === undefined) {
      client.resetAndDestroy();
      return;
    }
    const colon = endpoint.lastIndexOf(':');
    const upstream = connect({
      host: endpoint.slice(0, colon),
      port: Number(endpoint.slice(colon + 1)),
      allowHalfOpen: true,
      noDelay: true,
    });
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      socket.on('error', () => other.resetAndDestroy());
      socket.pipe(other);
    }
  }
}
