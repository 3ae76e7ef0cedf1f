/** Which Envoys no receipt counts: what replicas know of those that others served. */
import { FieldReader } from '../../model/field-reader.ts';

/** What one replica says. */
export interface CensusView {
  readonly name: string;
  /** Replicas that it can ask. */
  readonly others: readonly string[];
  readonly isSettled: boolean;
  /** `node.id`. */
  readonly astray: readonly string[];
}

/** undefined: the replica does not say. */
export function readCensus(body: unknown): CensusView | undefined {
  const read = new FieldReader();
  const { census } = read.map(body, 'the answer');
  if (census === undefined) return undefined;
  const fields = read.map(census, 'census');
  return {
    name: read.text(fields['name'], 'census.name'),
    others: read.list(fields['others'], 'census.others').map((each) => read.text(each, 'census.others')),
    isSettled: fields['isSettled'] === true,
    astray: Object.keys(read.map(fields['astray'], 'census.astray')),
  };
}

/** Why receipts may lack Envoys, a sentence part each. */
export function unaccounted(censuses: readonly CensusView[]): readonly string[] {
  const asked = new Set(censuses.map(({ name }) => name));
  const others = new Set(censuses.flatMap((each) => each.others).filter((name) => !asked.has(name)));
  const astray = [...new Set(censuses.flatMap((each) => each.astray))].sort();
  const isNew = censuses.some(({ isSettled }) => !isSettled);
  return [
    ...[...others].map((name) => `replica ${name} serves Envoys too, and was not asked`),
    ...(astray.length === 0
      ? []
      : [`a replica has gone, and ${listed(astray)} ${astray.length === 1 ? 'is' : 'are'} not back yet`]),
    ...(isNew ? ['the control plane has just started: its Envoys have ten seconds to come back'] : []),
  ];
}

function listed(names: readonly string[]): string {
  return `${names.slice(0, 3).join(', ')}${names.length > 3 ? `, and ${names.length - 3} more` : ''}`;
}
