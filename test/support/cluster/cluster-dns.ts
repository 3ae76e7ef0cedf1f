/** Stands in for the cluster's DNS: names of Services, and of pods behind headless ones, over UDP. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { DNS_ADDRESS } from './addresses.ts';
import { answerTo, questionOf, TYPE_A } from './dns-message.ts';
import type { ServiceDirectory } from './service-directory.ts';
import { takesConnections } from './service-objects.ts';

const ZONE = '.svc.cluster.local';

export async function startClusterDns(directory: ServiceDirectory): Promise<AsyncDisposable> {
  const socket: Socket = createSocket('udp4', (query, { address, port }) => {
    const question = questionOf(query);
    if (question === undefined) return;
    const addresses = addressesOf(directory, question.name);
    socket.send(answerTo(query, question.type === TYPE_A ? addresses : addresses && []), port, address);
  });
  socket.bind(53, DNS_ADDRESS);
  await once(socket, 'listening');
  return {
    async [Symbol.asyncDispose]() {
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    },
  };
}

/** undefined: there is no such name. */
function addressesOf(directory: ServiceDirectory, name: string): readonly string[] | undefined {
  if (!name.endsWith(ZONE)) return undefined;
  const labels = name.slice(0, -ZONE.length).split('.');
  const [namespace, service, host, ...more] = labels.toReversed();
  const key = `${namespace}/${service}`;
  const clusterIP = directory.service(key)?.spec.clusterIP;
  if (clusterIP === undefined || more.length > 0) return undefined;
  if (clusterIP !== 'None') return host === undefined ? [clusterIP] : undefined;
  const endpoints = directory.slices(key).flatMap((slice) => slice.endpoints ?? []);
  const chosen = host === undefined ? takesConnections(endpoints) : endpoints.filter(({ hostname }) => hostname === host);
  const addresses = chosen.flatMap((endpoint) => endpoint.addresses);
  return addresses.length === 0 ? undefined : addresses;
}

/** What `/etc/resolv.conf` of a pod says. */
export function resolverFile(namespace: string): string {
  return `nameserver ${DNS_ADDRESS}\nsearch ${namespace}.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n`;
}
