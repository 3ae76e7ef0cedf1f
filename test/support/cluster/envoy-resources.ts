/** What an Envoy of a pod holds: names of everything that xDS gave it. */
import type { Cluster } from './cluster.ts';

const ADMIN_PORT = 9901;

interface Dump {
  readonly configs: readonly object[];
}

/** What {@link Cluster.namespace} makes of a name. */
const NAMESPACE = /\b[a-z][a-z-]*-[0-9a-f]{6}\b/;

/**
 * `clusters NAME`, `endpoints NAME` and so on, sorted; those of its bootstrap are not among them.
 * @param own what speaks of another test's namespace, and not of this one, is left out: a gateway has the Services of
 *   all namespaces, and those of files that run beside come and go
 */
export async function envoyResources(
  cluster: Cluster,
  [namespace, pod]: readonly [string, string],
  own: string,
): Promise<readonly string[]> {
  await using forward = await cluster.portForward(namespace, pod, ADMIN_PORT);
  const response = await fetch(`${forward.url}/config_dump?include_eds`);
  // Envoy's own documentation of its admin endpoint.
  const { configs } = (await response.json()) as Dump;
  return configs
    .flatMap((config) =>
      Object.entries(config).flatMap(([kind, list]) =>
        kind.startsWith('dynamic_') && Array.isArray(list) ? namesIn(kind, list, own) : [],
      ),
    )
    .sort();
}

function namesIn(kind: string, list: readonly unknown[], own: string): readonly string[] {
  return list
    .filter((each) => {
      const text = JSON.stringify(each);
      return text.includes(own) || !NAMESPACE.test(text);
    })
    .map((each) => `${kind.replace(/^dynamic_(active_)?/, '')} ${nameOf(each) ?? '?'}`);
}

/** The first name on the way in: of the resource, not of what it holds. */
function nameOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = value as Readonly<Record<string, unknown>>;
  for (const key of ['name', 'cluster_name']) if (typeof fields[key] === 'string') return fields[key];
  for (const inner of Object.values(fields)) {
    const name = Array.isArray(inner) ? undefined : nameOf(inner);
    if (name !== undefined) return name;
  }
  return undefined;
}
