/** After the preview's workload is applied: waits for its pods, then for the Envoys, and prints how to get there. */
import type { CopyOptions, Stand } from '../../preview/copy-options.ts';
import type { Manifest } from '../../preview/copy-workload.ts';
import { nameOfObject } from '../../preview/workload.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { ControlPlaneValues } from '../cluster/cluster-flags.ts';
import { EXIT, type Io } from '../command.ts';
import { controlPlaneOf, type Overview } from '../control-plane/client.ts';
import { envoyLines } from '../control-plane/envoy-lines.ts';
import { tellNotLive } from '../control-plane/not-live.ts';
import { progressText } from '../control-plane/progress-text.ts';
import { type Look, waitUntilLive } from '../control-plane/wait-until-live.ts';
import { objectName, toJson, toYaml } from '../output.ts';
import { isTrouble, type Trouble, tell } from '../trouble.ts';
import { whenInterrupted } from '../when-interrupted.ts';
import { curlLines } from './curl-lines.ts';
import { waitUntilRolledOut } from './wait-until-rolled-out.ts';

export interface LiveOptions {
  readonly cluster: Cluster;
  readonly manifest: Manifest;
  readonly stand: Stand;
  readonly values: ControlPlaneValues &
    Pick<CopyOptions, 'key'> & { readonly 'no-wait': boolean; readonly output: 'text' | 'wide' | 'json' | 'yaml' | 'name' };
  /** ms since the epoch. */
  readonly deadline: number;
  readonly io: Io;
}

/** @returns the exit code. */
export async function bringLive(options: LiveOptions): Promise<number> {
  const { cluster, manifest, values, deadline, io } = options;
  const { key } = values;
  const { namespace } = manifest.metadata;
  const stays = `The preview stays: \`detour wait ${key} -n ${namespace}\` waits until it is live, \`detour delete ${key} -n ${namespace}\` removes it.`;
  const notLive = (trouble: Trouble, code: number): number => {
    tell('create', trouble, io);
    io.err(`${stays}\n`);
    return code;
  };
  if (values['no-wait'] || manifest.spec['replicas'] === 0) {
    if (!values['no-wait']) io.err('It has no replicas, so nothing is waited for.\n');
    print(options, undefined);
    return EXIT.ok;
  }
  using _interruption = whenInterrupted(stays, io);
  const say = (what: string): void => io.err(progressText([what]));
  const rolledOut = await waitUntilRolledOut({ cluster, manifest, deadline, onProgress: say });
  if (isTrouble(rolledOut)) return notLive(rolledOut, EXIT.failure);
  const label = nameOfObject(manifest);
  if (rolledOut.kind === 'hopeless')
    return notLive({ trouble: `${label} does not come up: ${rolledOut.what}`, hint: rolledOut.hint }, EXIT.failure);
  if (rolledOut.kind === 'late')
    return notLive({ trouble: `${label} is not ready in time: ${rolledOut.what}`, hint: '' }, EXIT.late);
  const expected = { workload: `${manifest.kind}/${manifest.metadata.name}`, pods: rolledOut.pods };
  const client = controlPlaneOf(values, cluster);
  const selection = { key, namespace };
  const onProgress = (lacks: readonly string[]): void => io.err(progressText(lacks));
  const look = async (): Promise<Look> => ({ lacks: [], expected: [expected], hopeless: undefined });
  const waited = await waitUntilLive({ client, selection, deadline, look, onProgress });
  if (isTrouble(waited) || waited.kind !== 'live') {
    const code = tellNotLive('create', waited, io);
    io.err(`${stays}\n`);
    return code;
  }
  for (const note of waited.notes) io.err(`${note}\n`);
  print(options, waited.overview);
  return EXIT.ok;
}

const NOBODY = { acked: 0, needed: 0, proxies: {} };

/** @param overview undefined: it is not known to be live */
function print({ manifest, values, io }: LiveOptions, overview: Overview | undefined): void {
  const own = (overview?.intercepts ?? []).filter(({ workload }) => workload === `${manifest.kind}/${manifest.metadata.name}`);
  const urls = [...new Set(own.flatMap((intercept) => intercept.urls))];
  const curl = curlLines(own, overview?.header ?? '');
  const { kind, metadata } = manifest;
  const workload = { kind, namespace: metadata.namespace, name: metadata.name };
  const document = { key: values.key, workload, live: overview !== undefined, urls, curl, intercepts: own };
  if (values.output === 'json') io.out(toJson(document));
  else if (values.output === 'yaml') io.out(toYaml(document));
  else if (values.output === 'name') io.out(`${objectName(kind, metadata.name)}\n`);
  else if (overview !== undefined) {
    const { acked, needed, proxies } = own.find((each) => each.receipt.state === 'live')?.receipt ?? NOBODY;
    io.out(`${values.key} is live on ${acked} of ${needed} Envoys.\n`);
    if (values.output === 'wide') io.out(envoyLines(proxies));
    for (const line of [...urls, ...curl]) io.out(`  ${line}\n`);
  }
}
