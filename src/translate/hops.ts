/** Where each kind of hop sends requests: what {@link decide} asks for. */
import { COPY_BASELINE } from '../model/carriers.ts';
import type { Intercept, PortModel } from '../model/intercept.ts';
import { type InterceptId, keyOfIntercept, type ObjectKey, type ServicePortKey } from '../model/names.ts';
import type { SocketAddress } from '../model/proxy.ts';
import { formatSocketAddress } from '../model/socket-address.ts';
import type { Destination, Hop } from './decision.ts';
import { appClusterName, clusterName, ORIGINAL_DESTINATION } from './names.ts';

/** Gateways and outbound sidecars. */
export function callerHop(carrier: string): Hop {
  return {
    carrier,
    baseline: baselineDestination,
    preview: (port, intercept) => previewDestination(port, intercept, undefined),
    mirror: mirrorName,
  };
}

/** Outbound sidecars of pods whose traffic is captured: what is not detoured goes on to where it was going. */
export function capturedHop(carrier: string): Hop {
  const onward: Destination = { kind: 'baseline', cluster: ORIGINAL_DESTINATION, copy: COPY_BASELINE, onward: true };
  return { ...callerHop(carrier), baseline: () => onward };
}

/** Clients that make no copies of requests. */
export function clientHop(carrier: string): Hop {
  return { ...callerHop(carrier), mirror: undefined };
}

export interface InboundHopOptions {
  readonly carrier: string;
  readonly app: SocketAddress;
  /** Intercepts that the pod serves itself. */
  readonly own: ReadonlySet<InterceptId>;
  /** Whether requests come by capture: then the app is where they were going. */
  readonly captured: boolean;
}

/** A pod has one label, and so one key. */
function appDestination({ app, own, captured }: InboundHopOptions): Destination {
  if (!captured) return { kind: 'app', cluster: appClusterName(app) };
  const [intercept] = own;
  const copy = intercept === undefined ? COPY_BASELINE : keyOfIntercept(intercept);
  return { kind: 'app', cluster: ORIGINAL_DESTINATION, copy };
}

/** The baseline is the app behind the sidecar, as fallback too: never another pod. */
export function inboundHop(options: InboundHopOptions): Hop {
  const { carrier, app, own } = options;
  const toApp = appDestination(options);
  return {
    carrier,
    baseline: () => toApp,
    preview: (port, intercept) => (own.has(intercept.id) ? toApp : previewDestination(port, intercept, formatSocketAddress(app))),
    mirror: mirrorName,
  };
}

/** A preview's pod that is among the baseline's endpoints by mistake: its own requests stay, all others go on. */
export function leakedHop(options: InboundHopOptions): Hop {
  const { carrier, own } = options;
  const toApp = appDestination(options);
  return {
    carrier,
    baseline: baselineDestination,
    preview: (port, intercept) => (own.has(intercept.id) ? toApp : previewDestination(port, intercept, undefined)),
    mirror: mirrorName,
  };
}

function baselineDestination(port: PortModel): Destination {
  return { kind: 'baseline', cluster: clusterName({ kind: 'baseline', ...placeOf(port.key) }) };
}

function previewDestination(port: PortModel, intercept: Intercept, app: string | undefined): Destination {
  return { kind: 'preview', cluster: clusterName({ kind: 'preview', ...placeOf(port.key), key: intercept.key, app }) };
}

function mirrorName(port: PortModel, intercept: Intercept): string {
  return clusterName({ kind: 'mirror', ...placeOf(port.key), key: intercept.key });
}

function placeOf(key: ServicePortKey): { readonly service: ObjectKey; readonly port: number } {
  const colon = key.lastIndexOf(':');
  // A ServicePortKey is an ObjectKey, a colon and a port.
  return { service: key.slice(0, colon) as ObjectKey, port: Number(key.slice(colon + 1)) };
}
