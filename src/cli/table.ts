/** Tables as kubectl prints them: columns by spaces, no frame, no colour. */
export interface Column<Row> {
  /** In capitals. */
  readonly title: string;
  /** Only with `-o wide`. */
  readonly wide?: boolean;
  readonly cell: (row: Row) => string;
}

/** What a terminal would take for an order, and what would break the line. */
const CONTROL = /\p{Cc}+/gu;
const GAP = '   ';

/** Lines, each with its end. An empty cell is `-`. */
export function formatTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], wide: boolean): string {
  const shown = columns.filter((column) => wide || column.wide !== true);
  const lines = [
    shown.map(({ title }) => title),
    ...rows.map((row) => shown.map(({ cell }) => cell(row).replace(CONTROL, ' ').trim() || '-')),
  ];
  const widths = shown.map((_, place) => Math.max(...lines.map((line) => line[place]?.length ?? 0)));
  return lines
    .map(
      (line) =>
        `${line
          .map((text, place) => text.padEnd(widths[place] ?? 0))
          .join(GAP)
          .trimEnd()}\n`,
    )
    .join('');
}
