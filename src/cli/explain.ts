/** `detour explain`: asks a running control plane what happens to a request, and prints the answer. */
import { many, one, optional, readChoice, readText, required } from '../flag-values.ts';
import { type FlagTable, type FlagValues, type Reading, readFlags, variableOf } from '../flags.ts';
import { EXIT, type Io, usageError } from './command.ts';
import { commandHelp } from './help.ts';

const HELP = {
  name: 'explain',
  about:
    'Tells what an Envoy does with a request, and why: the gateway of a URL, or the sidecar of a caller of a Service.\n' +
    'The running control plane is asked; no request is sent to anybody else.',
  example: "detour explain --to http://shop.example.com/cart --header 'x-detour: pr-42'",
  variables: false,
};

const TIMEOUT_MS = 10_000;
const SERVER_VARIABLE = variableOf('server');

export const EXPLAIN_FLAGS = {
  to: required(
    { value: 'SERVICE|URL', summary: 'A URL at a gateway, or SERVICE[.NAMESPACE][:PORT].' },
    '--to api.shop',
    readText,
  ),
  // A comma is part of a header's value.
  header: {
    ...many({ value: 'NAME:VALUE', summary: 'A header of the request; may be repeated.' }, readHeaderLine),
    separable: false,
  },
  method: one({ value: 'METHOD', default: ['GET'], summary: 'Its method.' }, readText),
  path: optional({ value: 'PATH', summary: 'Its path, where --to is a Service.' }, readText),
  namespace: optional({ value: 'NAMESPACE', summary: 'Where the caller of a Service is; `default` unless told.' }, readText),
  proxy: optional({ value: 'NODE-ID', summary: 'A connected Envoy to ask about, such as sidecar~shop/api-0.' }, readText),
  listener: optional({ value: 'outbound|inbound:PORT', summary: 'Which listener of that sidecar.' }, readText),
  server: one(
    {
      value: 'URL',
      default: ['http://127.0.0.1:19000'],
      summary: `The control plane's admin endpoint; also ${SERVER_VARIABLE}.`,
    },
    readUrl,
  ),
  output: one({ value: 'text|json', default: ['text'], summary: 'Sentences, or all there is.' }, readChoice(['text', 'json'])),
} as const satisfies FlagTable;

export async function runExplain(args: readonly string[], io: Io): Promise<number> {
  // The other variables are settings of `detour serve`, which mean something else.
  const environment = { [SERVER_VARIABLE]: io.environment[SERVER_VARIABLE] };
  const { values, mistakes, help } = readFlags(EXPLAIN_FLAGS, args, environment);
  if (help) {
    io.out(commandHelp(HELP, EXPLAIN_FLAGS));
    return EXIT.ok;
  }
  if (values === undefined) return usageError('explain', mistakes, io);
  const answer = await ask(values);
  if ('failure' in answer) {
    io.err(`detour explain: ${answer.failure}\n`);
    return EXIT.failure;
  }
  io.out(values.output === 'json' ? `${JSON.stringify(answer.body, undefined, 2)}\n` : textOf(answer.body, 'text'));
  return EXIT.ok;
}

type Answer = { readonly body: unknown } | { readonly failure: string };

async function ask(values: FlagValues<typeof EXPLAIN_FLAGS>): Promise<Answer> {
  const url = new URL('/api/explain', values.server);
  for (const name of ['to', 'method', 'path', 'namespace', 'proxy', 'listener'] as const) {
    const value = values[name];
    if (value !== undefined) url.searchParams.set(name, value);
  }
  for (const line of values.header) url.searchParams.append('header', line);
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const body: unknown = await response.json();
    return response.ok ? { body } : { failure: `${textOf(body, 'error')} ${textOf(body, 'hint')}` };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const why = cause instanceof Error ? cause.message : String(cause);
    return {
      failure: `no answer from ${values.server.origin}: ${why}. Is \`detour serve\` running there? --server URL names another.`,
    };
  }
}

function textOf(body: unknown, field: string): string {
  const value =
    typeof body === 'object' && body !== null && field in body ? Object.entries(body).find(([name]) => name === field)?.[1] : '';
  return typeof value === 'string' ? value : '';
}

function readHeaderLine(text: string): Reading<string> {
  return text.indexOf(':') > 0 ? { value: text } : { mistake: "must be NAME:VALUE, for example 'x-detour: pr-42'" };
}

function readUrl(text: string): Reading<URL> {
  const isHttp = URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
  return isHttp ? { value: new URL(text) } : { mistake: 'must be a URL, for example http://127.0.0.1:19000' };
}
