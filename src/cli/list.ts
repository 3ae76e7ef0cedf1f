/** `detour list [KEY]`: the previews there are, whether they are live, and what is wrong with them. */
import { toggle } from '../flag-values.ts';
import { type Arguments, type FlagTable, type FlagValues, readFlags } from '../flags.ts';
import type { Cluster } from './cluster/cluster.ts';
import { CLUSTER_FLAGS, CONTROL_PLANE_FLAGS, clusterEnvironment, clusterOf } from './cluster/cluster-flags.ts';
import { type MisplacedMarks, misplacedIn } from './cluster/misplaced-marks.ts';
import { EXIT, type Io, usageError } from './command.ts';
import { controlPlaneOf, type Overview, type Selection } from './control-plane/client.ts';
import { problemText } from './control-plane/problem-text.ts';
import { readKey } from './copy-flags.ts';
import { commandHelp } from './help.ts';
import { listRows, ROW_COLUMNS } from './list-rows.ts';
import { formatListing, outputFlag } from './output.ts';
import { accessTrouble, isTrouble, tell } from './trouble.ts';

const HELP = {
  name: 'list',
  about:
    'Lists previews: what they stand in for, on how many Envoys they are live, their URLs, and below what is wrong.\n' +
    'All replicas of the control plane are asked.',
  example: 'detour list --all-namespaces -o wide',
  variables: false,
};

export const LIST_ARGUMENTS: Arguments = { value: '[KEY]', least: 0, most: 1, example: 'detour list pr-42' };

export const LIST_FLAGS = {
  'all-namespaces': { ...toggle('Those of all namespaces.'), short: 'A' },
  ...CLUSTER_FLAGS,
  ...CONTROL_PLANE_FLAGS,
  output: outputFlag(['table', 'wide', 'json', 'yaml', 'name'], 'How: wide also shows rules, pods and Envoys; name only keys.'),
} as const satisfies FlagTable;

type Values = FlagValues<typeof LIST_FLAGS>;

export async function runList(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals, mistakes, help } = readFlags(LIST_FLAGS, args, clusterEnvironment(io.environment), LIST_ARGUMENTS);
  if (help) {
    io.out(commandHelp(HELP, LIST_FLAGS, LIST_ARGUMENTS));
    return EXIT.ok;
  }
  const [key] = positionals;
  const reading = key === undefined ? undefined : readKey(key);
  const keyMistakes = reading !== undefined && 'mistake' in reading ? [`KEY ${JSON.stringify(key)} ${reading.mistake}.`] : [];
  if (values === undefined || keyMistakes.length > 0) return usageError('list', [...mistakes, ...keyMistakes], io);
  using cluster = clusterOf(values, io);
  try {
    const namespace = await namespaceOf(values, cluster);
    const selection = { key, namespace };
    const overview = await controlPlaneOf(values, cluster).overview(selection);
    if (isTrouble(overview)) {
      tell('list', overview, io);
      return EXIT.failure;
    }
    for (const trouble of overview.troubles) tell('list', trouble, io);
    // It is an extra: who may not list workloads, or names a server alone, does without.
    const isReadable = values.server.length === 0 || values.kubeconfig !== undefined || values.context !== undefined;
    const misplaced = isReadable ? await misplacedIn(cluster, selection) : [];
    io.out(listText(overview, misplaced, selection, values.output));
    return EXIT.ok;
  } catch (error) {
    tell('list', accessTrouble(error), io);
    return EXIT.failure;
  }
}

/** undefined: all. Who names a server may have no kubeconfig at all. */
async function namespaceOf(values: Values, cluster: Cluster): Promise<string | undefined> {
  if (values['all-namespaces']) return undefined;
  return values.namespace ?? (values.server.length > 0 ? undefined : await cluster.namespace());
}

function listText(
  overview: Overview,
  misplaced: readonly MisplacedMarks[],
  { key, namespace }: Selection,
  format: Values['output'],
): string {
  const rows = listRows(overview, Date.now());
  const problems = [...rows.flatMap((row) => row.problems.filter(({ severity }) => severity !== 'notice')), ...misplaced];
  const { intercepts, previews, replicas } = overview;
  const table = formatListing(format, {
    rows,
    columns: ROW_COLUMNS.filter(({ title }) => namespace === undefined || title !== 'NAMESPACE'),
    name: ({ key }) => key,
    document: { intercepts, previews, misplaced, replicas },
    empty: emptyText(key, namespace),
  });
  const isTable = format === 'table' || format === 'wide';
  return isTable && problems.length > 0 ? `${table}\n${problemText(problems)}` : table;
}

/** It names the namespace: most often another one was meant. */
function emptyText(key: string | undefined, namespace: string | undefined): string {
  const what = key === undefined ? 'There are no previews' : `There is no preview with the key ${key}`;
  if (namespace === undefined) return `${what}.`;
  return `${what} in namespace ${namespace}; -A lists those of all.`;
}
