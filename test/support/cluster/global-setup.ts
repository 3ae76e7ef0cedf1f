/** Once for all files of test/cluster: the control plane of Kubernetes, and a node with the kubelet's serving side. */
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { TestProject } from 'vitest/node';
import { NODE_AGENT } from '../../../tools/kubernetes/parts.ts';
import type { ApiAddress } from '../kubernetes/api-access.ts';
import { type ApiServer, programOf, startApiServer } from '../kubernetes/api-server.ts';
import { startControllerManager } from '../kubernetes/controller-manager.ts';
import type { User } from '../kubernetes/credentials.ts';
import { ServerProcess } from '../kubernetes/server-process.ts';
import { KUBELET_PORT, NODE_ADDRESS, NODE_NAME } from './addresses.ts';
import { startClusterDns } from './cluster-dns.ts';
import { podFolder } from './pod-record.ts';
import { ServiceProxy } from './service-proxy.ts';

declare module 'vitest' {
  interface ProvidedContext {
    readonly cluster: ApiAddress;
  }
}

/** Beside `admin`. Roles that a test applies in its namespaces say what they may do. */
const USERS: readonly User[] = ['developer', 'operator', 'stranger'].map((name) => ({ name, groups: ['people'] }));

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await assertNamespace();
  await using stack = new AsyncDisposableStack();
  const api = stack.use(await startApiServer({ users: USERS, address: NODE_ADDRESS }));
  const { folder } = api.address;
  await mkdir(podFolder(folder));
  const [controllers, agent] = await Promise.all([startControllerManager(api), startNodeAgent(folder), createNode(api)]);
  for (const each of [controllers, agent]) stack.defer(() => each.stop('SIGKILL'));
  // Pods find the API server by its Service, too.
  const proxy = stack.use(await ServiceProxy.start(api));
  stack.use(await startClusterDns(proxy.directory));
  project.provide('cluster', api.address);
  const everything = stack.move();
  return () => everything[Symbol.asyncDispose]();
}

/** @throws Error that says how to run these tests, when the addresses of pods are not this machine's. */
async function assertNamespace(): Promise<void> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(KUBELET_PORT, NODE_ADDRESS, resolve));
  } catch (error) {
    throw new Error(
      'The tests of test/cluster run in a network namespace of their own: `npm test` makes one, as does ' +
        '`tools/run tools/in-namespace.ts node_modules/vitest/vitest.mjs run test/cluster/…`.',
      { cause: error },
    );
  }
  await new Promise((resolve) => server.close(resolve));
}

async function startNodeAgent(folder: string): Promise<ServerProcess> {
  const flags = [`-listen=${NODE_ADDRESS}:${KUBELET_PORT}`, `-pods=${podFolder(folder)}`];
  return ServerProcess.start(await programOf(NODE_AGENT), flags, folder, isListening);
}

async function isListening(): Promise<boolean> {
  const socket = connect(KUBELET_PORT, NODE_ADDRESS);
  await once(socket, 'connect');
  socket.destroy();
  return true;
}

async function createNode(api: ApiServer): Promise<void> {
  const ready = { status: 'True', reason: 'KubeletReady', message: 'the bench is ready' };
  await api.apply([
    {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: NODE_NAME, labels: { 'kubernetes.io/hostname': NODE_NAME, 'kubernetes.io/os': 'linux' } },
      status: {
        addresses: [{ type: 'InternalIP', address: NODE_ADDRESS }],
        daemonEndpoints: { kubeletEndpoint: { Port: KUBELET_PORT } },
        conditions: [{ type: 'Ready', ...ready }],
      },
    },
  ]);
}
