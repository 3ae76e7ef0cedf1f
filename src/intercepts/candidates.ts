/** One preview and one Service that it names: the intercepts that come of it, before any conflict is settled. */
import type { BaselinePolicy } from '../annotations/declarations.ts';
import { checkModes, checkRule, namespaceAllowed } from '../annotations/policy.ts';
import type { Service } from '../model/cluster-state.ts';
import type { Declaration, HostModel, Intercept } from '../model/intercept.ts';
import { interceptId, type ObjectKey, type ServicePortKey, servicePortKey } from '../model/names.ts';
import { PROBLEMS, type Subject } from '../model/problem.ts';
import { ruleCost } from '../model/re2.ts';
import { type Fault, problemOf } from './fault.ts';
import { previewEndpoints } from './preview-endpoints.ts';
import type { Preview } from './previews.ts';
import { type Binding, bindTargets } from './targets.ts';

export interface Candidate {
  readonly intercept: Intercept;
  /** Who is told of its problems. */
  readonly subject: Subject;
  /** undefined: it could not be bound to a port. */
  readonly binding: Binding | undefined;
  /** Of its regular expressions, in RE2 instructions. */
  readonly cost: number;
  /** Its preview has no pod left, and is kept for a while. */
  readonly lingering: boolean;
}

/**
 * What the Service says, as far as candidates depend on it. The same object as long as nothing in it changes, so that a
 * preview that did not change either need not be looked at again.
 */
export interface TargetService {
  readonly key: ObjectKey;
  readonly service: Service;
  readonly policy: BaselinePolicy;
  /** Public hosts that gateways serve for it, by name. */
  readonly hosts: readonly Pick<HostModel, 'host' | 'previewUrls'>[];
}

/** @param target undefined: there is no such Service. */
export function bindPreview(preview: Preview, key: ObjectKey, target: TargetService | undefined): readonly Candidate[] {
  const { declaration } = preview;
  if (declaration === undefined) return [];
  const targets = declaration.targets.filter((candidate) => candidate.service === key);
  const { bindings, unbound } = bindTargets(targets, key, target?.service);
  const served = bindings.map((binding) => {
    const { addresses, fault } = previewEndpoints(preview.backends, binding);
    const faults = [...(fault ? [fault] : []), ...(target ? policyFaults(declaration, target.policy) : [])];
    return candidate(preview, declaration, { key, target, binding, port: binding.port.port, faults, addresses });
  });
  const refused = [...Map.groupBy(unbound, ({ port }) => port)].map(([port, entries]) => {
    const faults = entries.map(({ fault }) => fault);
    return candidate(preview, declaration, { key, target, binding: undefined, port, faults, addresses: [] });
  });
  return [...served, ...refused];
}

/**
 * What the Service says to a preview that is not there yet.
 * @param namespace of the preview. @param target undefined: there is no such Service.
 */
export function declarationFaults(
  declaration: Declaration,
  namespace: string,
  key: ObjectKey,
  target: Pick<TargetService, 'service' | 'policy'> | undefined,
): readonly Fault[] {
  if (target !== undefined && !namespaceAllowed(target.policy, namespace)) return [namespaceFault(namespace, key, target.policy)];
  const targets = declaration.targets.filter((candidate) => candidate.service === key);
  const { unbound } = bindTargets(targets, key, target?.service);
  return [...unbound.map(({ fault }) => fault), ...(target === undefined ? [] : policyFaults(declaration, target.policy))];
}

interface Bound {
  readonly key: ObjectKey;
  readonly target: TargetService | undefined;
  readonly binding: Binding | undefined;
  readonly port: number;
  readonly faults: readonly Fault[];
  readonly addresses: Intercept['endpoints'];
}

