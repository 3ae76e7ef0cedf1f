/** `detour wait KEY`: returns when every Envoy that needs the previews of a key has them. */
import { one } from '../flag-values.ts';
import { type Arguments, type FlagTable, type FlagValues, readFlags } from '../flags.ts';
import type { Cluster } from './cluster/cluster.ts';
import { CLUSTER_FLAGS, CONTROL_PLANE_FLAGS, clusterEnvironment, clusterOf } from './cluster/cluster-flags.ts';
import { misplacedIn } from './cluster/misplaced-marks.ts';
import { EXIT, type Io, usageError } from './command.ts';
import { controlPlaneOf, type Overview, type Selection } from './control-plane/client.ts';
import { envoyLines } from './control-plane/envoy-lines.ts';
import { tellNotLive } from './control-plane/not-live.ts';
import { problemText } from './control-plane/problem-text.ts';
import { progressText } from './control-plane/progress-text.ts';
import { type Waited, waitUntilLive } from './control-plane/wait-until-live.ts';
import { readKey } from './copy-flags.ts';
import { readDuration } from './duration.ts';
import { commandHelp } from './help.ts';
import { outputFlag, toJson, toYaml } from './output.ts';
import { accessTrouble, isTrouble, tell } from './trouble.ts';
import { WorkloadsOfKey } from './wait/workloads-of-key.ts';

const HELP = {
  name: 'wait',
  about:
    'Waits until every replica of the control plane knows the previews of a key, and every connected Envoy that needs them has\n' +
    'acknowledged them: from then on no request with the key goes astray. Workloads that are being rolled out are waited for,\n' +
    'as far as you may read them. Says meanwhile what it waits for.\n' +
    'Exit codes: 0 live, 1 it cannot become so (and why), 2 wrong usage, 3 not live within --timeout.',
  example: 'detour wait pr-42 --timeout 2m',
  variables: false,
};

export const WAIT_ARGUMENTS: Arguments = { value: 'KEY', least: 1, most: 1, example: 'detour wait pr-42' };

export const WAIT_FLAGS = {
  timeout: one({ value: 'DURATION', default: ['60s'], summary: 'How long.' }, readDuration),
  ...CLUSTER_FLAGS,
  ...CONTROL_PLANE_FLAGS,
  output: outputFlag(
    ['text', 'wide', 'json', 'yaml'],
    'A line for each intercept; wide also names its Envoys; or all that is known of them.',
  ),
} as const satisfies FlagTable;

type Format = FlagValues<typeof WAIT_FLAGS>['output'];

export async function runWait(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals, mistakes, help } = readFlags(WAIT_FLAGS, args, clusterEnvironment(io.environment), WAIT_ARGUMENTS);
  if (help) {
    io.out(commandHelp(HELP, WAIT_FLAGS, WAIT_ARGUMENTS));
    return EXIT.ok;
  }
  const [key = ''] = positionals;
  const reading = readKey(key);
  const keyMistakes = key !== '' && 'mistake' in reading ? [`KEY ${JSON.stringify(key)} ${reading.mistake}.`] : [];
  if (values === undefined || keyMistakes.length > 0) return usageError('wait', [...mistakes, ...keyMistakes], io);
  using cluster = clusterOf(values, io);
  const deadline = Date.now() + values.timeout;
  try {
    // Who names a server may have no kubeconfig at all.
    const namespace = values.namespace ?? (values.server.length > 0 ? undefined : await cluster.namespace());
    const isReadable = values.server.length === 0 || values.kubeconfig !== undefined || values.context !== undefined;
    const workloads = isReadable && namespace !== undefined ? new WorkloadsOfKey(cluster, key, namespace) : undefined;
    const selection = { key, namespace };
    const waited = await waitUntilLive({
      client: controlPlaneOf(values, cluster),
      selection,
      deadline,
      ...(workloads === undefined ? {} : { look: () => workloads.look() }),
      onProgress: (lacks) => io.err(progressText(lacks)),
    });
    const code = tellWaited(waited, values.output, io);
    if ('isKnown' in waited && !waited.isKnown) await tellUnknown(cluster, selection, isReadable, io);
    return code;
  } catch (error) {
    tell('wait', accessTrouble(error), io);
    return EXIT.failure;
  }
}

/** Why nothing is known of a key: its marks are where they have no effect, or it is elsewhere. */
async function tellUnknown(cluster: Cluster, selection: Selection, isReadable: boolean, io: Io): Promise<void> {
  const misplaced = isReadable ? await misplacedIn(cluster, selection) : [];
  if (misplaced.length > 0) io.err(problemText(misplaced));
  else if (selection.namespace !== undefined)
    io.err(`Namespace ${selection.namespace} was asked about: -n names another one, \`detour list -A\` lists all previews.\n`);
}

/** @returns the exit code. */
function tellWaited(waited: Waited, format: Format, io: Io): number {
  if (isTrouble(waited) || waited.kind !== 'live') return tellNotLive('wait', waited, io);
  for (const note of waited.notes) io.err(`${note}\n`);
  if (format === 'json') io.out(toJson(liveDocument(waited.overview)));
  else if (format === 'yaml') io.out(toYaml(liveDocument(waited.overview)));
  else io.out(liveText(waited.overview, format === 'wide'));
  return EXIT.ok;
}

function liveDocument({ intercepts, replicas }: Overview): object {
  return { intercepts, replicas };
}

function liveText({ intercepts }: Overview, isWide: boolean): string {
  return intercepts
    .filter(({ receipt }) => receipt.state === 'live')
    .map(
      ({ key, target, receipt: { acked, needed, proxies } }) =>
        `${key} is live for ${target}: on ${acked} of ${needed} Envoys\n${isWide ? envoyLines(proxies) : ''}`,
    )
    .join('');
}
