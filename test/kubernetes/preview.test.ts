/** What `detour preview` prints is what a real API server takes, to the last field, and takes again as an update. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { Fields } from '../../src/model/field-reader.ts';
import { DEFAULT_COPY } from '../../src/preview/copy-options.ts';
import { copyWorkload } from '../../src/preview/copy-workload.ts';
import type { KubernetesObject } from '../support/kubernetes/api-client.ts';
import { type ApiServer, startApiServer } from '../support/kubernetes/api-server.ts';
import { CASE_FOLDER, CASES, previewCase } from '../support/preview-cases.ts';

let api: ApiServer;

beforeAll(async () => {
  api = await startApiServer();
  await api.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } }]);
});

afterAll(() => api[Symbol.asyncDispose]());

/** Creates it for nothing but the answer: unknown fields, missing ones and values that are not taken are refused. */
async function dryRun(object: KubernetesObject): Promise<KubernetesObject> {
  const group = object.apiVersion.includes('/') ? 'apis' : 'api';
  const path = `/${group}/${object.apiVersion}/namespaces/${object.metadata.namespace ?? 'default'}/${object.kind.toLowerCase()}s`;
  return await api.request('POST', `${path}?dryRun=All&fieldValidation=Strict`, object);
}

function documents(text: string): KubernetesObject[] {
  return parseAllDocuments(text)
    .map((document): unknown => document.toJS())
    .flatMap((value) => (value === null ? [] : objectsOf(value as KubernetesObject)));
}

function objectsOf(value: KubernetesObject): readonly KubernetesObject[] {
  return value.kind === 'List' ? (value['items'] as readonly KubernetesObject[]) : [value];
}

describe.each(CASES)('%s', (name) => {
  test('the API server takes the previews', async () => {
    const previews = documents((await previewCase(name)).out);
    expect(previews.length).toBeGreaterThan(0);
    for (const preview of previews) {
      const stored = await dryRun(preview);
      expect(stored.metadata['labels']).toEqual(preview.metadata['labels']);
    }
  });

  test('it takes copies of what it has stored itself, and the same again', async () => {
    const all = documents(readFileSync(join(CASE_FOLDER, name, 'in.yaml'), 'utf8'));
    const services = all.filter(({ kind }) => kind === 'Service');
    for (const object of all.filter(({ kind }) => ['Deployment', 'StatefulSet', 'Pod'].includes(kind))) {
      const { status: _, metadata, ...rest } = object;
      const { resourceVersion: __, uid: ___, managedFields: ____, ...own } = metadata;
      const stored: Fields = await dryRun({ ...rest, metadata: own } as KubernetesObject);
      const options = {
        ...DEFAULT_COPY,
        key: 'pr-1',
        standsInFor: [{ service: services[0]?.metadata.name ?? '', port: undefined }],
      };
      const copy = copyWorkload(stored, services, options);
      if ('faults' in copy) throw new Error(JSON.stringify(copy.faults));
      const manifest = copy.manifest as unknown as KubernetesObject;
      const taken: Fields = await dryRun(manifest);
      // An update is a copy of the same baseline: nothing that the server added stands in its way.
      const again = copyWorkload(stored, services, options);
      expect(again).toEqual(copy);
      expect(taken['spec']).toMatchObject(manifest['spec'] as Fields);
    }
  });
});

test('a ReplicaSet of its own is taken too', async () => {
  const template = { metadata: { labels: { app: 'api' } }, spec: { containers: [{ name: 'api', image: 'api:1' }] } };
  const spec = { selector: { matchLabels: { app: 'api' } }, template };
  const options = {
    ...DEFAULT_COPY,
    key: 'pr-1',
    standsInFor: [{ service: 'api', port: undefined }],
    expiresAt: 1_900_000_000_000,
  };
  const copy = copyWorkload({ apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name: 'api' }, spec }, [], options);
  if ('faults' in copy) throw new Error(JSON.stringify(copy.faults));
  await expect(dryRun(copy.manifest as unknown as KubernetesObject)).resolves.toMatchObject({ kind: 'ReplicaSet' });
});

test('a field that is none is refused: the check can fail', async () => {
  const [preview] = documents((await previewCase('helm-chart')).out);
  const wrong = { ...preview, spec: { ...(preview?.['spec'] as Fields), sepc: 1 } } as unknown as KubernetesObject;
  await expect(dryRun(wrong)).rejects.toThrow(/unknown field "spec\.sepc"/);
});
