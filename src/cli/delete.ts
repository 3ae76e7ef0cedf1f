/** `detour delete KEY`: removes what `detour create` made for a key, and nothing else. */
import { PREVIEW_LABEL } from '../annotations/keys.ts';
import { one, toggle } from '../flag-values.ts';
import { type Arguments, type FlagTable, type FlagValues, readFlags } from '../flags.ts';
import { isFailure } from '../kubernetes/api-client.ts';
import { MANAGED_BY_LABEL, MANAGER } from '../preview/copy-labels.ts';
import type { Cluster } from './cluster/cluster.ts';
import { CLUSTER_FLAGS, CONTROL_PLANE_FLAGS, clusterEnvironment, clusterOf } from './cluster/cluster-flags.ts';
import { collectionPath, WORKLOAD_PLACES } from './cluster/workload-kinds.ts';
import { EXIT, type Io, usageError } from './command.ts';
import { controlPlaneOf } from './control-plane/client.ts';
import { progressText } from './control-plane/progress-text.ts';
import { waitUntilGone } from './control-plane/wait-until-gone.ts';
import { readKey } from './copy-flags.ts';
import { handMadePreviews, type Made, previewsMadeFor } from './delete/previews-of-key.ts';
import { readDuration } from './duration.ts';
import { commandHelp } from './help.ts';
import { objectName, outputFlag, toJson, toYaml } from './output.ts';
import { accessTrouble, isTrouble, tell, troubleOf } from './trouble.ts';
import { whenInterrupted } from './when-interrupted.ts';

const HELP = {
  name: 'delete',
  about:
    'Removes the previews of a key that `detour create` made, and waits until no replica of the control plane serves them any\n' +
    'more: pods take their time to end, and then a preview is kept for 30 s. Others stay; how to remove them is told.\n' +
    'Exit codes: 0 done, 1 failed, or there is nothing to delete, 2 wrong usage, 3 not gone within --timeout.',
  example: 'detour delete pr-42',
  variables: false,
};

export const DELETE_ARGUMENTS: Arguments = { value: 'KEY', least: 1, most: 1, example: 'detour delete pr-42' };

export const DELETE_FLAGS = {
  'all-namespaces': { ...toggle('Those of all namespaces.'), short: 'A' },
  'ignore-not-found': toggle('Nothing to delete is no failure.'),
  'no-wait': toggle('Returns when the workloads are deleted.'),
  timeout: one({ value: 'DURATION', default: ['3m'], summary: 'How long to wait.' }, readDuration),
  ...CLUSTER_FLAGS,
  ...CONTROL_PLANE_FLAGS,
  output: outputFlag(['text', 'wide', 'json', 'yaml', 'name'], 'How what was deleted is told; wide with uids.'),
} as const satisfies FlagTable;

type Values = FlagValues<typeof DELETE_FLAGS>;

export async function runDelete(args: readonly string[], io: Io): Promise<number> {
  const environment = clusterEnvironment(io.environment);
  const { values, positionals, mistakes, help } = readFlags(DELETE_FLAGS, args, environment, DELETE_ARGUMENTS);
  if (help) {
    io.out(commandHelp(HELP, DELETE_FLAGS, DELETE_ARGUMENTS));
    return EXIT.ok;
  }
  const [key = ''] = positionals;
  const reading = readKey(key);
  const keyMistakes = key !== '' && 'mistake' in reading ? [`KEY ${JSON.stringify(key)} ${reading.mistake}.`] : [];
  if (values === undefined || keyMistakes.length > 0) return usageError('delete', [...mistakes, ...keyMistakes], io);
  using cluster = clusterOf(values, io);
  const deadline = Date.now() + values.timeout;
  try {
    const namespace = values['all-namespaces'] ? undefined : await cluster.namespace();
    const found = await previewsMadeFor(cluster, key, namespace);
    if (isTrouble(found)) {
      tell('delete', found, io);
      return EXIT.failure;
    }
    const byHand = await handMadePreviews(cluster, key, namespace);
    for (const command of byHand) io.err(`Not made by \`detour create\`, so it stays: \`${command}\` deletes it.\n`);
    if (found.length === 0) return nothing(key, namespace, byHand.length > 0, values, io);
    using _interruption = whenInterrupted(
      `What is told as deleted is; until its pods have ended, and 30 s more, the control plane serves ${key}.`,
      io,
    );
    const deleted = await deleteAll(cluster, found, key, io);
    print(key, deleted, values, io);
    if (deleted.length < found.length) return EXIT.failure;
    return values['no-wait'] ? EXIT.ok : await untilGone(cluster, key, deleted, values, deadline, io);
  } catch (error) {
    tell('delete', accessTrouble(error), io);
    return EXIT.failure;
  }
}

