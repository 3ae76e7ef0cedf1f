import { describe, expect, test } from 'vitest';
import { readManifests } from '../../../../src/sources/directory/read.ts';
import { cpuMs } from '../../../support/cpu-time.ts';

const service = (name: string, annotations = '') =>
  `apiVersion: v1\nkind: Service\nmetadata:\n  name: ${name}\n  namespace: shop\n${annotations}spec:\n  ports: [{ port: 80 }]\n`;
const keys = (text: string, file = 'a.yaml') => readManifests(text, file).objects.map(({ key }) => key);

describe('the documents of a file', () => {
  test('are as many as there are, with or without marks, comments, a byte order mark, Windows line ends', () => {
    expect(keys('')).toEqual([]);
    expect(keys('# nothing\n---\n---\n')).toEqual([]);
    expect(keys(service('a'))).toEqual(['shop/a']);
    expect(keys(`\uFEFF---\n${service('a')}---\n# none\n--- # the second\n${service('b')}`)).toEqual(['shop/a', 'shop/b']);
    expect(keys(`%YAML 1.2\n---\n${service('a')}...\n---\n${service('b')}`)).toEqual(['shop/a', 'shop/b']);
    expect(keys(`${service('a')}---\n${service('b')}`.replaceAll('\n', '\r\n'))).toEqual(['shop/a', 'shop/b']);
  });

  test('of JSON are one', () => {
    expect(keys('{"apiVersion":"v1","kind":"Service","metadata":{"name":"a","namespace":"shop"}}', 'a.json')).toEqual(['shop/a']);
    expect(readManifests('{"a":', 'a.json').problems).toMatchObject([
      { code: 'InvalidObject', subject: { kind: 'File', key: 'a.json' } },
    ]);
  });

  test.each([
    ['an open quote', 'a: "open\n'],
    ['an open bracket', 'a: [1\n'],
    ['a tab', 'a:\n\t- b\n'],
    ['a key twice', 'a: 1\na: 2\n'],
    ['an unknown alias', 'a: *nothing\n'],
    [
      'a bomb of aliases',
      `a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n${Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`).join(', ')}]\n`).join('')}`,
    ],
    ['nesting without end', `a: ${'['.repeat(100_000)}\n`],
  ])('with %s in one of them spoil only that one', (_, broken) => {
    const read = readManifests(`${service('a')}---\n${broken}---\n${service('b')}`, 'a.yaml');
    expect(read.objects.map(({ key }) => key)).toEqual(['shop/a', 'shop/b']);
    expect(read.incomplete).toBe(true);
    expect(read.problems).toHaveLength(1);
    expect(read.problems[0]?.message).toMatch(/^a\.yaml, document 2: /);
    expect(read.problems[0]?.message.length).toBeLessThan(400);
  });

  test('name the line of the file, also after an edit further up', () => {
    const text = `${service('a')}---\na: "open\n`;
    const first = readManifests(text, 'a.yaml');
    expect(first.problems[0]?.message).toContain('at line 10:');
    expect(readManifests(`# one more\n${text}`, 'a.yaml', first).problems[0]?.message).toContain('at line 11:');
  });

  test('that did not change are the same objects as before', () => {
    const first = readManifests(`${service('a')}---\n${service('b')}`, 'a.yaml');
    const second = readManifests(`${service('a')}---\n${service('c')}`, 'a.yaml', first);
    expect(second.objects[0]).toBe(first.objects[0]);
    expect(second.objects[1]?.key).toBe('shop/c');
  });
});

describe('sizes', () => {
  test('10,000 annotations and one of 1 MiB take no time to speak of', () => {
    const many = Array.from({ length: 10_000 }, (_, index) => `    detour.dev/x${index}: "y"\n`).join('');
    // CPU time: the machine may be busy with something else. A search for repeated keys that is quadratic takes 4 s.
    const text = `${service('a', `  annotations:\n${many}`)}---\n${service('b', `  annotations:\n    detour.dev/host: "${'x'.repeat(2 ** 20)}"\n`)}`;
    expect(cpuMs(() => void readManifests(text, 'a.yaml'))).toBeLessThan(3_000);
    const read = readManifests(text, 'a.yaml');
    expect(read.problems).toEqual([]);
    expect(read.objects).toHaveLength(2);
  });
});
