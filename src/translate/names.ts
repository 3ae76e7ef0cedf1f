/**
 * Names of resources and routes. Made of identity (service, port, key), so that they never move, and readable back.
 * `api.shop:8080` the baseline · `api.shop:8080/pr-42` a preview · `api.shop:8080/pr-42+mirror` its copy of requests ·
 * `api.shop:8080/pr-42@127.0.0.1:8080` a preview whose fallback is the app of the pod itself · `app/127.0.0.1:8080` that app.
 */
import { type ObjectKey, objectKey, splitObjectKey } from '../model/names.ts';
import type { SocketAddress } from '../model/proxy.ts';
import { formatSocketAddress } from '../model/socket-address.ts';

/** What a cluster with endpoints from the control plane stands for. */
export type ClusterTarget = { readonly service: ObjectKey; readonly port: number } & (
  | { readonly kind: 'baseline' }
  | {
      readonly kind: 'preview';
      readonly key: string;
      /** The app that is its fallback, as `formatSocketAddress` writes it; undefined: the baseline's endpoints. */
      readonly app: string | undefined;
    }
  | { readonly kind: 'mirror'; readonly key: string }
);

export function clusterName(target: ClusterTarget): string {
  const baseline = `${dottedName(target.service)}:${target.port}`;
  if (target.kind === 'baseline') return baseline;
  if (target.kind === 'mirror') return `${baseline}/${target.key}+mirror`;
  return target.app === undefined ? `${baseline}/${target.key}` : `${baseline}/${target.key}@${target.app}`;
}

const CLUSTER_NAME =
  /^(?<name>[^./]+)\.(?<namespace>[^./:]+):(?<port>\d+)(?:\/(?<key>[^+@]+)(?:(?<mirror>\+mirror)|@(?<app>.+))?)?$/;

/** Digits alone. */
const NUMBER = /^\d+$/;

/** The inverse of {@link clusterName}; undefined for other names. */
export function readClusterName(text: string): ClusterTarget | undefined {
  // Nearly all of a large cluster's tens of thousands are of a baseline.
  const [dot, colon] = [text.indexOf('.'), text.lastIndexOf(':')];
  if (dot > 0 && colon > dot + 1 && !text.includes('/')) {
    const [namespace, port] = [text.slice(dot + 1, colon), text.slice(colon + 1)];
    if (!namespace.includes('.') && !namespace.includes(':') && NUMBER.test(port))
      return { kind: 'baseline', service: objectKey(namespace, text.slice(0, dot)), port: Number(port) };
  }
  const groups = CLUSTER_NAME.exec(text)?.groups;
  if (groups === undefined) return undefined;
  const { name = '', namespace = '', port, key, mirror, app } = groups;
  const place = { service: objectKey(namespace, name), port: Number(port) };
  if (key === undefined) return { ...place, kind: 'baseline' };
  return mirror === undefined ? { ...place, kind: 'preview', key, app } : { ...place, kind: 'mirror', key };
}

/** `service.namespace`. */
export function dottedName(service: ObjectKey): string {
  const { namespace, name } = splitObjectKey(service);
  return `${name}.${namespace}`;
}

/** The app behind an explicit inbound port. */
export function appClusterName(app: SocketAddress): string {
  return `app/${formatSocketAddress(app)}`;
}

/** As it stands in a URL: IPv6 in brackets. */
export function hostText(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** The listener of an explicit inbound port, and its RouteConfiguration. */
export function inboundName(listen: SocketAddress): string {
  return `inbound/${formatSocketAddress(listen)}`;
}

export const GATEWAY_LISTENER = 'gateway';
export const GATEWAY_TLS_LISTENER = 'gateway-tls';
export const OUTBOUND_NAME = 'outbound';

/** Captured connections of one port number: the listener. */
export function capturedName(port: number): string {
  return `captured/${port}`;
}

/** Captured requests to one port number: the RouteConfiguration. */
export function capturedOutboundName(port: number): string {
  return `outbound/${port}`;
}

/** The cluster of whatever a captured connection was opened to. */
export const ORIGINAL_DESTINATION = 'original-destination';

/** What a service mesh client asks for: `xds:///api.shop:8080`. */
export function clientName(service: ObjectKey, port: number): string {
  return `${dottedName(service)}:${port}`;
}
