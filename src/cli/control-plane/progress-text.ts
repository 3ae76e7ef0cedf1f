/** A line for each thing that is waited for. */
export function progressText(lacks: readonly string[]): string {
  return lacks.map((lack) => `waiting: ${lack}\n`).join('');
}
