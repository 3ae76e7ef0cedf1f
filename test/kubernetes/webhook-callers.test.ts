/** The webhooks with an authority of callers: a real API server that shows a certificate, and somebody who shows none. */
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Authority } from '../support/certificates.ts';
import type { KubernetesObject } from '../support/kubernetes/api-client.ts';
import { type ApiServer, startApiServer } from '../support/kubernetes/api-server.ts';
import { Webhooks } from '../support/kubernetes/webhooks.ts';
import { until } from '../support/until.ts';

const PATIENCE_MS = 60_000;

const authority = new Authority('callers');
let folder: string;
let api: ApiServer;
let webhooks: Webhooks;

const file = (name: string): string => join(folder, name);

/** In its place at once, as a kubelet does. */
async function put(name: string, content: string): Promise<void> {
  await writeFile(file(`${name}.next`), content);
  await rename(file(`${name}.next`), file(name));
}

/** As docs/sidecars.md has them; the webhooks of this test are called by address. @returns the file's */
async function admissionConfiguration(): Promise<string> {
  const { cert, key } = authority.issue({ names: ['DNS:api-server'] });
  await put('api-server.crt', cert);
  await put('api-server.key', key);
  const user = { 'client-certificate': file('api-server.crt'), 'client-key': file('api-server.key') };
  await put('kubeconfig', JSON.stringify({ apiVersion: 'v1', kind: 'Config', users: [{ name: '*', user }] }));
  const apiVersion = 'apiserver.config.k8s.io/v1';
  const configuration = { apiVersion, kind: 'WebhookAdmissionConfiguration', kubeConfigFile: file('kubeconfig') };
  const plugins = ['ValidatingAdmissionWebhook', 'MutatingAdmissionWebhook'].map((name) => ({ name, configuration }));
  await put('admission.json', JSON.stringify({ apiVersion, kind: 'AdmissionConfiguration', plugins }));
  return file('admission.json');
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'detour-callers-'));
  api = await startApiServer({ flags: [`--admission-control-config-file=${await admissionConfiguration()}`] });
  const labels = { 'detour.dev/inject': 'true' };
  await api.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels } }]);
  await put('ca.crt', authority.cert);
  webhooks = await Webhooks.start(api, 1, ['--webhook-client-ca', file('ca.crt')]);
}, 180_000);

afterAll(async () => {
  await webhooks?.stop();
  await api?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const APP = { containers: [{ name: 'app', image: 'shop/api:1' }] };

interface PodObject extends KubernetesObject {
  readonly spec: { readonly initContainers?: readonly object[] };
}

/** How many containers a pod gets that is made now; it is only tried. */
async function injected(): Promise<number> {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'probe', namespace: 'shop' },
    spec: { serviceAccountName: 'default', ...APP },
  };
  const made = await api.request<PodObject>('POST', '/api/v1/namespaces/shop/pods?dryRun=All', pod);
  return made.spec.initContainers?.length ?? 0;
}

function preview(name: string): KubernetesObject {
  const labels = { app: name, 'detour.dev/preview': 'pr-42' };
  const template = { metadata: { labels, annotations: { 'detour.dev/intercept': 'api' } }, spec: APP };
  const metadata = { name, namespace: 'shop' };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { selector: { matchLabels: { app: name } }, template } };
}

/** A review that the API server never made. */
async function forge(): Promise<{ readonly status: number; readonly body: string }> {
  const asked = {
    uid: 'u-1',
    kind: { group: 'apps', version: 'v1', kind: 'Deployment' },
    namespace: 'shop',
    name: 'forged',
    operation: 'CREATE',
    userInfo: { username: 'alice@example.com' },
    object: preview('forged'),
  };
  const agent = new Agent({ rejectUnauthorized: false, keepAlive: false });
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port: webhooks.port, path: '/validate', method: 'POST', agent }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
    });
    outgoing.once('error', reject);
    outgoing.end(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: asked }));
  });
}

test('the API server shows its certificate and is answered; who shows none forges no line of the audit log', async () => {
  await until('the API server to ask', async () => (await injected()) === 2, PATIENCE_MS);
  const { status, body } = await forge();
  expect([status, body]).toEqual([403, expect.stringContaining('this one shows no certificate')]);
  expect(await webhooks.reviews('validate', 'refused')).toBe(1);
  await api.apply([preview('real')]);
  const applied = async (): Promise<readonly unknown[]> =>
    (await webhooks.audit()).filter((line) => line['audit'] === 'applied').map((line) => line['workload']);
  await until('the line of what was applied', async () => (await applied()).length > 0);
  expect(await applied()).toEqual([expect.objectContaining({ kind: 'Deployment', name: 'real' })]);
});

test('another authority counts as soon as the file has it: the API server goes on without the webhooks, and comes back', async () => {
  await until('the API server to ask', async () => (await injected()) === 2, PATIENCE_MS);
  await put('ca.crt', new Authority('others').cert);
  await until('it to be refused', async () => (await injected()) === 0, PATIENCE_MS);
  expect(await webhooks.reviews('inject', 'refused')).toBeGreaterThan(0);
  await put('ca.crt', authority.cert);
  await until('it to be answered', async () => (await injected()) === 2, PATIENCE_MS);
});
