/** The rows of `detour list`: an intercept each, and previews that stand in for nothing. */
import { compareText } from '../model/order.ts';
import type { Overview } from './control-plane/client.ts';
import type { PreviewView, ProblemView } from './control-plane/reports.ts';
import { ageText, receiptText, stateText } from './control-plane/state-text.ts';
import type { Column } from './table.ts';

export interface ListRow {
  readonly key: string;
  readonly namespace: string;
  readonly preview: string;
  /** `api:80`, with its namespace where that is another one. */
  readonly service: string;
  readonly state: string;
  readonly receipt: string;
  readonly age: string;
  /** From now on. */
  readonly expires: string;
  readonly urls: readonly string[];
  readonly match: string;
  readonly mode: string;
  readonly endpoints: readonly string[];
  readonly problems: readonly ProblemView[];
}

export const ROW_COLUMNS: readonly Column<ListRow>[] = [
  { title: 'NAMESPACE', cell: (row) => row.namespace },
  { title: 'KEY', cell: (row) => row.key },
  { title: 'PREVIEW', cell: (row) => row.preview },
  { title: 'SERVICE', cell: (row) => row.service },
  { title: 'STATE', cell: (row) => row.state },
  { title: 'ENVOYS', cell: (row) => row.receipt },
  { title: 'AGE', cell: (row) => row.age },
  { title: 'EXPIRES', cell: (row) => row.expires },
  { title: 'URL', cell: ({ urls: [first = '', ...others] }) => (others.length === 0 ? first : `${first} (+${others.length})`) },
  { title: 'PROBLEMS', cell: (row) => [...new Set(row.problems.map(({ code }) => code))].join(',') },
  { title: 'MODE', wide: true, cell: (row) => row.mode },
  { title: 'MATCH', wide: true, cell: (row) => row.match.replaceAll('\n', '; ') },
  { title: 'ENDPOINTS', wide: true, cell: (row) => row.endpoints.join(',') },
];

/** @param now ms since the epoch */
export function listRows({ intercepts, previews }: Overview, now: number): readonly ListRow[] {
  const nameOf = (one: { readonly namespace: string; readonly key: string; readonly workload: string }) =>
    `${one.namespace}/${one.key}/${one.workload}`;
  const byName = new Map(previews.map((preview) => [nameOf(preview), preview]));
  const standing = new Set(intercepts.map(nameOf));
  const rows = intercepts.map((intercept): ListRow => {
    const { key, namespace, workload, mode, percent, match, endpoints, urls, expires } = intercept;
    const preview = byName.get(nameOf(intercept));
    return {
      ...{ key, namespace, match, endpoints, urls },
      preview: shortName(workload),
      service: serviceText(intercept.target, namespace),
      state: stateText(intercept),
      receipt: receiptText(intercept),
      age: ageOf(preview, now),
      expires: expires === '' ? '' : expiresText(Date.parse(expires) - now),
      mode: percent === 100 ? mode : `${mode} ${percent}%`,
      problems: [...(preview?.problems ?? []), ...intercept.problems],
    };
  });
  const idle = previews
    .filter((preview) => !standing.has(nameOf(preview)))
    .map((preview): ListRow => {
      const { key, namespace, workload, problems } = preview;
      const nothing = { service: '', receipt: '', expires: '', urls: [], match: '', mode: '', endpoints: [] };
      return { ...nothing, key, namespace, preview: shortName(workload), state: 'invalid', age: ageOf(preview, now), problems };
    });
  return [...rows, ...idle].sort((a, b) => compareText(a.namespace, b.namespace) || compareText(a.key, b.key));
}

/** `Deployment/api-pr-42` is what one expects; other kinds are told. */
function shortName(workload: string): string {
  return workload.replace(/^Deployment\//, '');
}

function serviceText(target: string, namespace: string): string {
  return target.startsWith(`${namespace}/`) ? target.slice(namespace.length + 1) : target;
}

function ageOf(preview: PreviewView | undefined, now: number): string {
  return preview === undefined || preview.createdAt === '' ? '' : ageText(now - Date.parse(preview.createdAt));
}

function expiresText(ms: number): string {
  return ms <= 0 ? 'expired' : `in ${ageText(ms)}`;
}
