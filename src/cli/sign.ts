/** `detour sign KEY`: the key as gateways with `--carriers signed` take it, until its expiry. */
import { optional, readText } from '../flag-values.ts';
import { type Arguments, type FlagTable, type FlagValues, type Reading, readFlags } from '../flags.ts';
import { signKey } from '../keys/signed-key.ts';
import { CLUSTER_FLAGS, clusterEnvironment, clusterOf, DEFAULT_SYSTEM_NAMESPACE } from './cluster/cluster-flags.ts';
import { EXIT, type Io, usageError } from './command.ts';
import { overMistake, readExpires, readKey } from './copy-flags.ts';
import { readDuration } from './duration.ts';
import { commandHelp } from './help.ts';
import { outputFlag, toJson, toYaml } from './output.ts';
import { DEFAULT_SECRET, SECRET_ENTRY, secretOfCluster, secretOfFile } from './sign/secret.ts';
import { accessTrouble, isTrouble, tell } from './trouble.ts';

/** A DNS label cannot be longer. */
const LONGEST_LABEL = 63;
const HOUR_MS = 3_600_000;
const DEFAULT_TTL_MS = 8 * HOUR_MS;
/** What is signed cannot be taken back but by a new secret. */
const LONGEST_TTL_DAYS = 30;
const LONGEST_TTL_MS = LONGEST_TTL_DAYS * 24 * HOUR_MS;

const HELP = {
  name: 'sign',
  about:
    'Prints a key with an expiry and a signature: gateways with --carriers signed take no other. It goes where the key would go,\n' +
    `into x-detour or baggage. The secret is the first line of --secret-file, or of the entry ${SECRET_ENTRY} of a Secret that you may read.`,
  example: 'detour sign pr-42 --url https://pr-42--shop.example.com/',
  variables: false,
};

export const SIGN_ARGUMENTS: Arguments = { value: 'KEY', least: 1, most: 1, example: 'detour sign pr-42' };

export const SIGN_FLAGS = {
  ttl: optional({ value: 'DURATION', summary: `Counts for so long: 8h without it, ${LONGEST_TTL_DAYS}d at most.` }, readDuration),
  expires: optional({ value: 'INSTANT', summary: 'Counts until then: 2027-01-31T18:00:00Z. In place of --ttl.' }, readExpires),
  url: optional(
    { value: 'URL', summary: 'Prints this URL, of a host or of a preview, as one that a browser opens the preview by.' },
    readPreviewUrl,
  ),
  'secret-file': optional(
    { value: 'FILE', summary: 'The secrets, one a line; - is standard input. In place of a Secret.' },
    readText,
  ),
  secret: optional({ value: 'NAME', summary: `The Secret that gateways mount; ${DEFAULT_SECRET} without it.` }, readText),
  ...CLUSTER_FLAGS,
  namespace: {
    ...CLUSTER_FLAGS.namespace,
    summary: `Where the Secret is; ${DEFAULT_SYSTEM_NAMESPACE} without it.`,
  },
  output: outputFlag(['text', 'wide', 'json', 'yaml'], 'What is signed alone; wide also says until when; or all there is.'),
} as const satisfies FlagTable;

type Values = FlagValues<typeof SIGN_FLAGS>;

