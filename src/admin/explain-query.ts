/** `/api/explain?to=…`: which Envoy, which request. */
import type { ExplainedRequest } from '../explain/explanation.ts';
import type { InterceptModel } from '../model/intercept.ts';
import { isDnsLabel, objectKey } from '../model/names.ts';
import { proxyOf } from '../model/node.ts';
import type { Proxy, Scope } from '../model/proxy.ts';
import { scopeOf } from '../translate/scope.ts';

export interface ExplainQuestion {
  readonly scope: Scope;
  readonly request: ExplainedRequest;
}

export interface QueryMistake {
  readonly error: string;
  readonly hint: string;
}

const HINT =
  'Give to=SERVICE[.NAMESPACE][:PORT] or to=URL, and perhaps namespace=, path=, method=, header=NAME:VALUE (repeated), ' +
  'proxy=NODE-ID with listener=inbound:PORT or listener=outbound.';
/** What a caller that stands nowhere in particular listens on: the address decides nothing. */
const ANYWHERE = { host: '127.0.0.1', port: 0 };

/** @param proxies those that are connected: a gateway's preview domain and a sidecar's ports are known from them alone. */
export function readExplainQuery(
  query: URLSearchParams,
  model: InterceptModel,
  proxies: readonly Proxy[],
): ExplainQuestion | QueryMistake {
  const to = query.get('to') ?? '';
  if (to === '') return { error: 'to is missing.', hint: HINT };
  const headers: (readonly [string, string])[] = [];
  for (const line of query.getAll('header')) {
    const colon = line.indexOf(':');
    if (colon <= 0) return { error: `header ${JSON.stringify(line)} is not NAME:VALUE.`, hint: HINT };
    headers.push([line.slice(0, colon).trim(), line.slice(colon + 1).trim()]);
  }
  const target = readTarget(to, query);
  if ('error' in target) return target;
  const request = {
    method: query.get('method') ?? 'GET',
    path: query.get('path') ?? target.path,
    headers: [['host', target.host], ...headers] as const,
  };
  const node = query.get('proxy');
  if (node !== null) return atProxy(node, query.get('listener'), request, model, proxies);
  if (target.kind === 'url') return { scope: gatewayFor(target.host, model, proxies), request };
  const scope: Scope = {
    kind: 'sidecar',
    namespace: target.caller,
    inbound: [],
    outbound: ANYWHERE,
    services: [objectKey(target.namespace, target.service)],
    previews: [],
    inBaselineOf: [],
  };
  return { scope, request: { ...request, listener: { kind: 'outbound' } } };
}

type Target =
  | { readonly kind: 'url'; readonly host: string; readonly path: string }
  | {
      readonly kind: 'service';
      readonly host: string;
      readonly path: string;
      readonly service: string;
      readonly namespace: string;
      /** The namespace that the request comes from. */
      readonly caller: string;
    };

function readTarget(to: string, query: URLSearchParams): Target | QueryMistake {
  if (/^https?:\/\//i.test(to)) {
    if (!URL.canParse(to)) return { error: `to=${JSON.stringify(to)} is no URL.`, hint: HINT };
    const url = new URL(to);
    return { kind: 'url', host: url.host, path: url.pathname + url.search };
  }
  const groups = /^(?<service>[^./:]+)(?:\.(?<namespace>[^./:]+)(?:\.svc(?:\.cluster\.local)?)?)?(?::(?<port>\d{1,5}))?$/.exec(
    to,
  )?.groups;
  const caller = query.get('namespace') ?? 'default';
  const service = groups?.['service'] ?? '';
  const namespace = groups?.['namespace'] ?? caller;
  if (!isDnsLabel(service) || !isDnsLabel(namespace) || !isDnsLabel(caller))
    return { error: `to=${JSON.stringify(to)} is neither a Service nor a URL.`, hint: HINT };
  const port = groups?.['port'];
  const host = `${service}.${namespace}${port === undefined ? '' : `:${port}`}`;
  return { kind: 'service', host, path: '/', service, namespace, caller };
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
    const named = proxyOf({ id: node });
    const why = 'error' in named ? named.error : `${node} is not connected`;
    return { error: `${why}.`, hint: 'GET /api/proxies lists those that are.' };
  }
  const scope = scopeOf(proxy, model);
  if (listener === null) return { scope, request };
  const port = /^inbound:(?<port>\d+)$/.exec(listener)?.groups?.['port'];
  if (port === undefined && listener !== 'outbound')
    return { error: `listener=${JSON.stringify(listener)} is neither inbound:PORT nor outbound.`, hint: HINT };
  return {
    scope,
    request: { ...request, listener: port === undefined ? { kind: 'outbound' } : { kind: 'inbound', port: Number(port) } },
  };
}

function nodeIdOf(proxy: Proxy): string {
  return proxy.role === 'client' ? proxy.id : `${proxy.role}~${proxy.namespace}/${proxy.name}`;
}
