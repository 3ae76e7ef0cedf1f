/** A table that is printed line by line, as its rows come: so the widths are given, not found. */
import { styleText } from 'node:util';

export interface Column {
  readonly title: string;
  readonly width: number;
}

export interface Cell {
  readonly text: string;
  readonly style?: 'green' | 'yellow' | 'red' | 'dim' | 'bold';
}

export function headLine(columns: readonly Column[]): string {
  return line(
    columns,
    columns.map(({ title }) => ({ text: title, style: 'dim' })),
  );
}

/** Cells beyond the last column are left out; a text longer than its column pushes the rest on. */
export function line(columns: readonly Column[], cells: readonly Cell[]): string {
  return columns
    .map(({ width }, index) => {
      const { text, style } = cells[index] ?? { text: '' };
      // Padded outside of the style, which adds characters that take no room.
      const padding = ' '.repeat(Math.max(0, width - text.length));
      return (style === undefined ? text : styleText(style, text)) + padding;
    })
    .join('  ')
    .trimEnd();
}