export async function runSign(args: readonly string[], io: Io, now = Date.now()): Promise<number> {
  const environment = clusterEnvironment(io.environment);
  const { values, positionals, mistakes, help } = readFlags(SIGN_FLAGS, args, environment, SIGN_ARGUMENTS);
  if (help) {
    io.out(commandHelp(HELP, SIGN_FLAGS, SIGN_ARGUMENTS));
    return EXIT.ok;
  }
  const [key = ''] = positionals;
  const reading = readKey(key);
  const all = [...mistakes];
  if (key !== '' && 'mistake' in reading) all.push(`KEY ${JSON.stringify(key)} ${reading.mistake}.`);
  const expires = values === undefined ? undefined : expiryOf(values, now);
  if (expires !== undefined && 'mistake' in expires) all.push(expires.mistake);
  if (values?.secret !== undefined && values['secret-file'] !== undefined)
    all.push('--secret and --secret-file both say where the secret is: leave one out.');
  const url = values?.url === undefined ? undefined : urlFor(values.url, key);
  if (url !== undefined && 'mistake' in url) all.push(url.mistake);
  if (values === undefined || all.length > 0 || expires === undefined || 'mistake' in expires) return usageError('sign', all, io);
  try {
    const secret = await secretFor(values, io);
    if (isTrouble(secret)) {
      tell('sign', secret, io);
      return EXIT.failure;
    }
    const token = signKey({ key, expires: expires.value }, secret);
    io.out(
      print(key, expires.value, token, url !== undefined && 'value' in url ? withToken(url.value, token) : undefined, values),
    );
    return EXIT.ok;
  } catch (error) {
    tell('sign', accessTrouble(error), io);
    return EXIT.failure;
  }
}

async function secretFor(values: Values, io: Io): ReturnType<typeof secretOfFile> {
  const file = values['secret-file'];
  if (file !== undefined) return secretOfFile(file, io);
  using cluster = clusterOf(values, io);
  return await secretOfCluster(cluster, values.secret ?? DEFAULT_SECRET, values.namespace);
}

/** Seconds since the epoch. */
function expiryOf({ ttl, expires }: Values, now: number): Reading<number> {
  if (ttl !== undefined && expires !== undefined)
    return { mistake: '--ttl and --expires both say until when it counts: leave one out.' };
  const until = expires ?? now + (ttl ?? DEFAULT_TTL_MS);
  if (until <= now) return { mistake: overMistake(until) };
  if (until > now + LONGEST_TTL_MS)
    return {
      mistake: `--${expires === undefined ? 'ttl' : 'expires'} is more than ${LONGEST_TTL_DAYS} days from now: sign a new one then.`,
    };
  return { value: Math.floor(until / 1000) };
}

function readPreviewUrl(text: string): Reading<URL> {
  const full = /^https?:\/\//i.test(text) ? text : `https://${text}`;
  if (!URL.canParse(full) || !new URL(full).hostname.includes('.'))
    return { mistake: 'must be a URL or a host, for example https://pr-42--shop.example.com/' };
  const url = new URL(full);
  // Browsers keep the cookie that comes of it for https alone.
  if (url.protocol === 'http:' && !url.hostname.endsWith('.localhost'))
    return { mistake: 'must begin with https://: a browser takes it no other way' };
  return { value: url };
}

/** The preview's own URL: that of the host it is at, too, becomes one. */
function urlFor(url: URL, key: string): Reading<URL> {
  const [label = ''] = url.hostname.split('.', 1);
  if (label.startsWith(`${key}--`)) return { value: url };
  if (label.includes('--'))
    return { mistake: `--url ${url.hostname} is not of the key ${key}: its host must begin with ${key}--.` };
  if (`${key}--${label}`.length > LONGEST_LABEL)
    return { mistake: `--url ${url.hostname} has no URL for ${key}: ${key}--${label} is longer than a DNS label can be.` };
  const own = new URL(url);
  own.hostname = `${key}--${url.hostname}`;
  return { value: own };
}

function withToken(url: URL, token: string): URL {
  const whole = new URL(url);
  whole.searchParams.append('detour', token);
  return whole;
}

function print(key: string, expires: number, token: string, url: URL | undefined, { output }: Values): string {
  const instant = new Date(expires * 1000).toISOString().replace('.000Z', 'Z');
  const document = { key, expires: instant, token, ...(url !== undefined && { url: url.href }) };
  if (output === 'json') return toJson(document);
  if (output === 'yaml') return toYaml(document);
  return `${url?.href ?? token}\n${output === 'wide' ? `It counts until ${instant}.\n` : ''}`;
}
