import { describe, expect, test } from 'vitest';
import { importsOf, violations } from '../../../tools/imports.ts';

function check(files: Readonly<Record<string, readonly string[]>>): string[] {
  return violations(new Map(Object.entries(files)));
}

describe('importsOf', () => {
  test('finds every form of import, types too', () => {
    const text = `
      import type { A } from './a.ts';
      import './b.ts';
      export { c } from './c.ts';
      export * as d from './d.ts';
      const e = await import('./e.ts');
      type F = import('./f.ts').F;
      export async function g() { await using h = e; return 'import x from "./not.ts"'; }
    `;
    expect(importsOf('x.ts', text)).toEqual(['./a.ts', './b.ts', './c.ts', './d.ts', './e.ts', './f.ts']);
  });

  test('a file that is no TypeScript is told by name', () => {
    expect(() => importsOf('x.ts', 'import {')).toThrow(/^x\.ts: /);
  });
});

describe('violations', () => {
  test('imports with the stream are allowed', () => {
    expect(check({ 'intercepts/a.ts': ['../model/b.ts', './c.ts'], 'model/b.ts': [], 'intercepts/c.ts': [] })).toEqual([]);
  });

  test('an import against the stream is told with the reason', () => {
    expect(check({ 'model/a.ts': ['../translate/b.ts'] })).toEqual([
      'src/model/a.ts: model may not import translate (translate/b.ts): the words that all rooms share know none of them.',
    ]);
  });

  test('a package has one door', () => {
    expect(check({ 'logger.ts': ['pino/file.js'] })).toEqual([]);
    expect(check({ 'xds/session.ts': ['pino/file.js'] })).toEqual([expect.stringContaining('imports pino, whose door is')]);
    expect(check({ 'xds/session.ts': ['left-pad'] })).toEqual([expect.stringContaining('left-pad, which has no rule')]);
  });

  test('pure rooms reach no I/O', () => {
    expect(check({ 'translate/a.ts': ['node:fs'] })).toEqual([expect.stringContaining('translate is pure')]);
    expect(check({ 'translate/a.ts': ['node:crypto'], 'cli/a.ts': ['node:fs'] })).toEqual([]);
  });

  test('a room without a rule and a path out of src are told', () => {
    expect(check({ 'attic/a.ts': [] })).toEqual([expect.stringContaining('the room attic has no rule')]);
    expect(check({ 'app.ts': ['../test/support/until.ts'] })).toEqual([expect.stringContaining('outside src/')]);
  });

  test('a circle is told once', () => {
    expect(check({ 'model/a.ts': ['./b.ts'], 'model/b.ts': ['./c.ts'], 'model/c.ts': ['./a.ts'] })).toEqual([
      'src/model/a.ts: imports itself by way of model/b.ts → model/c.ts → model/a.ts.',
    ]);
  });
});
