/** After the preview's workload is applied: waits for its pods, then for the Envoys, and prints how to get there. */
import type { CopyOptions, Stand } from '../../preview/copy-options.ts';
import type { Manifest } from '../../preview/copy-workload.ts';
import { nameOfObject } from '../../preview/workload.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { ControlPlaneValues } from '../cluster/cluster-flags.ts';
import { EXIT, type Io } from '../command.ts';
import { controlPlaneOf, type Overview } from '../control-plane/client.ts';
import { tellNotLive } from '../control-plane/not-live.ts';
import { progressText } from '../control-plane/progress-text.ts';
import { waitUntilLive } from '../control-plane/wait-until-live.ts';
import { toJson, toYaml } from '../output.ts';
import { isTrouble, tell } from '../trouble.ts';
import { curlLines } from './curl-lines.ts';
import { waitUntilRolledOut } from './wait-until-rolled-out.ts';

export interface LiveOptions {
  readonly cluster: Cluster;
  readonly manifest: Manifest;
  readonly stand: Stand;
  readonly values: ControlPlaneValues &
    Pick<CopyOptions, 'key'> & { readonly 'no-wait': boolean; readonly output: 'text' | 'json' | 'yaml' | 'name' };
  /** ms since the epoch. */
  readonly deadline: number;
  readonly io: Io;
}

/** @returns the exit code. */
export async function bringLive(options: LiveOptions): Promise<number> {
  const { cluster, manifest, values, deadline, io } = options;
  const { key } = values;
  const { namespace } = manifest.metadata;
  const again = `\`detour wait ${key} -n ${namespace}\` waits until it is live`;
  if (values['no-wait'] || manifest.spec['replicas'] === 0) {
    if (!values['no-wait']) io.err('It has no replicas, so nothing is waited for.\n');
    print(options, undefined);
    return EXIT.ok;
  }
  const say = (what: string): void => io.err(progressText([what]));
  const rolledOut = await waitUntilRolledOut({ cluster, manifest, deadline, onProgress: say });
  if (isTrouble(rolledOut)) {
    tell('create', rolledOut, io);
    return EXIT.failure;
  }
  if (rolledOut.kind === 'hopeless') {
    tell('create', { trouble: `${nameOfObject(manifest)} does not come up: ${rolledOut.what}`, hint: rolledOut.hint }, io);
    return EXIT.failure;
  }
  if (rolledOut.kind === 'late') {
    tell('create', { trouble: `${nameOfObject(manifest)} is not ready in time: ${rolledOut.what}`, hint: again }, io);
    return EXIT.late;
  }
  const expected = { workload: `${manifest.kind}/${manifest.metadata.name}`, pods: rolledOut.pods };
  const client = controlPlaneOf(values, cluster);
  const selection = { key, namespace };
  const onProgress = (lacks: readonly string[]): void => io.err(progressText(lacks));
  const waited = await waitUntilLive({ client, selection, deadline, expected, onProgress });
  if (isTrouble(waited) || waited.kind !== 'live') {
    const code = tellNotLive('create', waited, io);
    io.err(`The preview stays: ${again}, \`detour delete ${key} -n ${namespace}\` removes it.\n`);
    return code;
  }
  for (const note of waited.notes) io.err(`${note}\n`);
  print(options, waited.overview);
  return EXIT.ok;
}

/** @param overview undefined: it is not known to be live */
function print({ manifest, values, io }: LiveOptions, overview: Overview | undefined): void {
  const own = (overview?.intercepts ?? []).filter(({ workload }) => workload === `${manifest.kind}/${manifest.metadata.name}`);
  const urls = [...new Set(own.flatMap((intercept) => intercept.urls))];
  const curl = curlLines(own, overview?.header ?? '');
  const name = `${manifest.kind.toLowerCase()}/${manifest.metadata.name}`;
  const { kind, metadata } = manifest;
  const workload = { kind, namespace: metadata.namespace, name: metadata.name };
  const document = { key: values.key, workload, live: overview !== undefined, urls, curl, intercepts: own };
  if (values.output === 'json') io.out(toJson(document));
  else if (values.output === 'yaml') io.out(toYaml(document));
  else if (values.output === 'name') io.out(`${name}\n`);
  else if (overview !== undefined) {
    const { receipt } = own.find((each) => each.receipt.state === 'live') ?? { receipt: { acked: 0, needed: 0 } };
    io.out(`${values.key} is live on ${receipt.acked} of ${receipt.needed} Envoys.\n`);
    for (const line of [...urls, ...curl]) io.out(`  ${line}\n`);
  }
}
