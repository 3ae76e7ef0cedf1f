/** `detour preview`: manifests in, manifests of previews out. No cluster is asked. */

import { many, readText, toggle } from '../flag-values.ts';
import { type FlagTable, type FlagValues, type Reading, readFlags } from '../flags.ts';
import { hostPort } from '../intercepts/hosts.ts';
import type { Fields } from '../model/field-reader.ts';
import { type PreviewManifests, previewManifests } from '../preview/preview-manifests.ts';
import { projectObjects } from '../sources/objects.ts';
import { EXIT, type Io, usageError } from './command.ts';
import { COPY_FLAGS, copyEnvironment, copyMistakes, copyOptions } from './copy-flags.ts';
import { commandHelp } from './help.ts';
import { fieldsOfAll, manifestsOf, readInputs } from './manifest-objects.ts';
import { outputFlag, toJson, toYamlDocuments } from './output.ts';
import { isTrouble, tell } from './trouble.ts';

const HELP = {
  name: 'preview',
  about:
    'Makes previews of manifests: of each workload that a Service among them selects, a copy that stands in for that Service.\n' +
    'Everything else is left out, so what is printed can be applied beside the baseline. No cluster is asked.',
  example: 'helm template shop ./chart | detour preview -f - --key pr-42 --from-commit 4f2a91c --ttl 72h | kubectl apply -f -',
  variables: false,
};

export const PREVIEW_FLAGS = {
  file: {
    ...many({ value: 'FILE|-', summary: 'Manifests: files, folders, or - for standard input; may be repeated.' }, readText),
    read: readFiles,
    separable: false,
    short: 'f',
  },
  ...COPY_FLAGS,
  service: many({ value: 'NAME', summary: 'Only previews of these Services.' }, readText),
  workload: many({ value: 'NAME', summary: 'Which workload, where a Service selects several.' }, readText),
  all: toggle('The manifests as they came too, before the previews.'),
  output: outputFlag(['yaml', 'wide', 'json'], 'YAML documents, which is all there is, or a List in JSON.'),
} as const satisfies FlagTable;

/** @param now ms since the epoch */
export async function runPreview(args: readonly string[], io: Io, now = Date.now()): Promise<number> {
  const { values, readable, mistakes: wrong, help } = readFlags(PREVIEW_FLAGS, args, copyEnvironment(io.environment));
  if (help) {
    io.out(commandHelp(HELP, PREVIEW_FLAGS));
    return EXIT.ok;
  }
  const all = [...wrong, ...copyMistakes(readable, now)];
  if (values === undefined || all.length > 0) return usageError('preview', all, io);
  const inputs = await readInputs(values.file, io);
  if (isTrouble(inputs)) {
    tell('preview', inputs, io);
    return EXIT.usage;
  }
  const files = inputs.map(manifestsOf);
  const mistakes = files.flatMap((file) => file.mistakes);
  for (const { place, message } of mistakes) io.err(`detour preview: ${place}: ${message} Correct it.\n`);
  if (mistakes.length > 0) return EXIT.failure;
  const manifests = fieldsOfAll(files.flatMap(({ objects }) => objects));
  const result = previewsOf(manifests, values, now);
  for (const notice of result.notices) io.err(`detour preview: ${notice}\n`);
  for (const { message, hint } of result.faults) io.err(`detour preview: ${message} ${hint}\n`);
  if (result.faults.length > 0) return EXIT.failure;
  const items = [...(values.all ? manifests : []), ...result.previews];
  io.out(values.output === 'json' ? toJson({ apiVersion: 'v1', kind: 'List', items }) : toYamlDocuments(items));
  return EXIT.ok;
}

function previewsOf(manifests: readonly Fields[], values: FlagValues<typeof PREVIEW_FLAGS>, now: number): PreviewManifests {
  return previewManifests(manifests, {
    copy: { ...copyOptions(values, now), name: undefined },
    services: values.service,
    workloads: values.workload,
    speaksHttp,
  });
}

/** What cannot be read is left to the API server, which says more about it. */
function speaksHttp(service: Fields): boolean {
  const [read] = projectObjects(service, { subject: { kind: 'File', key: '' }, place: '' }).objects;
  return read?.kind !== 'service' || hostPort(read.object) !== undefined;
}

function readFiles(texts: readonly string[]): Reading<readonly string[]> {
  return texts.length === 0 ? { mistake: 'is missing: give files, or -f - for standard input' } : { value: texts };
}
