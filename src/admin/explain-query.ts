/** `/api/explain?to=…`: which Envoy, which request. */
import type { ExplainedRequest } from '../explain/explanation.ts';
import type { InterceptModel } from '../model/intercept.ts';
import { isDnsLabel, objectKey } from '../model/names.ts';
import { nodeIdMistake } from '../model/node.ts';
import type { Proxy, Scope } from '../model/proxy.ts';
import { scopeOf } from '../translate/scope.ts';
import { type ExplainTarget, readExplainListener, readExplainTarget } from './explain-target.ts';

export interface ExplainQuestion {
  readonly scope: Scope;
  readonly request: ExplainedRequest;
}

export interface QueryMistake {
  readonly error: string;
  readonly hint: string;
  /** What of the query it is about. */
  readonly parameter: 'to' | 'header' | 'proxy' | 'listener';
}

const HINT =
  'Give to=SERVICE[.NAMESPACE][:PORT] or to=URL, and perhaps namespace=, path=, method=, header=NAME:VALUE (repeated), ' +
  'proxy=NODE-ID with listener=inbound:PORT or listener=outbound.';
const CONNECTED = 'GET /api/proxies lists the Envoys that are connected.';

/** @param error what the request lacks to fit the Envoy */
export function misfit(error: string, { scope }: ExplainQuestion): QueryMistake {
  return scope.kind === 'client'
    ? { error, hint: CONNECTED, parameter: 'proxy' }
    : { error, hint: 'listener=inbound:PORT or listener=outbound says which.', parameter: 'listener' };
}

/** What a caller that stands nowhere in particular listens on: the address decides nothing. */
const ANYWHERE = { host: '127.0.0.1', port: 0 };

/** @param proxies those that are connected: a gateway's preview domain and a sidecar's ports are known from them alone. */
export function readExplainQuery(
  query: URLSearchParams,
  model: InterceptModel,
  proxies: readonly Proxy[],
): ExplainQuestion | QueryMistake {
  const to = query.get('to') ?? '';
  if (to === '') return { error: 'to is missing.', hint: HINT, parameter: 'to' };
  const headers: (readonly [string, string])[] = [];
  for (const line of query.getAll('header')) {
    const colon = line.indexOf(':');
    if (colon <= 0) return { error: `header ${JSON.stringify(line)} is not NAME:VALUE.`, hint: HINT, parameter: 'header' };
    headers.push([line.slice(0, colon).trim(), line.slice(colon + 1).trim()]);
  }
  const target = readExplainTarget(to);
  const caller = query.get('namespace') ?? 'default';
  if (target === undefined || (target.kind === 'service' && !isDnsLabel(caller))) return notRead(to);
  const request = {
    method: query.get('method') ?? 'GET',
    path: query.get('path') ?? (target.kind === 'url' ? target.path : '/'),
    headers: [['host', hostOf(target, caller)], ...headers] as const,
  };
  const node = query.get('proxy');
  if (node !== null) return atProxy(node, query.get('listener'), request, model, proxies);
  if (target.kind === 'url') return { scope: gatewayFor(target.host, model, proxies), request };
  const scope: Scope = {
    kind: 'sidecar',
    namespace: caller,
    inbound: [],
    outbound: ANYWHERE,
    services: [objectKey(target.namespace ?? caller, target.service)],
    previews: [],
    inBaselineOf: [],
  };
  return { scope, request: { ...request, listener: { kind: 'outbound' } } };
}

function hostOf(target: ExplainTarget, caller: string): string {
  if (target.kind === 'url') return target.host;
  return `${target.service}.${target.namespace ?? caller}${target.port === undefined ? '' : `:${target.port}`}`;
}

function notRead(to: string): QueryMistake {
  const what = /^https?:/i.test(to) ? 'no URL' : 'neither a Service nor a URL';
  return { error: `to=${JSON.stringify(to)} is ${what}.`, hint: HINT, parameter: 'to' };
}

/** A connected gateway of the host's namespace, else one as it would be without settings of its own. */
function gatewayFor(authority: string, model: InterceptModel, proxies: readonly Proxy[]): Scope {
  const host = authority.replace(/:\d+$/, '').toLowerCase();
  const gateways = proxies.filter((proxy) => proxy.role === 'gateway');
  const plain = host.slice(host.split('.')[0]?.includes('--') === true ? host.indexOf('--') + 2 : 0);
  const owner = (model.hosts.get(host) ?? model.hosts.get(plain))?.namespace;
  const found =
    gateways.find(({ previewDomain }) => previewDomain !== undefined && host.endsWith(`.${previewDomain}`)) ??
    gateways.find(({ namespace }) => namespace === owner) ??
    gateways[0];
  if (found !== undefined) return scopeOf(found, model);
  return { kind: 'gateway', namespace: owner ?? 'default', listen: ANYWHERE, previewDomain: undefined, corsOrigins: [] };
}

function atProxy(
  node: string,
  listener: string | null,
  request: ExplainedRequest,
  model: InterceptModel,
  proxies: readonly Proxy[],
): ExplainQuestion | QueryMistake {
  const proxy = proxies.find((each) => nodeIdOf(each) === node);
  if (proxy === undefined) {
    const mistake = nodeIdMistake(node);
    const why = mistake === undefined ? `${node} is not connected` : `${JSON.stringify(node)} ${mistake}`;
    return { error: `${why}.`, hint: CONNECTED, parameter: 'proxy' };
  }
  const scope = scopeOf(proxy, model);
  if (listener === null) return { scope, request };
  const told = readExplainListener(listener);
  if (told !== undefined) return { scope, request: { ...request, listener: told } };
  const error = `listener=${JSON.stringify(listener)} is neither inbound:PORT nor outbound.`;
  return { error, hint: HINT, parameter: 'listener' };
}

function nodeIdOf(proxy: Proxy): string {
  return proxy.role === 'client' ? proxy.id : `${proxy.role}~${proxy.namespace}/${proxy.name}`;
}
