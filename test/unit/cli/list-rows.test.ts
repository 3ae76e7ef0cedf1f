import { expect, test } from 'vitest';
import { previewReport } from '../../../src/admin/preview-report.ts';
import { readPreviews } from '../../../src/cli/control-plane/reports.ts';
import { listRows, ROW_COLUMNS } from '../../../src/cli/list-rows.ts';
import { formatTable } from '../../../src/cli/table.ts';
import { InterceptEngine } from '../../../src/intercepts/engine.ts';
import type { Pod } from '../../../src/model/cluster-state.ts';
import { aPod, puts } from '../../support/builders.ts';

const NOW = Date.parse('2026-12-05T00:00:00Z');
const BORN = Date.parse('2026-12-01T00:00:00Z');

/** The AGE of a preview of these pods. */
function age(...pods: readonly Pod[]): string | undefined {
  const engine = new InterceptEngine();
  engine.apply(puts(...pods), NOW);
  const body = { previews: [...engine.previews()].map(previewReport) };
  const previews = readPreviews(JSON.parse(JSON.stringify(body))) ?? [];
  const rows = listRows({ intercepts: [], previews, header: '', replicas: [], troubles: [], unaccounted: [] }, NOW);
  const columns = ROW_COLUMNS.filter(({ title }) => title === 'AGE');
  return formatTable(columns, rows, false).split('\n')[1];
}

test('the age of a preview is that of the oldest pod that says when it was made; without one it is not told', () => {
  const born = aPod({ name: 'pr-42-0', createdAt: BORN });
  const later = aPod({ name: 'pr-42-1', createdAt: BORN + 1_000 });
  const unsaid = aPod({ name: 'pr-42-2', createdAt: 0 });
  expect(age(later, born)).toBe('4d');
  expect(age(unsaid, born)).toBe('4d');
  expect(age(unsaid)).toBe('-');
});
