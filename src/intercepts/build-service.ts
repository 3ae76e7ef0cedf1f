/** All that is known of one Service to its model. */
import type { EndpointSlice, ServicePort } from '../model/cluster-state.ts';
import type { Intercept, Mode, PortModel, RuleEntry, ServiceModel } from '../model/intercept.ts';
import { type InterceptId, type ObjectKey, type ServicePortKey, servicePortKey, splitObjectKey } from '../model/names.ts';
import { NO_ENTRIES, NO_ITEMS, NO_MEMBERS, orNone } from '../model/none.ts';
import { compareText } from '../model/order.ts';
import type { Problem } from '../model/problem.ts';
import { keep } from '../model/same-data.ts';
import { bindPreview, type Candidate, type TargetService } from './candidates.ts';
import { podsOf } from './cluster-index.ts';
import { type RulePlace, type Settlement, settle, settled } from './conflicts.ts';
import { type BaselineEndpoints, baselineEndpoints } from './endpoints.ts';
import { type Fault, problemOf } from './fault.ts';
import type { Leak } from './leaks.ts';
import type { Preview } from './previews.ts';
import { portProtocol } from './protocol.ts';
import { withinBudget } from './regex-budget.ts';
import { tcpPorts } from './targets.ts';

export interface ServiceInput {
  readonly key: ObjectKey;
  /** undefined: previews name a Service that is not there. */
  readonly target: TargetService | undefined;
  readonly slices: readonly EndpointSlice[];
  /** Those that name it. */
  readonly previews: readonly Preview[];
  readonly leaks: readonly Leak[];
}

export interface BuiltService {
  /** undefined: there is no such Service. */
  readonly model: ServiceModel | undefined;
  /** Served or not, by id. */
  readonly intercepts: readonly Intercept[];
  readonly byId: ReadonlyMap<InterceptId, Intercept>;
  /** Preview pods that were left out of its endpoints, on every port. */
  readonly leftOut: ReadonlySet<ObjectKey>;
  /** By preview, its candidates; and by port and mode, who won. The same objects for the next time. */
  readonly bound: ReadonlyMap<string, BoundPreview>;
  readonly settlements: Settlements;
}

export interface BoundPreview {
  readonly preview: Preview;
  readonly target: TargetService | undefined;
  readonly candidates: readonly Candidate[];
}

/**
 * @param previous what this returned last for the same key: what says the same as there is the same object again.
 * It changes nothing else.
 */
export function buildService(input: ServiceInput, previous?: BuiltService): BuiltService {
  const { key, target, previews } = input;
  if (previews.length === 0 && input.leaks.length === 0) return withoutPreviews(input, previous);
  const bound = mapOf(previews.map((preview) => [preview.id, bindOnce(preview, key, target, previous?.bound.get(preview.id))]));
  const endpoints = endpointsByPort(input);
  const leftOut = leftOutPods(input, endpoints);
  const leaks: ReadonlyMap<Preview | undefined, readonly Leak[]> =
    input.leaks.length === 0
      ? NO_ENTRIES
      : Map.groupBy(
          input.leaks.filter((leak) => !leak.leaving),
          (leak) => leak.preview,
        );
  const all = [...bound.values()].flatMap((entry) => {
    const own = leaks.get(entry.preview);
    const fault = own && leakFault(entry.preview, key, own, leftOut);
    return fault ? entry.candidates.map((candidate) => withFault(candidate, fault)) : entry.candidates;
  });
  const candidates = affordable(all);
  const settlements = settleAll(candidates, previous?.settlements);

  const inactive = candidates.map(({ intercept }) => intercept).filter(({ state }) => state !== 'active');
  const active = [...settlements.values()].flatMap((settlement) => settlement.candidates.map((one) => settled(one, settlement)));
  const intercepts = orNone(
    [...inactive, ...active]
      .map((intercept) => keep(previous?.byId.get(intercept.id), intercept))
      .sort((a, b) => compareText(a.id, b.id)),
  );
  const byId = mapOf(intercepts.map((intercept) => [intercept.id, intercept]));

  // Previews whose annotations cannot be read have no intercept that could be told.
  const leakProblems = [...leaks].flatMap(([preview, own]) =>
    preview && preview.declaration === undefined ? [problemOf(leakFault(preview, key, own, leftOut), preview.subject)] : [],
  );
  const model = target && serviceModel({ target, endpoints, intercepts, byId, settlements, leakProblems }, previous?.model);
  return { model, intercepts: model?.intercepts ?? keep(previous?.intercepts, intercepts), byId, leftOut, bound, settlements };
}

