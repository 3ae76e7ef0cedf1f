/** What a pod asks of the sidecar that is injected into it: text to settings, or problems (docs/sidecars.md). */
import { isIP } from 'node:net';
import type { Problem, Subject } from '../model/problem.ts';
import { shorten } from '../model/shorten.ts';
import { type AnnotationName, INJECT_LABEL, PREFIX } from './keys.ts';
import { MAX_LIST_ENTRIES } from './limits.ts';

const RESOURCES = ['cpu', 'memory', 'ephemeral-storage'] as const;
export type ResourceName = (typeof RESOURCES)[number];
export type Quantities = Readonly<Partial<Record<ResourceName, string>>>;

/** As in a container: quantities are Kubernetes' own texts. */
export interface ResourceSetting {
  readonly requests: Quantities;
  readonly limits: Quantities;
}

/** undefined: the installation's own setting counts. */
export interface SidecarDeclaration {
  readonly image: string | undefined;
  readonly resources: ResourceSetting | undefined;
  readonly concurrency: number | undefined;
  /** As the flags of `detour capture` take them. */
  readonly excludes: Excludes;
}

export interface Excludes {
  readonly outboundPorts: string | undefined;
  readonly outboundCidrs: string | undefined;
  readonly inboundPorts: string | undefined;
}

export interface ParsedSidecar {
  readonly declaration: SidecarDeclaration;
  readonly problems: readonly Problem[];
}

/** A mistake is the rest of a sentence: `must be …`. */
type Read<T> = { readonly value: T } | { readonly mistake: string };

/**
 * One that cannot be read is as if it were not there: a pod that starts with the default matters more.
 * @param annotations without their prefix.
 */
export function parseSidecar(annotations: Readonly<Record<string, string>>, subject: Subject): ParsedSidecar {
  const problems: Problem[] = [];
  const value = <T>(name: AnnotationName, read: (text: string) => Read<T>): T | undefined => {
    const text = Object.hasOwn(annotations, name) ? annotations[name]?.trim() : undefined;
    if (text === undefined) return undefined;
    const reading = read(text);
    if ('value' in reading) return reading.value;
    problems.push({
      code: 'InvalidValue',
      subject,
      message: `${subject.kind} ${subject.key}: ${PREFIX}${name} does not take the value ${shorten(text)}.`,
      hint: `It ${reading.mistake}.`,
    });
    return undefined;
  };
  const declaration = {
    image: value('sidecar-image', readImage),
    resources: value('sidecar-resources', readResources),
    concurrency: value('sidecar-concurrency', readConcurrency),
    excludes: {
      outboundPorts: value('exclude-outbound-ports', readList(isPortRange, 'must be ports and ranges, like 25, 6000-6010')),
      outboundCidrs: value('exclude-outbound-cidrs', readList(isNetwork, 'must be networks, like 10.0.0.0/8, fd00::/8')),
      inboundPorts: value('exclude-inbound-ports', readList(isPortRange, 'must be ports and ranges, like 9100, 6000-6010')),
    },
  };
  return { declaration, problems };
}

/** Whether a pod's label says yes or no. @param value of the label; undefined: it is not there */
export function checkInjectLabel(value: unknown, subject: Subject): readonly Problem[] {
  if (value === undefined || value === 'true' || value === 'false') return [];
  const message = `${subject.kind} ${subject.key}: the label ${INJECT_LABEL} does not take the value ${shorten(String(value))}.`;
  return [{ code: 'InvalidValue', subject, message, hint: 'Write "true" or "false".' }];
}

const LONGEST_IMAGE = 512;
const IMAGE = /^[a-z0-9]+([._:/@-]+[A-Za-z0-9_]+)*$/;

export function readImage(text: string): Read<string> {
  const isImage = text.length <= LONGEST_IMAGE && IMAGE.test(text);
  return isImage ? { value: text } : { mistake: 'must be an image, for example envoyproxy/envoy:distroless-v1.40.0' };
}

const MOST_THREADS = 64;

/** Worker threads of Envoy. */
export function readConcurrency(text: string): Read<number> {
  const number = /^[1-9]\d?$/.test(text) ? Number(text) : MOST_THREADS + 1;
  return number <= MOST_THREADS ? { value: number } : { mistake: `must be a whole number from 1 to ${MOST_THREADS}` };
}

const ENTRY = /^(?<kind>requests|limits)\.(?<name>cpu|memory|ephemeral-storage)=(?<quantity>\d+(\.\d+)?(m|k|Ki|[MGT]i?)?)$/;
const FORM = 'must be like requests.cpu=50m, requests.memory=64Mi, limits.memory=256Mi';

/** `requests.cpu=50m, limits.memory=256Mi`; what is not named is not set. */
export function readResources(text: string): Read<ResourceSetting> {
  const found = { requests: new Map<ResourceName, string>(), limits: new Map<ResourceName, string>() };
  for (const entry of text.split(',')) {
    const { kind, name, quantity = '' } = ENTRY.exec(entry.trim())?.groups ?? {};
    const resource = RESOURCES.find((each) => each === name);
    if (resource === undefined || (kind !== 'requests' && kind !== 'limits')) return { mistake: FORM };
    if (found[kind].has(resource)) return { mistake: `names ${kind}.${resource} twice: leave one out` };
    found[kind].set(resource, quantity);
  }
  const setting = { requests: Object.fromEntries(found.requests), limits: Object.fromEntries(found.limits) };
  // The API server would refuse the pod.
  const over = RESOURCES.find((name) => {
    const [request, limit] = [found.requests.get(name), found.limits.get(name)];
    return request !== undefined && limit !== undefined && quantityOf(request) > quantityOf(limit);
  });
  if (over === undefined) return { value: setting };
  return { mistake: `must not request more ${over} than its limit is` };
}

const FACTORS: Readonly<Record<string, number>> = {
  m: 1e-3,
  ...{ k: 1e3, M: 1e6, G: 1e9, T: 1e12 },
  ...{ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 },
};

/** The number that a quantity like `50m` or `64Mi` stands for. */
export function quantityOf(text: string): number {
  const unit = /[A-Za-z]+$/.exec(text)?.[0] ?? '';
  return Number(text.slice(0, text.length - unit.length)) * (FACTORS[unit] ?? 1);
}

/** Without the spaces. */
function readList(is: (entry: string) => boolean, mistake: string): (text: string) => Read<string> {
  return (text) => {
    const entries = text.split(',').map((entry) => entry.trim());
    return entries.length <= MAX_LIST_ENTRIES && entries.every(is) ? { value: entries.join(',') } : { mistake };
  };
}

function isPortRange(text: string): boolean {
  const { first, last } = /^(?<first>\d{1,5})(-(?<last>\d{1,5}))?$/.exec(text)?.groups ?? {};
  const [from, to] = [Number(first), Number(last ?? first)];
  return from >= 1 && from <= to && to <= 65_535;
}

function isNetwork(text: string): boolean {
  const [address = '', bits = '', ...rest] = text.split('/');
  const longest = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return rest.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= longest;
}
