/** What a baseline Service's annotations say to an intercept of it. */
import type { Declaration } from '../model/intercept.ts';
import type { ProblemCode } from '../model/problem.ts';
import type { Rule, Subject } from '../model/rule.ts';
import { shorten } from '../model/shorten.ts';
import type { AllowedMode, BaselinePolicy } from './declarations.ts';
import { matchesGlob } from './glob.ts';
import { formatPredicate, formatSubject } from './header-rule.ts';
import { isBroadAlternative } from './narrowing.ts';

/** What the policy forbids: a problem but for its subject. */
export interface Violation {
  readonly code: Extract<ProblemCode, 'HeaderNotAllowed' | 'RuleTooBroad' | 'ModeNotAllowed'>;
  readonly message: string;
  readonly hint: string;
}

/** HeaderNotAllowed once a header, RuleTooBroad once an alternative, ModeNotAllowed for regexes. */
export function checkRule(rule: Rule, policy: BaselinePolicy): readonly Violation[] {
  const violations: Violation[] = [];
  const refused = new Set<string>();
  const named = new Set(policy.allowMatch.filter((glob) => !glob.includes('*')));
  for (const alternative of rule.alternatives) {
    for (const { subject } of alternative) {
      const name = formatSubject(subject);
      if (refused.has(name) || isHeaderAllowed(subject, policy)) continue;
      refused.add(name);
      violations.push(headerNotAllowed(name, policy));
    }
    if (!policy.allowMatch.includes('*') && isBroadAlternative(alternative, named)) {
      violations.push({
        code: 'RuleTooBroad',
        message: `The rule ${shorten(alternative.map(formatPredicate).join(', '))} could take everybody's traffic: it has no =, ^=, $= or *= predicate on a header that tells requests apart.`,
        hint: "Add one, like x-user=alice; or let the Service's owner set detour.dev/allow-match to '*', or to the header's name.",
      });
    }
  }
  const regex = rule.alternatives.flat().find(({ operator }) => operator === 'regex');
  if (regex !== undefined && !policy.allowModes.has('regex'))
    violations.push(modeNotAllowed('regex', shorten(formatPredicate(regex))));
  return violations;
}

/** ModeNotAllowed for the mode and for a share of requests. Regexes: see {@link checkRule}. */
export function checkModes(declaration: Pick<Declaration, 'mode' | 'percent'>, policy: BaselinePolicy): readonly Violation[] {
  const violations: Violation[] = [];
  if (!policy.allowModes.has(declaration.mode))
    violations.push(modeNotAllowed(declaration.mode, `detour.dev/mode: ${declaration.mode}`));
  if (declaration.percent < 100 && !policy.allowModes.has('percent')) {
    violations.push(modeNotAllowed('percent', `detour.dev/percent: ${declaration.percent}`));
  }
  return violations;
}

/** Whether previews of a namespace may intercept the Service. By default those of its own, and no others. */
export function namespaceAllowed(policy: Pick<BaselinePolicy, 'allowFrom'>, previewNamespace: string): boolean {
  return policy.allowFrom.some((glob) => matchesGlob(glob, previewNamespace));
}

function isHeaderAllowed(subject: Subject, policy: BaselinePolicy): boolean {
  return policy.allowMatch.some((glob) => {
    if (glob === '*') return true;
    const member = /^baggage\[(.*)\]$/.exec(glob)?.[1];
    if (subject.kind === 'baggage') return member !== undefined && matchesGlob(member, subject.name);
    return member === undefined && matchesGlob(glob, subject.name);
  });
}

function headerNotAllowed(name: string, policy: BaselinePolicy): Violation {
  const code = 'HeaderNotAllowed';
  if (policy.allowMatch.length === 0) {
    return {
      code,
      message: `The rule looks at ${shorten(name)}, and the Service allows no rules.`,
      hint: 'Remove detour.dev/match: requests with the key still go to the preview.',
    };
  }
  return {
    code,
    message: `The rule looks at ${shorten(name)}, which the Service does not allow.`,
    hint: `Use what it allows (${policy.allowMatch.slice(0, 8).join(', ')}); or let its owner add the name to detour.dev/allow-match.`,
  };
}

function modeNotAllowed(mode: AllowedMode, piece: string): Violation {
  return {
    code: 'ModeNotAllowed',
    message: `${piece} is not allowed by the Service.`,
    hint: `Do without; or let the Service's owner add ${mode} to detour.dev/allow-modes.`,
  };
}
