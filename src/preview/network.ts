/** A copy takes no port of a node: the baseline may have it there. */
import type { Fields } from '../model/field-reader.ts';
import { fieldsOf, listOf, textOf } from './workload.ts';

export function ownNetwork(spec: Fields): { readonly spec: Fields; readonly notices: readonly string[] } {
  const notices: string[] = [];
  const { hostNetwork, ...rest } = spec;
  if (hostNetwork === true) notices.push("The preview's pods have a network of their own, not the node's (hostNetwork).");
  const strip = (value: unknown): Fields => {
    const container = fieldsOf(value);
    const ports = listOf(container['ports']).map(fieldsOf);
    if (!ports.some((port) => isTaken(port['hostPort']))) return container;
    // The API server writes a hostPort for each port of a pod on the node's network.
    if (hostNetwork !== true) notices.push(`Container ${textOf(container['name'])} has no hostPort in the preview.`);
    return { ...container, ports: ports.map(({ hostPort: _, hostIP: __, ...port }) => port) };
  };
  const changed: Fields = {
    ...rest,
    ...(rest['initContainers'] === undefined ? {} : { initContainers: listOf(rest['initContainers']).map(strip) }),
    containers: listOf(rest['containers']).map(strip),
  };
  return { spec: changed, notices };
}

function isTaken(hostPort: unknown): boolean {
  return typeof hostPort === 'number' && hostPort > 0;
}
