/** What a TypeScript file imports, types included, and which of that the rules forbid. */
import { posix } from 'node:path';
import { parseSync, Visitor } from 'oxc-parser';
import { DOORS, PURE_NODE_MODULES, ROOMS } from './import-rules.ts';

/** Every module that is named by a static or dynamic import, a re-export or an `import('…')` type. */
export function importsOf(file: string, text: string): string[] {
  const { program, errors } = parseSync(file, text);
  const [error] = errors;
  if (error !== undefined) throw new Error(`${file}: ${error.message}`);
  const found = new Set<string>();
  const add = (node: { readonly type: string; readonly value?: unknown } | null): void => {
    if (node !== null && typeof node.value === 'string') found.add(node.value);
  };
  new Visitor({
    ImportDeclaration: (node) => add(node.source),
    ExportNamedDeclaration: (node) => add(node.source),
    ExportAllDeclaration: (node) => add(node.source),
    ImportExpression: (node) => add(node.source),
    TSImportType: (node) => add(node.source),
  }).visit(program);
  return [...found].sort();
}

/** The room of a path below src/. */
function roomOf(path: string): string {
  const slash = path.indexOf('/');
  return slash === -1 ? path : path.slice(0, slash);
}

/** The package of a bare specifier: `@scope/name/sub` → `@scope/name`. */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** One sentence for each import that is not allowed. Files by their path below src/, imports as {@link importsOf} tells. */
export function violations(files: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = [];
  for (const [file, imports] of files) {
    const room = roomOf(file);
    const rule = ROOMS[room];
    if (rule === undefined) {
      found.push(`src/${file}: the room ${room} has no rule: add it to tools/import-rules.ts.`);
      continue;
    }
    for (const specifier of imports) {
      const problem = specifier.startsWith('.') ? crossing(file, specifier) : reaching(file, specifier);
      if (problem !== undefined) found.push(`src/${file}: ${problem}`);
    }
  }
  return [...found, ...cycles(files)];
}

function crossing(file: string, specifier: string): string | undefined {
  const target = posix.normalize(posix.join(posix.dirname(file), specifier));
  if (target.startsWith('..')) return `imports ${specifier}, which is outside src/.`;
  const [from, to] = [roomOf(file), roomOf(target)];
  const rule = ROOMS[from];
  if (from === to || rule === undefined || rule.imports.includes(to)) return undefined;
  return `${from} may not import ${to} (${target}): ${rule.why}.`;
}

function reaching(file: string, specifier: string): string | undefined {
  if (specifier.startsWith('node:')) {
    const room = roomOf(file);
    if (ROOMS[room]?.purity !== 'pure' || PURE_NODE_MODULES.has(specifier)) return undefined;
    return `imports ${specifier}, but ${room} is pure: no I/O, clock or randomness.`;
  }
  const name = packageOf(specifier);
  const rule = DOORS[name];
  if (rule === undefined) return `imports ${name}, which has no rule: add it to tools/import-rules.ts.`;
  return rule.door.test(file) ? undefined : `imports ${name}, whose door is ${String(rule.door)}: ${rule.why}.`;
}

/** Files that import each other in a circle; each circle is told once. */
function cycles(files: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const path: string[] = [];
  const found: string[] = [];
  const visit = (file: string): void => {
    const start = path.indexOf(file);
    if (start !== -1) {
      found.push(`src/${file}: imports itself by way of ${[...path.slice(start + 1), file].join(' → ')}.`);
      return;
    }
    if (done.has(file)) return;
    path.push(file);
    for (const specifier of files.get(file) ?? []) {
      if (specifier.startsWith('.')) visit(posix.normalize(posix.join(posix.dirname(file), specifier)));
    }
    path.pop();
    done.add(file);
  };
  for (const file of files.keys()) visit(file);
  return found;
}
