/** The URLs of previews, as gateways serve them (design, section 2). */
import { HTTPS_PORT } from '../model/certificate-file.ts';
import type { HostModel, Intercept, InterceptModel } from '../model/intercept.ts';
import { Multimap } from '../model/multimap.ts';
import { type ObjectKey, objectKey } from '../model/names.ts';
import { compareText } from '../model/order.ts';
import type { Scope } from '../model/proxy.ts';
import { LONGEST_LABEL, previewAddresses } from './gateway-routes.ts';

/** More hosts of one namespace are not told for one intercept: any of them would do. */
const MOST_HOSTS = 20;

export interface InterceptUrls {
  /** Of the preview: whatever the request carries. */
  readonly urls: readonly string[];
  /** Of the baseline: requests that carry the key get to the preview there. */
  readonly baselineUrls: readonly string[];
}

/**
 * @param gateways those that are connected: their preview domains are known from them alone
 * @returns the URLs by which a request gets to an intercept: at the hosts of its Service; where that has none, at all of
 * its namespace, since the key goes on to the hops behind; then the addresses of its own. None for a key that is not live.
 */
export function interceptUrls(model: InterceptModel, gateways: readonly Scope[]): (intercept: Intercept) => InterceptUrls {
  const byService = new Multimap<ObjectKey, HostModel>();
  const byNamespace = new Multimap<string, HostModel>();
  for (const host of model.hosts.values()) {
    byNamespace.add(host.namespace, host);
    for (const { service } of host.paths) byService.add(service, host);
  }
  const origin = hostOrigin(gateways);
  return ({ key, target }) => {
    if (!model.keys.has(key)) return { urls: [], baselineUrls: [] };
    const service = target.slice(0, target.lastIndexOf(':'));
    const namespace = service.slice(0, service.indexOf('/'));
    const own = objectKey(namespace, service.slice(namespace.length + 1));
    const serving = byService.get(own).size > 0 ? byService.get(own) : byNamespace.get(namespace);
    const hosts = [...serving].sort((a, b) => compareText(a.host, b.host)).slice(0, MOST_HOSTS);
    const atHosts = hosts.flatMap((host) => (hasPreviewUrl(host, key) ? at(origin(`${key}--${host.host}`), host, own) : []));
    return {
      urls: [...new Set([...atHosts, ...addresses(model, gateways, own, key)])],
      baselineUrls: hosts.flatMap((host) => at(origin(host.host), host, own)),
    };
  };
}

function hasPreviewUrl({ host, previewUrls }: HostModel, key: string): boolean {
  return previewUrls && `${key}--${host.split('.', 1)[0] ?? ''}`.length <= LONGEST_LABEL;
}

/** All gateways serve all hosts: one that ends TLS is enough. */
function hostOrigin(gateways: readonly Scope[]): (host: string) => string {
  const secure = gateways.find((scope) => scope.kind === 'gateway' && scope.tls !== undefined);
  return (host) => (secure === undefined ? `http://${host}` : originAt(secure, host));
}

/** What stands before a gateway without TLS, and whether that ends TLS, is not known. */
function originAt(scope: Scope, host: string): string {
  if (scope.kind !== 'gateway' || scope.tls === undefined) return `http://${host}`;
  const { redirectPort = HTTPS_PORT } = scope.tls;
  return redirectPort === HTTPS_PORT ? `https://${host}` : `https://${host}:${redirectPort}`;
}

/** With the paths that the Service has there; `/` where it has none. */
function at(origin: string, { paths }: HostModel, service: ObjectKey): readonly string[] {
  const own = paths.filter((path) => path.service === service).map(({ prefix }) => prefix);
  return (own.length > 0 ? own : ['/']).map((prefix) => `${origin}${prefix}`);
}

function addresses(model: InterceptModel, gateways: readonly Scope[], own: ObjectKey, key: string): readonly string[] {
  const service = model.services.get(own);
  if (service === undefined) return [];
  return gateways.flatMap((scope) => {
    if (scope.kind !== 'gateway' || scope.previewDomain === undefined) return [];
    const found = [...previewAddresses(service, scope.previewDomain, scope.namespace)].filter(([, each]) => each === key);
    return found.map(([host]) => `${originAt(scope, host)}/`);
  });
}