/** Most Services have nothing to do with any preview. */
function withoutPreviews(input: ServiceInput, previous: BuiltService | undefined): BuiltService {
  const nothing = { intercepts: NO_ITEMS, byId: NO_ENTRIES, settlements: NO_ENTRIES };
  const parts = { ...nothing, endpoints: endpointsByPort(input), leakProblems: NO_ITEMS };
  const model = input.target && serviceModel({ target: input.target, ...parts }, previous?.model);
  return { ...nothing, model, leftOut: NO_MEMBERS, bound: NO_ENTRIES };
}

function mapOf<K, V>(entries: readonly (readonly [K, V])[]): ReadonlyMap<K, V> {
  return entries.length === 0 ? NO_ENTRIES : new Map(entries);
}

function bindOnce(
  preview: Preview,
  key: ObjectKey,
  target: TargetService | undefined,
  known: BoundPreview | undefined,
): BoundPreview {
  if (known !== undefined && known.preview === preview && known.target === target) return known;
  return { preview, target, candidates: bindPreview(preview, key, target) };
}

type EndpointsByPort = ReadonlyMap<ServicePort, BaselineEndpoints>;

/** None for an ExternalName Service: it has no endpoints that anybody could route to. */
function endpointsByPort({ target, slices, leaks }: ServiceInput): EndpointsByPort {
  if (target === undefined || target.service.type === 'ExternalName') return new Map();
  const leaked = leaks.length === 0 ? NO_MEMBERS : new Set(leaks.map(({ pod }) => pod));
  return new Map(tcpPorts(target.service).map((port) => [port, baselineEndpoints(slices, port.name, leaked)]));
}

/** Where leaked pods are all there is, they stay: sent on to the baseline, their requests would come back to them. */
function leftOutPods({ slices, leaks }: ServiceInput, endpoints: EndpointsByPort): ReadonlySet<ObjectKey> {
  if (leaks.length === 0) return NO_MEMBERS;
  const leftOut = new Set(leaks.map(({ pod }) => pod));
  for (const [port, { withoutLeaked }] of endpoints) {
    if (withoutLeaked) continue;
    for (const slice of slices) {
      if (slice.ports.some(({ name }) => name === port.name)) for (const pod of podsOf(slice)) leftOut.delete(pod);
    }
  }
  return leftOut;
}

function affordable(candidates: readonly Candidate[]): readonly Candidate[] {
  if (candidates.every(({ cost }) => cost === 0)) return candidates;
  const isActive = ({ intercept }: Candidate): boolean => intercept.state === 'active';
  const byPort = Map.groupBy(candidates.filter(isActive), ({ intercept }) => intercept.target);
  return [...candidates.filter((candidate) => !isActive(candidate)), ...[...byPort.values()].flatMap(withinBudget)];
}

function withFault(candidate: Candidate, fault: Fault): Candidate {
  const { intercept, subject } = candidate;
  const problems = [...intercept.problems, problemOf(fault, subject, intercept.id)];
  return { ...candidate, intercept: { ...intercept, problems } };
}

/** By port and mode. */
export type Settlements = ReadonlyMap<string, Settlement>;

function settleAll(candidates: readonly Candidate[], previous: Settlements | undefined): Settlements {
  if (candidates.length === 0) return NO_ENTRIES;
  const active = candidates.filter(({ intercept }) => intercept.state === 'active');
  const groups = Map.groupBy(active, ({ intercept }) => settlementName(intercept.target, intercept.mode));
  return new Map([...groups].map(([name, rivals]) => [name, settle(rivals, previous?.get(name))]));
}

function settlementName(port: ServicePortKey, mode: Mode): string {
  return `${mode} ${port}`;
}

interface ServiceParts {
  readonly target: TargetService;
  readonly endpoints: EndpointsByPort;
  readonly intercepts: readonly Intercept[];
  readonly byId: ReadonlyMap<InterceptId, Intercept>;
  readonly settlements: Settlements;
  readonly leakProblems: readonly Problem[];
}

