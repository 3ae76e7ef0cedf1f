/** The Envoys that a command is about, for `-o wide`: a line each. */

/** @param envoys by `node.id`: whether it has acknowledged what it needs */
export function envoyLines(envoys: Readonly<Record<string, boolean>>): string {
  return Object.entries(envoys)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, has]) => `  ${id} ${has ? 'has it' : 'does not have it yet'}\n`)
    .join('');
}
