/** What every command that shows something can write: `-o table|wide|json|yaml|name`. */
import { stringify } from 'yaml';
import { one, readChoice } from '../flag-values.ts';
import type { Flag } from '../flags.ts';
import { type Column, formatTable } from './table.ts';

/** In the order of help and completion. */
export const FORMATS = ['table', 'wide', 'json', 'yaml', 'name'] as const;
export type Format = (typeof FORMATS)[number];

/** The flag `output`, short `-o`. @param formats those that the command has; the first one is the default. */
export function outputFlag<Name extends string>(formats: readonly [Name, ...Name[]], summary: string): Flag<Name> {
  return { ...one({ value: formats.join('|'), default: [formats[0]], summary }, readChoice(formats)), short: 'o' };
}

export interface Listing<Row> {
  readonly rows: readonly Row[];
  readonly columns: readonly Column<Row>[];
  /** Of a row for `-o name`: what another command takes. */
  readonly name: (row: Row) => string;
  /** For JSON and YAML: all that is known. */
  readonly document: unknown;
  /** The sentence in place of a table without rows. */
  readonly empty: string;
}

export function formatListing<Row>(format: Format, listing: Listing<Row>): string {
  switch (format) {
    case 'json':
      return toJson(listing.document);
    case 'yaml':
      return toYaml(listing.document);
    case 'name':
      // Rows may share one, and another command takes it once.
      return [...new Set(listing.rows.map(listing.name))].map((name) => `${name}\n`).join('');
    default:
      if (listing.rows.length === 0) return `${listing.empty}\n`;
      return formatTable(listing.columns, listing.rows, format === 'wide');
  }
}

export function toJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/** YAML that parsers of YAML 1.1 read in the same way: `on` and `no` in quotes, no anchors. */
export function toYaml(value: unknown): string {
  return stringify(value, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false });
}

/** For `-o name`, as kubectl names an object: `deployment/api-pr-42`. */
export function objectName(kind: string, name: string): string {
  return `${kind.toLowerCase()}/${name}`;
}

/** A document each. */
export function toYamlDocuments(values: readonly unknown[]): string {
  return values.map((value) => `---\n${toYaml(value)}`).join('');
}
