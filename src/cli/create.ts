/** `detour create SERVICE --key K`: a preview of the workload behind a Service, live when the command returns. */
import { one, optional, readText, toggle } from '../flag-values.ts';
import { type Arguments, type FlagTable, type FlagValues, readFlags } from '../flags.ts';
import { isDnsLabel } from '../model/names.ts';
import type { CopyOptions, Stand } from '../preview/copy-options.ts';
import { copyWorkload, type Manifest } from '../preview/copy-workload.ts';
import { nameOfObject } from '../preview/workload.ts';
import type { Cluster } from './cluster/cluster.ts';
import { CLUSTER_FLAGS, CONTROL_PLANE_FLAGS, clusterEnvironment, clusterOf } from './cluster/cluster-flags.ts';
import { EXIT, type Io, usageError } from './command.ts';
import { COPY_FLAGS, copyEnvironment, copyMistakes, copyOptions } from './copy-flags.ts';
import { applyPreview } from './create/apply.ts';
import { readBaseline } from './create/baseline.ts';
import { bringLive } from './create/bring-live.ts';
import { readDuration } from './duration.ts';
import { commandHelp } from './help.ts';
import { objectName, outputFlag, toJson, toYaml } from './output.ts';
import { accessTrouble, isTrouble, type Trouble, tell } from './trouble.ts';

const HELP = {
  name: 'create',
  about:
    'Makes a preview: one copy of the workload behind a Service, with its own name and labels, and what you change in it. Waits\n' +
    'until its pods are ready and every Envoy has it, then prints its URL. Run again with the same key it makes the preview as\n' +
    'the flags then say. `detour delete KEY` removes it.\n' +
    'Exit codes: 0 done, 1 failed (and why), 2 wrong usage, 3 not live within --timeout.',
  example: 'detour create api --key pr-42 --image registry/api:4f2a91c --ttl 72h',
  variables: false,
};

export const CREATE_ARGUMENTS: Arguments = {
  value: 'SERVICE[:PORT]',
  least: 1,
  most: 1,
  example: 'detour create api --key pr-42',
};

export const CREATE_FLAGS = {
  ...COPY_FLAGS,
  workload: optional({ value: 'NAME', summary: 'The baseline, where the Service selects several.' }, readText),
  name: optional({ value: 'NAME', summary: "The preview's own name; made of the baseline's and the key unless told." }, readText),
  'dry-run': toggle('Only prints what would be applied, and asks the control plane nothing.'),
  'no-wait': toggle('Returns when the preview is applied.'),
  timeout: one({ value: 'DURATION', default: ['5m'], summary: 'How long to wait for pods and Envoys.' }, readDuration),
  ...CLUSTER_FLAGS,
  ...CONTROL_PLANE_FLAGS,
  output: outputFlag(
    ['text', 'wide', 'json', 'yaml', 'name'],
    'What is printed at the end; wide also names the Envoys; with --dry-run the manifest, in YAML or JSON, or its name.',
  ),
} as const satisfies FlagTable;

export type CreateValues = FlagValues<typeof CREATE_FLAGS>;

/** @param now ms since the epoch */
export async function runCreate(args: readonly string[], io: Io, now = Date.now()): Promise<number> {
  const environment = { ...clusterEnvironment(io.environment), ...copyEnvironment(io.environment) };
  const { values, readable, positionals, mistakes, help } = readFlags(CREATE_FLAGS, args, environment, CREATE_ARGUMENTS);
  if (help) {
    io.out(commandHelp(HELP, CREATE_FLAGS, CREATE_ARGUMENTS));
    return EXIT.ok;
  }
  const [target] = positionals;
  const stand = target === undefined ? undefined : readStand(target);
  const all = [...mistakes, ...copyMistakes(readable, now)];
  if (target !== undefined && stand === undefined)
    all.push(`SERVICE ${JSON.stringify(target)} must be a Service, perhaps with a port: api, api:http or api:8080.`);
  if (values === undefined || stand === undefined || all.length > 0) return usageError('create', all, io);
  using cluster = clusterOf(values, io);
  const deadline = Date.now() + values.timeout;
  try {
    const made = await makeManifest({ cluster, stand, values, now, io });
    if (isTrouble(made)) {
      tell('create', made, io);
      return EXIT.failure;
    }
    if (values['dry-run']) {
      io.out(dryRunText(made, values.output));
      return EXIT.ok;
    }
    const applied = await applyPreview(cluster, made);
    if (isTrouble(applied)) {
      tell('create', applied, io);
      return EXIT.failure;
    }
    io.err(`${nameOfObject(made)} ${applied.did}\n`);
    if (applied.stoodInFor !== undefined) io.err(`It stood in for ${applied.stoodInFor} before, and no longer does.\n`);
    return await bringLive({ cluster, manifest: made, stand, values, deadline, io });
  } catch (error) {
    tell('create', accessTrouble(error), io);
    return EXIT.failure;
  }
}

interface Making {
  readonly cluster: Cluster;
  readonly stand: Stand;
  readonly values: CreateValues;
  /** ms since the epoch. */
  readonly now: number;
  readonly io: Io;
}

async function makeManifest({ cluster, stand, values, now, io }: Making): Promise<Manifest | Trouble> {
  const namespace = await cluster.namespace();
  const baseline = await readBaseline(cluster, namespace, stand, values.workload);
  if (isTrouble(baseline)) return baseline;
  const options: CopyOptions = { ...copyOptions(values, now), standsInFor: [stand], name: values.name };
  const copy = copyWorkload(baseline.workload, baseline.services, options);
  if ('faults' in copy) {
    const [first, ...others] = copy.faults;
    for (const { message, hint } of others) tell('create', { trouble: message, hint }, io);
    return { trouble: first?.message ?? 'there is no copy', hint: first?.hint ?? '' };
  }
  for (const notice of copy.notices) io.err(`${notice}\n`);
  return copy.manifest;
}

function dryRunText(manifest: Manifest, format: CreateValues['output']): string {
  if (format === 'name') return `${objectName(manifest.kind, manifest.metadata.name)}\n`;
  return format === 'json' ? toJson(manifest) : toYaml(manifest);
}

function readStand(text: string): Stand | undefined {
  const { service = '', port } = /^(?<service>[^:]+)(?::(?<port>[a-z0-9-]{1,15}))?$/.exec(text)?.groups ?? {};
  return isDnsLabel(service) ? { service, port } : undefined;
}
