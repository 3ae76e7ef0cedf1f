/**
 * The public contract, whole: every `detour.dev/` annotation there is. `docs/annotations.md` is checked against it.
 * Names are without the prefix, as in {@link Pod.annotations} and {@link Service.annotations}.
 */
export const PREFIX = 'detour.dev/';
/** The label whose value is the key. */
export const PREVIEW_LABEL = 'detour.dev/preview';

/** `preview`: pods with the preview label, and Services with it. `baseline`: Services. `sidecar`: pods that get a sidecar. */
export type AnnotationPlace = 'preview' | 'baseline' | 'sidecar';

export interface AnnotationEntry {
  readonly place: AnnotationPlace;
  /** The form of its value. */
  readonly value: string;
  readonly default: string;
  readonly summary: string;
}

export const ANNOTATIONS = {
  intercept: {
    place: 'preview',
    value: '`service[.namespace][:port][=targetPort]`, several by comma',
    default: 'none: it must be there',
    summary: 'The Services that the preview stands in for.',
  },
  match: {
    place: 'preview',
    value: 'header rule',
    default: 'nobody else',
    summary: 'Who goes to the preview, besides requests that carry its key.',
  },
  'when-unavailable': {
    place: 'preview',
    value: '`baseline` or `fail`',
    default: '`baseline`',
    summary: 'What answers while the preview cannot: the baseline, or a 503 that says why.',
  },
  mode: {
    place: 'preview',
    value: '`route` or `mirror`',
    default: '`route`',
    summary: 'Whether requests go to the preview, or the baseline answers and the preview gets a copy.',
  },
  percent: {
    place: 'preview',
    value: '`1` to `100`',
    default: '`100`',
    summary: 'How many of the matching requests go to the preview.',
  },
  expires: {
    place: 'preview',
    value: 'RFC 3339 instant, like `2027-01-31T18:00:00Z`',
    default: 'never',
    summary: 'From then on the intercept is gone.',
  },
  host: {
    place: 'baseline',
    value: '`host` or `host/prefix`, several by comma',
    default: 'none',
    summary: 'Public hosts that gateways serve for the Service.',
  },
  'allow-from': {
    place: 'baseline',
    value: 'namespaces, globs, `*`, or `none`, several by comma',
    default: 'its own namespace',
    summary: 'Namespaces whose previews may intercept the Service.',
  },
  'allow-match': {
    place: 'baseline',
    value: 'header names, globs, `baggage[name]`, `*`, or `none`, several by comma',
    default: '`x-*, baggage[*]`',
    summary: 'Headers that rules may use; `*` also allows broad rules, `none` leaves the key only.',
  },
  'allow-modes': {
    place: 'baseline',
    value: 'of `route`, `mirror`, `percent`, `regex`, several by comma',
    default: 'all four',
    summary: 'What intercepts of the Service may do.',
  },
  'sidecar-image': {
    place: 'sidecar',
    value: 'image',
    default: "the installation's",
    summary: "The sidecar's Envoy.",
  },
  'sidecar-resources': {
    place: 'sidecar',
    value: '`requests.cpu=50m`, `limits.memory=256Mi` and the like, several by comma',
    default: "the installation's",
    summary: 'What the sidecar may take; what is not named is not set.',
  },
  'sidecar-concurrency': {
    place: 'sidecar',
    value: '`1` to `64`',
    default: "the installation's",
    summary: "Worker threads of the sidecar's Envoy.",
  },
  'exclude-outbound-ports': {
    place: 'sidecar',
    value: 'ports and ranges, several by comma: `25, 6000-6010`',
    default: 'none',
    summary: 'Connections to these ports do not go through the sidecar.',
  },
  'exclude-outbound-cidrs': {
    place: 'sidecar',
    value: 'networks, several by comma: `10.0.0.0/8, fd00::/8`',
    default: 'none',
    summary: 'Connections to these addresses do not go through the sidecar.',
  },
  'exclude-inbound-ports': {
    place: 'sidecar',
    value: 'ports and ranges, several by comma',
    default: 'none',
    summary: 'Connections to these ports of the pod do not go through the sidecar.',
  },
} as const satisfies Readonly<Record<string, AnnotationEntry>>;

/** Written by `detour create` on a workload's own metadata, which of these objects a bare Pod has too. Nobody writes it by hand. */
export const DELETE_WHEN_EXPIRED = 'delete-when-expired';

/** Opts in, or out, on a namespace or a pod; the pod's counts. */
export const INJECT_LABEL = 'detour.dev/inject';
/** Written by the injection on a pod that is left alone, with the reason. */
export const NOT_INJECTED = 'not-injected';
/** Written by the injection: a small file for the sidecar. */
export const TOKEN_FILE = 'token-file';
/** Written by the chart on the gateway's pods: a digest of what they were started with, so that another one replaces them. */
const BOOTSTRAP = 'bootstrap';
/** Annotations that Detour itself writes on pods: no mistake of their authors, wherever they are. */
export const WRITTEN: readonly string[] = [DELETE_WHEN_EXPIRED, NOT_INJECTED, TOKEN_FILE, BOOTSTRAP];

export type AnnotationName = keyof typeof ANNOTATIONS;

export function isAnnotationName(name: string): name is AnnotationName {
  return Object.hasOwn(ANNOTATIONS, name);
}

/** The names that have a meaning in one of these places, in the table's order. */
export function annotationNames(places: readonly AnnotationPlace[]): readonly AnnotationName[] {
  return (Object.keys(ANNOTATIONS) as AnnotationName[]).filter((name) => places.includes(ANNOTATIONS[name].place));
}