function candidate(preview: Preview, declaration: Declaration, bound: Bound): Candidate {
  const port: ServicePortKey = servicePortKey(bound.key, bound.port);
  const id = interceptId(preview.name, port);
  const faults = allFaults(preview, declaration, bound, port);
  const invalid = faults.some(({ code }) => PROBLEMS[code].severity === 'error');
  const { rule, whenUnavailable, mode, percent, expiresAt } = declaration;
  const intercept: Intercept = {
    id,
    preview: preview.name,
    key: preview.name.key,
    target: port,
    rule,
    whenUnavailable,
    mode,
    percent,
    expiresAt,
    endpoints: bound.addresses,
    state: preview.expired ? 'expired' : invalid ? 'invalid' : 'active',
    winner: undefined,
    problems: faults.map((fault) => problemOf(fault, preview.subject, id)),
  };
  const cost = rule === undefined ? 0 : ruleCost(rule);
  return { intercept, subject: preview.subject, binding: bound.binding, cost, lingering: hasNoPodLeft(preview) };
}

function allFaults(preview: Preview, declaration: Declaration, bound: Bound, port: ServicePortKey): readonly Fault[] {
  const expired = preview.expired && declaration.expiresAt !== undefined ? [expiredFault(declaration.expiresAt)] : [];
  if (bound.target !== undefined && !namespaceAllowed(bound.target.policy, preview.name.namespace)) {
    // Nothing more: what else the Service allows is no business of this namespace.
    return [namespaceFault(preview.name.namespace, bound.key, bound.target.policy), ...expired];
  }
  if (expired.length > 0 || bound.faults.length > 0) return [...bound.faults, ...expired];
  const empty = bound.addresses.length === 0 ? [noReadyPods(preview, declaration, port)] : [];
  return [...empty, ...urlFaults(preview, bound.target?.hosts ?? [])];
}

function policyFaults(declaration: Declaration, policy: BaselinePolicy): readonly Fault[] {
  return [...(declaration.rule ? checkRule(declaration.rule, policy) : []), ...checkModes(declaration, policy)];
}

function namespaceFault(namespace: string, key: ObjectKey, policy: BaselinePolicy): Fault {
  const allowed = policy.allowFrom.join(', ') || 'none';
  return {
    code: 'NamespaceNotAllowed',
    message: `Service ${key} does not allow intercepts from namespace ${namespace}: it allows ${allowed}.`,
    hint: `Run the preview in such a namespace; or let the Service's owner add ${namespace} to detour.dev/allow-from.`,
  };
}

function expiredFault(expiresAt: number): Fault {
  return {
    code: 'Expired',
    message: `The intercept expired at ${new Date(expiresAt).toISOString()}.`,
    hint: 'Move or remove detour.dev/expires, or delete the preview.',
  };
}

function noReadyPods(preview: Preview, declaration: Declaration, port: ServicePortKey): Fault {
  const instead = declaration.whenUnavailable === 'fail' ? 'its requests are answered 503' : 'the baseline answers its requests';
  const what = preview.backends.kind === 'pods' ? 'pod' : 'endpoint';
  const gone = hasNoPodLeft(preview);
  return {
    code: 'NoReadyPods',
    message: `Preview ${preview.name.key} (${preview.name.kind} ${preview.name.namespace}/${preview.name.name}) has no ${gone ? 'pod left' : `ready ${what}`} for ${port}: ${declaration.mode === 'mirror' ? 'nothing is copied to it' : instead}.`,
    hint: gone ? 'It ends shortly, unless a pod comes back.' : `Look why its ${what}s are not ready.`,
  };
}

function hasNoPodLeft({ backends }: Preview): boolean {
  return backends.kind === 'pods' && backends.pods.length === 0;
}

/** `<key>--<first label>` must be a DNS label of 63 characters at most. */
function urlFaults(preview: Preview, hosts: TargetService['hosts']): readonly Fault[] {
  return hosts.flatMap(({ host, previewUrls }): Fault[] => {
    const label = `${preview.name.key}--${host.split('.', 1)[0]}`;
    // Where no key has a URL, the Service is told.
    if (!previewUrls || label.length <= 63) return [];
    return [
      {
        code: 'NoPreviewUrl',
        message: `There is no preview URL for ${host}: ${label} has ${label.length} characters, and a DNS label takes 63.`,
        hint: 'Choose a shorter key. Requests that carry the key are routed all the same.',
      },
    ];
  });
}
