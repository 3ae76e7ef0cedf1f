/** `detour lint`: problems in manifests, before they are applied. No cluster is asked. */
import { toggle } from '../flag-values.ts';
import { type Arguments, type FlagTable, readFlags } from '../flags.ts';
import { isFields } from '../model/field-reader.ts';
import type { Severity } from '../model/problem.ts';
import { EXIT, type Io, usageError } from './command.ts';
import { commandHelp } from './help.ts';
import { type Finding, lintManifests } from './lint/lint-manifests.ts';
import { type Input, type ManifestObject, manifestsOf, readInputs } from './manifest-objects.ts';
import { formatListing, type Listing, outputFlag } from './output.ts';
import { isTrouble, tell } from './trouble.ts';

const HELP = {
  name: 'lint',
  about:
    'Tells what the control plane would say of manifests once they are applied. No cluster is asked.\n' +
    'Exits with 0 where there is no error, with 1 where there is one, and with 2 for wrong usage.',
  example: 'detour lint k8s/ preview.yaml\n  helm template shop ./chart | detour lint --strict -',
  variables: false,
};

const FILES: Arguments = { value: 'FILE|FOLDER|-…', least: 1, most: Number.POSITIVE_INFINITY, example: 'detour lint k8s/' };

export const LINT_FLAGS = {
  strict: toggle('Warnings fail too.'),
  output: outputFlag(['text', 'table', 'wide', 'json', 'yaml', 'name'], 'Sentences, a line each, or all there is.'),
} as const satisfies FlagTable;

export async function runLint(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals, mistakes, help } = readFlags(LINT_FLAGS, args, {}, FILES);
  if (help) {
    io.out(commandHelp(HELP, LINT_FLAGS, FILES));
    return EXIT.ok;
  }
  if (values === undefined) return usageError('lint', mistakes, io);
  const inputs = await readInputs(positionals, io);
  if (isTrouble(inputs)) {
    tell('lint', inputs, io);
    return EXIT.usage;
  }
  const { findings, skipped } = lintInputs(inputs, Date.now());
  for (const file of skipped)
    io.err(`detour lint: ${file} is a template: lint what comes of it, as \`helm template\` prints it.\n`);
  const files = inputs.length - skipped.length;
  io.out(values.output === 'text' ? textOf(findings, files) : formatListing(values.output, listingOf(findings, files)));
  const fails = (severity: Severity) => severity === 'error' || (values.strict && severity === 'warning');
  return findings.some(({ severity }) => fails(severity)) ? EXIT.failure : EXIT.ok;
}

interface Linted {
  readonly findings: readonly Finding[];
  /** Files of folders that are no manifests yet. */
  readonly skipped: readonly string[];
}

function lintInputs(inputs: readonly Input[], now: number): Linted {
  const objects: ManifestObject[] = [];
  const unreadable: Finding[] = [];
  const skipped: string[] = [];
  for (const input of inputs) {
    const manifests = manifestsOf(input);
    if (input.found && manifests.mistakes.length > 0 && input.text.includes('{{')) {
      skipped.push(input.file);
      continue;
    }
    objects.push(...manifests.objects.filter(({ value }) => !input.found || isManifest(value)));
    for (const { file, line, place, message } of manifests.mistakes) {
      const hint = 'Correct it.';
      unreadable.push({
        file,
        line,
        object: '',
        severity: 'error',
        code: 'InvalidObject',
        message: `${place}: ${message}`,
        hint,
      });
    }
  }
  return { findings: [...unreadable, ...lintManifests(objects, now)], skipped };
}

/** A folder holds other YAML and JSON too. */
function isManifest(value: unknown): boolean {
  return isFields(value) && typeof value['apiVersion'] === 'string' && typeof value['kind'] === 'string';
}

function textOf(findings: readonly Finding[], files: number): string {
  const told = findings.map(({ file, line, severity, code, object, message, hint }) => {
    const about = object === '' || message.includes(object) ? '' : `${object}: `;
    return `${file}:${line}: ${severity} ${code}: ${about}${message}\n${hint === '' ? '' : `    ${hint}\n`}`;
  });
  return `${told.join('')}${summary(findings, files)}\n`;
}

function summary(findings: readonly Finding[], files: number): string {
  const where = `in ${count(files, 'file')}`;
  const counts = (['error', 'warning', 'notice'] as const).flatMap((severity) => {
    const number = findings.filter((finding) => finding.severity === severity).length;
    return number === 0 ? [] : [count(number, severity)];
  });
  return counts.length === 0 ? `No problems ${where}.` : `${counts.join(', ')} ${where}.`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

function listingOf(findings: readonly Finding[], files: number): Listing<Finding> {
  return {
    rows: findings,
    columns: [
      { title: 'PLACE', cell: ({ file, line }) => `${file}:${line}` },
      { title: 'SEVERITY', cell: ({ severity }) => severity },
      { title: 'CODE', cell: ({ code }) => code },
      { title: 'OBJECT', cell: ({ object }) => object },
      { title: 'PROBLEM', wide: true, cell: ({ message }) => message },
      { title: 'FIX', wide: true, cell: ({ hint }) => hint },
    ],
    name: ({ file, line }) => `${file}:${line}`,
    document: { files, problems: findings },
    empty: summary(findings, files),
  };
}
