/** `detour inject`: manifests in, manifests with sidecars out, for those who want no webhook. No cluster is asked. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { many, optional, readText } from '../flag-values.ts';
import { type FlagTable, type FlagValues, type Reading, readFlags } from '../flags.ts';
import { type ManifestInjection, restrictedNamespaces } from '../inject/inject-manifest.ts';
import type { InjectSettings } from '../inject/settings.ts';
import { PROBLEMS } from '../model/problem.ts';
import { SIDECAR_FLAGS, sidecarSetting } from '../sidecar-setting.ts';
import { EXIT, type Io, usageError } from './command.ts';
import { commandHelp } from './help.ts';
import { injectText } from './inject/inject-text.ts';
import { fieldsOfAll, type Input, manifestsOf, readInputs } from './manifest-objects.ts';
import { isTrouble, type Trouble, tell } from './trouble.ts';
import { unreadable } from './unreadable.ts';

const HELP = {
  name: 'inject',
  about:
    'Adds the sidecar to the pods of manifests: an init step that takes their traffic, and Envoy beside the app.\n' +
    'Everything else stays as it was written. What has a sidecar, or the label detour.dev/inject: "false", is left alone.',
  example: 'helm template shop ./chart | detour inject -f - | kubectl apply -f -',
  variables: false,
};

export const INJECT_FLAGS = {
  file: {
    ...many({ value: 'FILE|-', summary: 'Manifests: files, folders, or - for standard input; may be repeated.' }, readText),
    read: readFiles,
    separable: false,
    short: 'f',
  },
  'system-namespace': optional(
    { value: 'NAME', summary: 'Where the control plane is, and nothing is injected; detour-system unless told.' },
    readText,
  ),
  ...SIDECAR_FLAGS,
} as const satisfies FlagTable;

const WITHOUT_TLS =
  'without --sidecar-xds-ca sidecars speak to the control plane without TLS, and do not say whose they are: it has to run with --plaintext on.';

export async function runInject(args: readonly string[], io: Io): Promise<number> {
  const { values, mistakes, help } = readFlags(INJECT_FLAGS, args, {});
  if (help) {
    io.out(commandHelp(HELP, INJECT_FLAGS));
    return EXIT.ok;
  }
  if (values === undefined) return usageError('inject', mistakes, io);
  const read = await readAll(values, io);
  if (isTrouble(read)) {
    tell('inject', read, io);
    return EXIT.usage;
  }
  const { inputs, settings } = read;
  const files = inputs.map((input) => ({ input, ...manifestsOf(input) }));
  const broken = files.flatMap((file) => file.mistakes);
  for (const { place, message } of broken) io.err(`detour inject: ${place}: ${message} Correct it.\n`);
  if (broken.length > 0) return EXIT.failure;
  if (settings.credentials === undefined) io.err(`detour inject: ${WITHOUT_TLS}\n`);
  const restricted = restrictedNamespaces(files.flatMap(({ objects }) => fieldsOfAll(objects)));
  const results = inputs.map((input) => injectText(input.text, isJson(input), { settings, restricted }));
  const fails = report(
    results.flatMap(({ injections }) => injections),
    io,
  );
  if (fails) return EXIT.failure;
  io.out(results.map(({ text }) => text).join(''));
  return EXIT.ok;
}

/** Problems, and what was passed over. @returns whether a mistake was among them. */
function report(injections: readonly ManifestInjection[], io: Io): boolean {
  let fails = false;
  for (const { name, outcome, problems } of injections) {
    if (outcome === 'unknown')
      io.err(
        `detour inject: ${name} is of a kind that is not known, and is left as it is. Use the webhook, which sees its pods.\n`,
      );
    for (const { code, message, hint } of problems) {
      // A workload with a mistake would come up with something else than it asks for.
      fails ||= PROBLEMS[code].severity === 'error';
      io.err(`detour inject: ${name}: ${code}: ${message} ${hint}\n`);
    }
  }
  if (!injections.some(({ outcome }) => outcome === 'injected')) io.err('detour inject: nothing was injected.\n');
  return fails;
}

function isJson({ file, text }: Input): boolean {
  return file.endsWith('.json') || (file === '-' && /^\s*[{[]/.test(text));
}

interface ReadInputs {
  readonly inputs: readonly Input[];
  readonly settings: InjectSettings;
}

async function readAll(values: FlagValues<typeof INJECT_FLAGS>, io: Io): Promise<ReadInputs | Trouble> {
  const { tls, ...setting } = sidecarSetting(values);
  const ca = tls === undefined ? '' : readAuthorities(tls.caFile);
  if (typeof ca !== 'string') return ca;
  const inputs = await readInputs(values.file, io);
  if (isTrouble(inputs)) return inputs;
  const credentials = tls && { serverName: tls.serverName, ca };
  return { inputs, settings: { ...setting, credentials, systemNamespace: values['system-namespace'] ?? 'detour-system' } };
}

function readAuthorities(file: string): string | Trouble {
  const name = `--sidecar-xds-ca ${file}`;
  const hint = 'docs/commands.md says how to have it of the control plane';
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return unreadable(name, error, hint);
  }
  try {
    new X509Certificate(text);
    return text;
  } catch {
    return { trouble: `${name} has no certificate in PEM`, hint };
  }
}

function readFiles(texts: readonly string[]): Reading<readonly string[]> {
  return texts.length === 0 ? { mistake: 'is missing: give files, or -f - for standard input' } : { value: texts };
}