function nothing(key: string, namespace: string | undefined, areOthers: boolean, values: Values, io: Io): number {
  if (values['ignore-not-found'] && !areOthers) return EXIT.ok;
  const where = namespace === undefined ? 'any namespace' : `namespace ${namespace}`;
  const hint = namespace === undefined || areOthers ? '' : 'another namespace: -n NAME, all of them: -A';
  tell('delete', { trouble: `\`detour create\` has made nothing with the key ${key} in ${where}`, hint }, io);
  return EXIT.failure;
}

/** @returns those that are deleted; of the others it is told why not. */
async function deleteAll(cluster: Cluster, found: readonly Made[], key: string, io: Io): Promise<readonly Made[]> {
  const deleted: Made[] = [];
  for (const made of found) {
    const { kind, namespace, name, uid, resourceVersion } = made;
    const place = WORKLOAD_PLACES[kind];
    // Of what was looked at, that very object, as it was: not one that came or changed hands since.
    const preconditions = { uid, resourceVersion };
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background', preconditions };
    const path = `${collectionPath(place, namespace)}/${name}`;
    let answer = await cluster.call('DELETE', path, { resource: place.resource, body });
    if (isFailure(answer) && answer.status === 409) {
      // Its status changes all the time; its labels hardly do.
      const now = await cluster.call('GET', path, { resource: place.resource });
      if (!isFailure(now) && isStillOurs(now, key, uid)) {
        const again = { ...body, preconditions: { uid } };
        answer = await cluster.call('DELETE', path, { resource: place.resource, body: again });
      }
    }
    if (!isFailure(answer) || answer.status === 404) deleted.push(made);
    else tell('delete', troubleOf(answer, `cannot delete ${kind} ${namespace}/${name}`), io);
  }
  return deleted;
}

function isStillOurs(object: Readonly<Record<string, unknown>>, key: string, uid: string): boolean {
  const metadata = Object(object['metadata']);
  const labels = Object(metadata.labels);
  return metadata.uid === uid && labels[MANAGED_BY_LABEL] === MANAGER && labels[PREVIEW_LABEL] === key;
}

function print(key: string, deleted: readonly Made[], { output }: Values, io: Io): void {
  const workloads = deleted.map(({ kind, namespace, name }) => ({ kind, namespace, name }));
  if (output === 'json') io.out(toJson({ key, deleted: workloads }));
  else if (output === 'yaml') io.out(toYaml({ key, deleted: workloads }));
  else if (output === 'name') io.out(workloads.map(({ kind, name }) => `${objectName(kind, name)}\n`).join(''));
  else
    for (const { kind, namespace, name, uid } of deleted)
      io.out(`${kind} ${namespace}/${name}${output === 'wide' ? ` (${uid})` : ''} deleted\n`);
}

async function untilGone(
  cluster: Cluster,
  key: string,
  deleted: readonly Made[],
  values: Values,
  deadline: number,
  io: Io,
): Promise<number> {
  const workloads = new Set(deleted.map(({ kind, namespace, name }) => `${namespace}/${kind}/${name}`));
  const onProgress = (lacks: readonly string[]): void => io.err(progressText(lacks));
  const gone = await waitUntilGone({ client: controlPlaneOf(values, cluster), key, workloads, deadline, onProgress });
  if (gone.kind === 'gone') return EXIT.ok;
  const hint = gone.kind === 'late' ? '' : '--no-wait does without the control plane';
  tell('delete', { trouble: `deleted, but the control plane may still serve it: ${gone.what}`, hint }, io);
  return gone.kind === 'late' ? EXIT.late : EXIT.failure;
}
