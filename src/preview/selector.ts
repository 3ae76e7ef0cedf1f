/** Label selectors as Kubernetes has them: what a Service, a workload and placement rules select pods by. */
import { type Fields, isFields } from '../model/field-reader.ts';

export type Labels = Readonly<Record<string, string>>;

/** `In`: one of `values`. The others of Kubernetes, by their names. */
export interface Requirement {
  readonly key: string;
  readonly operator: string;
  readonly values: readonly string[];
}

/** All must hold. Empty: everything is selected. */
export type Selector = readonly Requirement[];

/** `spec.selector` of a Service; undefined: it selects nothing, somebody else writes its endpoints. */
export function serviceSelector(service: Fields): Selector | undefined {
  const spec = isFields(service['spec']) ? service['spec'] : {};
  const selector = equalities(spec['selector']);
  return selector.length === 0 || spec['type'] === 'ExternalName' ? undefined : selector;
}

/** A LabelSelector; undefined where there is none: that selects nothing. */
export function labelSelector(value: unknown): Selector | undefined {
  if (!isFields(value)) return undefined;
  const expressions = Array.isArray(value['matchExpressions']) ? value['matchExpressions'] : [];
  return [...equalities(value['matchLabels']), ...expressions.flatMap(readExpression)];
}

export function selects(selector: Selector | undefined, labels: Labels): boolean {
  return selector?.every((requirement) => holds(requirement, labels)) ?? false;
}

/** The texts of a map of labels; what is no text is left out. */
export function readLabels(value: unknown): Labels {
  if (!isFields(value)) return {};
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

function equalities(value: unknown): Selector {
  return Object.entries(readLabels(value)).map(([key, text]) => ({ key, operator: 'In', values: [text] }));
}

function readExpression(value: unknown): Selector {
  if (!isFields(value) || typeof value['key'] !== 'string' || typeof value['operator'] !== 'string') return [];
  const values = Array.isArray(value['values']) ? value['values'].filter((each) => typeof each === 'string') : [];
  return [{ key: value['key'], operator: value['operator'], values }];
}

/** An operator that Kubernetes does not have holds for nothing. */
function holds({ key, operator, values }: Requirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      return false;
  }
}
