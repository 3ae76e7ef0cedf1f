/**
 * Manifests in, previews out: a folder for each feature, with the arguments of `detour preview`. `UPDATE_GOLDEN=1` writes
 * what is expected; read the difference before it is committed.
 */
import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { lintManifests } from '../../../src/cli/lint/lint-manifests.ts';
import { fieldsOfAll, manifestsOf } from '../../../src/cli/manifest-objects.ts';
import { selects, serviceSelector } from '../../../src/preview/selector.ts';
import { nameOfObject, podLabels } from '../../../src/preview/workload.ts';
import { CASE_FOLDER, CASES, previewCase } from '../../support/preview-cases.ts';

describe.each(CASES)('%s', (name) => {
  test('the previews are as written down, and so is what is said of them', async () => {
    const { code, out, err } = await previewCase(name);
    const actual = { 'out.yaml': out, 'err.txt': err };
    expect(code).toBe(0);
    for (const [file, text] of Object.entries(actual)) {
      const path = join(CASE_FOLDER, name, file);
      if (process.env['UPDATE_GOLDEN'] === '1' && process.env['CI'] === undefined) writeFileSync(path, text);
      expect(text).toBe(await readFile(path, 'utf8'));
    }
  });

  test('lint finds nothing in them beside their baseline, and no Service selects them', async () => {
    const { out } = await previewCase(name);
    const before = manifestsOf({
      file: 'in.yaml',
      text: await readFile(join(CASE_FOLDER, name, 'in.yaml'), 'utf8'),
      found: false,
    });
    const after = manifestsOf({ file: 'out.yaml', text: out, found: false });
    expect(lintManifests([...before.objects, ...after.objects], Date.parse('2027-01-01T00:00:00Z'))).toEqual([]);
    for (const service of fieldsOfAll(before.objects).filter(({ kind }) => kind === 'Service')) {
      for (const copy of fieldsOfAll(after.objects))
        expect(selects(serviceSelector(service), podLabels(copy)), nameOfObject(service)).toBe(false);
    }
  });
});
