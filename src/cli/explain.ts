/** `detour explain`: asks the running control plane what happens to a request, and prints the answer. */
import { envoysText } from '../admin/explain-envoys.ts';
import { readExplainListener, readExplainTarget } from '../admin/explain-target.ts';
import { many, one, optional, readText, required } from '../flag-values.ts';
import { type FlagTable, type FlagValues, type Reading, readFlags } from '../flags.ts';
import { FieldReader } from '../model/field-reader.ts';
import { nodeIdMistake } from '../model/node.ts';
import { CLUSTER_FLAGS, CONTROL_PLANE_FLAGS, clusterEnvironment, clusterOf } from './cluster/cluster-flags.ts';
import { EXIT, type Io, usageError } from './command.ts';
import { controlPlaneOf } from './control-plane/client.ts';
import { envoyLines } from './control-plane/envoy-lines.ts';
import { commandHelp } from './help.ts';
import { outputFlag, toJson, toYaml } from './output.ts';
import { accessTrouble, isTrouble, tell } from './trouble.ts';

const HELP = {
  name: 'explain',
  about:
    'Tells what an Envoy does with a request, and why: the gateway of a URL, or the sidecar of a caller of a Service; every\n' +
    'intercept that lost, and which Envoys have it so. The running control plane is asked; no request is sent to anybody else.',
  example: "detour explain --to http://shop.example.com/cart --header 'x-detour: pr-42'",
  variables: false,
};

export const EXPLAIN_FLAGS = {
  to: required({ value: 'SERVICE|URL', summary: 'A URL at a gateway, or SERVICE[.NAMESPACE][:PORT].' }, '--to api.shop', readTo),
  // A comma is part of a header's value.
  header: {
    ...many({ value: 'NAME:VALUE', summary: 'A header of the request; may be repeated.' }, readHeaderLine),
    separable: false,
    short: 'H',
  },
  method: one({ value: 'METHOD', default: ['GET'], summary: 'Its method.' }, readText),
  path: optional({ value: 'PATH', summary: 'Its path, where --to is a Service.' }, readText),
  proxy: optional({ value: 'NODE-ID', summary: 'A connected Envoy to ask about, such as sidecar~shop/api-0.' }, readNodeId),
  listener: optional({ value: 'outbound|inbound:PORT', summary: 'Which listener of that sidecar.' }, readListener),
  ...CLUSTER_FLAGS,
  ...CONTROL_PLANE_FLAGS,
  output: outputFlag(['text', 'wide', 'json', 'yaml'], 'Sentences; wide also names each Envoy; or all there is.'),
} as const satisfies FlagTable;

/** The control plane speaks of its query. Of what is wrong with that, these are left: flags are read before. */
const HINTS: Readonly<Record<string, string>> = {
  listener: '--listener inbound:PORT or --listener outbound says which',
  proxy:
    '`detour explain --to … -o wide`, without --proxy, names the Envoys that such a request concerns; ' +
    '`detour list -A -o json` has those that any preview needs',
};

type Values = FlagValues<typeof EXPLAIN_FLAGS>;

export async function runExplain(args: readonly string[], io: Io): Promise<number> {
  const { values, mistakes, help } = readFlags(EXPLAIN_FLAGS, args, clusterEnvironment(io.environment));
  if (help) {
    io.out(commandHelp(HELP, EXPLAIN_FLAGS));
    return EXIT.ok;
  }
  if (values === undefined) return usageError('explain', mistakes, io);
  using cluster = clusterOf(values, io);
  try {
    // Where the caller is. Who names a server may have no kubeconfig at all.
    const namespace = values.namespace ?? (values.server.length > 0 ? undefined : await cluster.namespace());
    const answers = await controlPlaneOf(values, cluster).askAll(pathOf(values, namespace));
    if (isTrouble(answers)) {
      const { about } = answers;
      tell('explain', about === undefined ? answers : { ...answers, hint: HINTS[about] ?? answers.hint }, io);
      return about === 'listener' ? EXIT.usage : EXIT.failure;
    }
    io.out(print(answers, values.output));
    return EXIT.ok;
  } catch (error) {
    tell('explain', accessTrouble(error), io);
    return EXIT.failure;
  }
}

function pathOf(values: Values, namespace: string | undefined): string {
  const query = new URLSearchParams();
  const { to, method, path, proxy, listener } = values;
  for (const [name, value] of Object.entries({ to, method, path, namespace, proxy, listener }))
    if (value !== undefined) query.set(name, value);
  for (const line of values.header) query.append('header', line);
  return `/api/explain?${query}`;
}

/** Replicas decide alike; each knows the Envoys that are connected to it, and what only those tell. */
function print(answers: readonly { readonly replica: string; readonly body: unknown }[], format: Values['output']): string {
  const all = answers.map(({ replica, body }) => {
    const read = new FieldReader();
    const fields = read.map(body, 'the answer');
    const envoys = Object.entries(read.map(fields['envoys'], 'envoys')).map(([id, has]) => [id, has === true] as const);
    return { replica, fields, text: read.text(fields['text'], 'text'), envoys };
  });
  const envoys: Record<string, boolean> = {};
  for (const [id, has] of all.flatMap((each) => each.envoys)) envoys[id] = (envoys[id] ?? true) && has;
  const [best] = all.toSorted((a, b) => b.envoys.length - a.envoys.length);
  const document = { ...best?.fields, envoys };
  if (format === 'json') return toJson(document);
  if (format === 'yaml') return toYaml(document);
  const others = all.filter(({ text }) => text !== best?.text).map(({ replica }) => replica);
  const differ = others.length === 0 ? '' : `${others.join(', ')} decides otherwise, for now.\n`;
  const lines = format === 'wide' ? envoyLines(envoys) : '';
  return `${best?.text ?? ''}${envoysText(envoys)}${lines}${differ}`;
}

function readTo(text: string): Reading<string> {
  if (readExplainTarget(text) !== undefined) return { value: text };
  return {
    mistake:
      'must be a URL, as in --to http://shop.example.com/, or SERVICE[.NAMESPACE][:PORT] with the number of the port, as in --to api.shop:80',
  };
}

function readNodeId(text: string): Reading<string> {
  const mistake = text === '' ? 'must not be empty' : nodeIdMistake(text);
  return mistake === undefined ? { value: text } : { mistake };
}

function readListener(text: string): Reading<string> {
  return readExplainListener(text) === undefined ? { mistake: 'must be outbound or inbound:PORT' } : { value: text };
}

function readHeaderLine(text: string): Reading<string> {
  return text.indexOf(':') > 0 ? { value: text } : { mistake: "must be NAME:VALUE, for example 'x-detour: pr-42'" };
}