function serviceModel(parts: ServiceParts, previous: ServiceModel | undefined): ServiceModel {
  const { target, endpoints, intercepts, byId, settlements, leakProblems } = parts;
  const { key, service } = target;
  const byPort: ReadonlyMap<ServicePortKey, readonly Intercept[]> =
    intercepts.length === 0
      ? NO_ENTRIES
      : Map.groupBy(
          intercepts.filter(({ state }) => state === 'active'),
          (intercept) => intercept.target,
        );
  const ports = [...endpoints].map(([port, { addresses }]): PortModel => {
    const portKey = servicePortKey(key, port.port);
    const active = byPort.get(portKey) ?? NO_ITEMS;
    const rules = (mode: Mode) =>
      settlements.size === 0 ? NO_ITEMS : ruleEntries(settlements.get(settlementName(portKey, mode))?.rules ?? [], byId);
    const next: PortModel = {
      key: portKey,
      port: port.port,
      name: port.name,
      protocol: portProtocol(port),
      baseline: addresses,
      routes: byKey(active, 'route'),
      rules: rules('route'),
      mirrors: byKey(active, 'mirror'),
      mirrorRules: rules('mirror'),
    };
    return keepPort(
      previous?.ports.find((other) => other.key === portKey),
      next,
    );
  });
  const { namespace, name } = splitObjectKey(key);
  const next: ServiceModel = {
    key,
    namespace,
    name,
    clusterIPs: service.clusterIPs,
    external: service.type === 'ExternalName',
    ports,
    intercepts: keep(previous?.intercepts, intercepts),
    problems: orNone([...target.policy.problems, ...leakProblems, ...noEndpoints(target, ports)]),
  };
  return keep(previous, next);
}

function byKey(active: readonly Intercept[], mode: Mode): ReadonlyMap<string, Intercept> {
  if (active.length === 0) return NO_ENTRIES;
  return mapOf(active.filter((intercept) => intercept.mode === mode).map((intercept) => [intercept.key, intercept]));
}

function ruleEntries(places: readonly RulePlace[], byId: ReadonlyMap<InterceptId, Intercept>): readonly RuleEntry[] {
  if (places.length === 0) return NO_ITEMS;
  return places.flatMap(({ intercept: id, place }) => {
    const intercept = byId.get(id);
    const alternative = intercept?.rule?.alternatives[place];
    return intercept && alternative ? [{ intercept, alternative }] : [];
  });
}

/** The parts too: who only looks at the endpoints of a port need not look again when its rules change. */
function keepPort(previous: PortModel | undefined, next: PortModel): PortModel {
  if (previous === undefined) return next;
  return keep(previous, {
    ...next,
    baseline: keep(previous.baseline, next.baseline),
    routes: keep(previous.routes, next.routes),
    rules: keep(previous.rules, next.rules),
    mirrors: keep(previous.mirrors, next.mirrors),
    mirrorRules: keep(previous.mirrorRules, next.mirrorRules),
  });
}

function leakFault(preview: Preview, key: ObjectKey, leaks: readonly Leak[], leftOut: ReadonlySet<ObjectKey>): Fault {
  const { kind, namespace, name } = preview.name;
  const then = leaks.every(({ pod }) => leftOut.has(pod))
    ? "Detour keeps the baseline's requests from them; what does not pass one of its Envoys still reaches them"
    : "they stay among the baseline's endpoints, as there are no others";
  return {
    code: 'PreviewInBaseline',
    message: `The selector of Service ${key} also matches the pods of ${kind} ${namespace}/${name}, a preview: ${then}.`,
    hint: "Remove one of the labels that the selector asks for from the preview's pod template.",
  };
}

/** Told where it matters here: many a Service is scaled to nothing on purpose. */
function noEndpoints({ key, hosts }: TargetService, ports: readonly PortModel[]): readonly Problem[] {
  const wanted = hosts.length > 0 || ports.some((port) => port.routes.size > 0 || port.mirrors.size > 0);
  if (!wanted || ports.some((port) => port.baseline.length > 0)) return [];
  const fault: Fault = {
    code: 'NoEndpoints',
    message: `Service ${key} has no endpoint that is ready: requests for its baseline are answered 503.`,
    hint: "Look whether its selector matches its pods' labels, and whether they are ready.",
  };
  return [problemOf(fault, { kind: 'Service', key })];
}
