/** What is behind a Service: itself, the Services beside it, and the workload whose pods it selects. */
import { isFailure } from '../../kubernetes/api-client.ts';
import type { ApiObject } from '../../kubernetes/api-objects.ts';
import type { Stand } from '../../preview/copy-options.ts';
import { findBaseline } from '../../preview/find-baseline.ts';
import { listOf as elementsOf, fieldsOf, textOf } from '../../preview/workload.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { collectionPath, type KindPlace, WORKLOAD_PLACES } from '../cluster/workload-kinds.ts';
import { isTrouble, type Trouble, troubleOf } from '../trouble.ts';

export interface Baseline {
  readonly service: ApiObject;
  /** Of the namespace, all. */
  readonly services: readonly ApiObject[];
  readonly workload: ApiObject;
}

const SERVICES: KindPlace = { kind: 'Service', apiVersion: 'v1', resource: 'services' };
/** Its copy would be refused; it is read so that this can be told. */
const DAEMON_SETS: KindPlace = { kind: 'DaemonSet', apiVersion: 'apps/v1', resource: 'daemonsets' };
/** What a Service mostly selects, and what it may select too: looked at only where there is nothing of the former. */
const ROUNDS: readonly (readonly KindPlace[])[] = [
  [WORKLOAD_PLACES.Deployment, WORKLOAD_PLACES.StatefulSet],
  [WORKLOAD_PLACES.ReplicaSet, WORKLOAD_PLACES.Pod, DAEMON_SETS],
];

/** @param workload the name of one of several. @returns trouble for a port that the Service does not have, too */
export async function readBaseline(
  cluster: Cluster,
  namespace: string,
  { service: name, port }: Stand,
  workload: string | undefined,
): Promise<Baseline | Trouble> {
  const services = await listOf(cluster, SERVICES, namespace);
  if (isTrouble(services)) return services;
  const service = services.find((each) => fieldsOf(each['metadata'])['name'] === name);
  if (service === undefined) return noSuchService(name, namespace, services);
  const badPort = port === undefined ? undefined : noSuchPort(service, port, `${namespace}/${name}`);
  if (badPort !== undefined) return badPort;
  const objects: ApiObject[] = [];
  const unreadable: Trouble[] = [];
  let last: Trouble | undefined;
  for (const places of ROUNDS) {
    for (const place of places) {
      const found = await listOf(cluster, place, namespace);
      if (isTrouble(found)) unreadable.push(found);
      else objects.push(...found);
    }
    const baseline = findBaseline(service, objects, workload);
    if (!('fault' in baseline)) return { service, services, workload: baseline.workload };
    last = { trouble: baseline.fault.message, hint: baseline.fault.hint };
  }
  // Perhaps it is among those that could not be read.
  return unreadable[0] ?? last ?? { trouble: `nothing is behind Service ${namespace}/${name}`, hint: '' };
}

/** Items of a list do not say what they are. */
async function listOf(cluster: Cluster, place: KindPlace, namespace: string): Promise<readonly ApiObject[] | Trouble> {
  const { kind, apiVersion, resource } = place;
  const objects = await cluster.list(collectionPath(place, namespace), { resource });
  if (isFailure(objects)) return troubleOf(objects, `cannot list ${resource} in namespace ${namespace}`);
  return objects.map((object) => ({ ...object, apiVersion, kind }));
}

function noSuchService(name: string, namespace: string, services: readonly ApiObject[]): Trouble {
  const names = services.map((each) => textOf(fieldsOf(each['metadata'])['name'])).sort();
  const there = names.length === 0 ? 'it has none' : `it has ${names.slice(0, 10).join(', ')}${names.length > 10 ? ', …' : ''}`;
  return { trouble: `there is no Service ${name} in namespace ${namespace}: ${there}`, hint: 'another namespace: -n NAME' };
}

/** @param port its number or name */
function noSuchPort(service: ApiObject, port: string, label: string): Trouble | undefined {
  const ports = elementsOf(fieldsOf(service['spec'])['ports']).map(fieldsOf);
  if (ports.some((each) => each['name'] === port || String(each['port']) === port)) return undefined;
  const has = ports.map((each) => [String(each['port']), textOf(each['name'])].filter((part) => part !== '').join(':'));
  return { trouble: `Service ${label} has no port ${port}`, hint: has.length === 0 ? 'it has none' : `it has ${has.join(', ')}` };
}
