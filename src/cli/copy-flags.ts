/** The flags that say what a preview is like, for `detour create` and `detour preview`. */
import { parseInstant } from '../annotations/timestamp.ts';
import { many, one, optional, readChoice, readText, required, toggle } from '../flag-values.ts';
import { type Environment, type FlagTable, type FlagValues, type Reading, variableOf } from '../flags.ts';
import { isKey } from '../model/names.ts';
import type { CopyOptions, EnvEntry, ImageChoice } from '../preview/copy-options.ts';
import { DEFAULT_IMAGE_TEMPLATE, imageTemplateMistake, isImage } from '../preview/image.ts';
import { readDuration } from './duration.ts';

export const COPY_FLAGS = {
  key: {
    ...required({ value: 'KEY', summary: 'The key that requests carry to reach the preview.' }, '--key pr-42', readKey),
    short: 'k',
  },
  image: optional({ value: 'IMAGE', summary: "The app's image; the baseline's own unless told." }, readImage),
  'from-commit': optional(
    { value: 'SHA', summary: 'The image that was built of this commit, see --image-template.' },
    readCommit,
  ),
  'image-template': one(
    {
      value: 'TEMPLATE',
      default: [DEFAULT_IMAGE_TEMPLATE],
      summary: `How images of commits are named: {sha}, {sha:8} and {repository}, the baseline's image without its tag. Also ${variableOf('image-template')}.`,
    },
    readTemplate,
  ),
  container: optional(
    {
      value: 'NAME',
      summary: 'The container that image and variables are for; found out by the port of the Service unless told.',
    },
    readText,
  ),
  // A comma is part of a value.
  env: {
    ...many({ value: 'NAME=VALUE', summary: 'A variable of that container; may be repeated.' }, readEnv),
    separable: false,
  },
  replicas: one({ value: 'NUMBER', default: ['1'], summary: 'How many pods.' }, readReplicas),
  ttl: optional({ value: 'DURATION', summary: 'Ends after this time: 72h, 7d, 1h30m.' }, readDuration),
  expires: optional({ value: 'INSTANT', summary: 'Ends then: 2027-01-31T18:00:00Z. In place of --ttl.' }, readExpires),
  'keep-expired': toggle('What has ended is not deleted; without this, the control plane deletes it.'),
  match: optional({ value: 'RULE', summary: "Who else goes there: a header rule, such as 'x-user=alice'." }, readText),
  mode: optional(
    { value: 'route|mirror', summary: 'The preview answers, or gets a copy of requests.' },
    readChoice(['route', 'mirror']),
  ),
  percent: optional({ value: 'NUMBER', summary: 'How many of the matching requests, from 1 to 100.' }, readPercent),
  'when-unavailable': optional(
    { value: 'baseline|fail', summary: 'What answers while the preview cannot.' },
    readChoice(['baseline', 'fail']),
  ),
  label: many({ value: 'NAME=VALUE', summary: 'One more label for the workload and its pods.' }, readLabel),
} as const satisfies FlagTable;

export type CopyValues = FlagValues<typeof COPY_FLAGS>;

/** The only variables that these flags have: the others would be taken from settings of `detour serve`. */
export function copyEnvironment(environment: Environment): Environment {
  const name = variableOf('image-template');
  return { [name]: environment[name] };
}

/** Flags that contradict each other, or the clock: a sentence each. @param now ms since the epoch */
export function copyMistakes(values: Partial<CopyValues>, now: number): readonly string[] {
  const mistakes: string[] = [];
  if (values.image !== undefined && values['from-commit'] !== undefined)
    mistakes.push('--image and --from-commit both say which image: leave one out.');
  if (values.ttl !== undefined && values.expires !== undefined)
    mistakes.push('--ttl and --expires both say when it ends: leave one out.');
  if (values.expires !== undefined && values.expires <= now) mistakes.push(overMistake(values.expires));
  if (values['keep-expired'] === true && values.ttl === undefined && values.expires === undefined)
    mistakes.push('--keep-expired is about --ttl and --expires: give one of them, or leave it out.');
  return mistakes;
}

/** @param expires ms since the epoch */
export function overMistake(expires: number): string {
  return `--expires ${new Date(expires).toISOString()} is over: name an instant to come.`;
}

/** @param now ms since the epoch, for `--ttl`. */
export function copyOptions(values: CopyValues, now: number): Omit<CopyOptions, 'standsInFor' | 'name'> {
  const { match, mode, percent } = values;
  const whenUnavailable = values['when-unavailable'];
  return {
    key: values.key,
    image: imageChoice(values),
    container: values.container,
    env: values.env,
    replicas: values.replicas,
    expiresAt: values.ttl === undefined ? values.expires : now + values.ttl,
    deleteWhenExpired: !values['keep-expired'],
    annotations: {
      ...(match !== undefined && { match }),
      ...(mode !== undefined && { mode }),
      ...(percent !== undefined && { percent }),
      ...(whenUnavailable !== undefined && { 'when-unavailable': whenUnavailable }),
    },
    labels: Object.fromEntries(values.label.map(({ name, value }) => [name, value])),
  };
}

function imageChoice(values: CopyValues): ImageChoice | undefined {
  const commit = values['from-commit'];
  if (commit !== undefined) return { kind: 'commit', commit, template: values['image-template'] };
  return values.image === undefined ? undefined : { kind: 'image', image: values.image };
}

export function readKey(text: string): Reading<string> {
  if (isKey(text)) return { value: text };
  return { mistake: 'must be a key: lower-case letters, digits and single hyphens between them, 63 characters at most, not xn' };
}

function readImage(text: string): Reading<string> {
  return isImage(text) ? { value: text } : { mistake: 'must be an image, for example registry/api:1.4' };
}

function readCommit(text: string): Reading<string> {
  if (/^[0-9a-f]{7,64}$/.test(text)) return { value: text };
  return { mistake: "must be a commit's hash, 7 hexadecimal digits or more; give another tag with --image" };
}

function readTemplate(text: string): Reading<string> {
  const mistake = imageTemplateMistake(text);
  return mistake === undefined ? { value: text } : { mistake };
}

function readEnv(text: string): Reading<EnvEntry> {
  const equals = text.indexOf('=');
  const name = text.slice(0, equals);
  if (equals > 0 && /^[-._a-zA-Z][-._a-zA-Z0-9]*$/.test(name)) return { value: { name, value: text.slice(equals + 1) } };
  return { mistake: 'must be NAME=VALUE, for example LOG_LEVEL=debug' };
}

function readReplicas(text: string): Reading<number> {
  return /^\d{1,4}$/.test(text) ? { value: Number(text) } : { mistake: 'must be a number of pods, for example 2' };
}

export function readExpires(text: string): Reading<number> {
  const instant = parseInstant(text);
  return instant === undefined ? { mistake: 'must be an instant such as 2027-01-31T18:00:00Z' } : { value: instant };
}

function readPercent(text: string): Reading<string> {
  return /^([1-9]\d?|100)$/.test(text) ? { value: text } : { mistake: 'must be a whole number from 1 to 100' };
}

function readLabel(text: string): Reading<EnvEntry> {
  const match = /^(?<name>[A-Za-z0-9][-A-Za-z0-9_./]*)=(?<value>([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]|)$/.exec(text);
  const { name, value } = match?.groups ?? {};
  return name === undefined || value === undefined
    ? { mistake: 'must be NAME=VALUE, for example team=red' }
    : { value: { name, value } };
}
