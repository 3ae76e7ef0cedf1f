/**
 * Kubeconfig's `proxy-url`: connections to the API server by an HTTP or SOCKS proxy. They are made by client-node, which has
 * both; it is large, so it is loaded only here, and only where somebody has a proxy.
 */
import type http from 'node:http';
import type { RequestOptions } from 'node:https';
import { AccessError, type Connection } from './access.ts';

/** Not by `import`: that evaluates all that it exports, a WebSocket client too, and takes 30 ms of every start. */
const { Agent } = process.getBuiltinModule('node:http');

const MISSING =
  'needs the package @kubernetes/client-node, which is not installed: install it beside detour, or give a server that can be ' +
  'reached directly';

/** @throws AccessError where there is no client-node */
export async function proxyAgent(proxyUrl: string, connection: Connection): Promise<http.Agent> {
  const { server, ca, certificate, key, serverName, isInsecure } = connection;
  let client: typeof import('@kubernetes/client-node');
  try {
    client = await import('@kubernetes/client-node');
  } catch (error) {
    throw new AccessError(`the kubeconfig's proxy-url ${proxyUrl} ${MISSING}`, { cause: error });
  }
  const encoded = (text: string) => Buffer.from(text).toString('base64');
  const config = new client.KubeConfig();
  config.loadFromOptions({
    clusters: [
      {
        ...{ name: 'cluster', server: server.href, skipTLSVerify: isInsecure, proxyUrl },
        ...(ca === undefined ? {} : { caData: encoded(ca) }),
        ...(serverName === undefined ? {} : { tlsServerName: serverName }),
      },
    ],
    users: [
      {
        name: 'user',
        ...(certificate === undefined ? {} : { certData: encoded(certificate) }),
        ...(key === undefined ? {} : { keyData: encoded(key) }),
      },
    ],
    contexts: [{ name: 'context', cluster: 'cluster', user: 'user' }],
    currentContext: 'context',
  });
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  if (options.agent instanceof Agent) return options.agent;
  throw new AccessError(`the kubeconfig's proxy-url ${proxyUrl} is of a kind that is not known`);
}
