/** The webhooks, called by a real API server for what its controllers and kubectl make. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { type Finished, runClient } from '../support/cluster/kubectl.ts';
import type { KubernetesObject } from '../support/kubernetes/api-client.ts';
import { type ApiServer, startApiServer } from '../support/kubernetes/api-server.ts';
import { objectsOf } from '../support/kubernetes/chart.ts';
import { startControllerManager } from '../support/kubernetes/controller-manager.ts';
import type { ServerProcess } from '../support/kubernetes/server-process.ts';
import { Webhooks } from '../support/kubernetes/webhooks.ts';
import { until } from '../support/until.ts';

const SIDECARS = ['detour-capture', 'detour-sidecar'];
const PATIENCE_MS = 60_000;

interface PodObject extends KubernetesObject {
  readonly metadata: KubernetesObject['metadata'] & { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: {
    readonly initContainers?: readonly {
      readonly name: string;
      readonly args?: readonly string[];
      readonly securityContext?: object;
    }[];
    readonly volumes?: readonly { readonly name: string }[];
  };
}

let api: ApiServer;
let manager: ServerProcess;
let webhooks: Webhooks;

beforeAll(async () => {
  api = await startApiServer();
  manager = await startControllerManager(api);
  await api.apply([
    namespace('detour-system', { 'detour.dev/inject': 'true' }),
    namespace('shop', { 'detour.dev/inject': 'true' }),
    namespace('plain'),
    namespace('strict', { 'detour.dev/inject': 'true', 'pod-security.kubernetes.io/enforce': 'restricted' }),
  ]);
  webhooks = await Webhooks.start(api, 2);
  await called();
}, 180_000);

afterAll(async () => {
  await webhooks?.stop();
  await manager?.stop('SIGKILL');
  await api[Symbol.asyncDispose]();
});

function namespace(name: string, labels: Readonly<Record<string, string>> = {}): KubernetesObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
}

const APP = { name: 'app', image: 'shop/api:1' };
/** The plugin that would name the account is not there on an API server that stands alone. */
const ACCOUNT = { serviceAccountName: 'default' };

function pod(name: string, spec: object = {}, metadata: object = {}): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'shop', ...metadata },
    spec: { ...ACCOUNT, containers: [APP], ...spec },
  };
}

/** Waits until the API server asks: it knows of a new registration a moment later. */
async function called(): Promise<void> {
  const path = '/api/v1/namespaces/shop/pods?dryRun=All';
  await until(
    'the API server to ask',
    async () => names(await api.request<PodObject>('POST', path, pod('probe'))).length === 2,
    PATIENCE_MS,
  );
}

function names({ spec }: PodObject): readonly string[] {
  return (spec.initContainers ?? []).map(({ name }) => name);
}

/** As stored. */
async function made(object: KubernetesObject): Promise<PodObject> {
  const [stored] = await api.apply([object]);
  // The API server's own answer to a pod is a pod.
  return stored as PodObject;
}

async function podsOf(inNamespace: string, label: string): Promise<readonly PodObject[]> {
  const query = `labelSelector=${encodeURIComponent(label)}`;
  const { items } = await api.request<{ items: readonly PodObject[] }>('GET', `/api/v1/namespaces/${inNamespace}/pods?${query}`);
  return items;
}

function workload(kind: string, name: string, annotations: object = {}, metadata: object = {}): KubernetesObject {
  const labels = { app: name };
  const isJob = kind === 'Job' || kind === 'CronJob';
  const template = {
    metadata: { labels, annotations },
    spec: { ...ACCOUNT, containers: [APP], ...(isJob && { restartPolicy: 'Never' }) },
  };
  const spec = isJob
    ? { template }
    : { selector: { matchLabels: labels }, ...(kind !== 'DaemonSet' && { replicas: 1 }), template };
  return {
    apiVersion: isJob ? 'batch/v1' : 'apps/v1',
    kind,
    metadata: { name, namespace: 'shop', ...metadata },
    spec: kind === 'CronJob' ? { schedule: '* * * * *', jobTemplate: { spec } } : spec,
  };
}

async function kubectl(args: readonly string[], object?: object): Promise<Finished> {
  const input = object === undefined ? {} : { input: JSON.stringify(object) };
  return runClient('kubectl', { args, kubeconfig: await api.kubeconfigFile(), ...input });
}

describe('pods that controllers make', () => {
  test.each(['Deployment', 'StatefulSet', 'Job', 'CronJob'])(
    'of a %s have a sidecar',
    async (kind) => {
      const name = `of-${kind.toLowerCase()}`;
      await api.apply([workload(kind, name)]);
      // A CronJob's first one comes with the next minute.
      const pods = await until(
        `a pod of the ${kind}`,
        async () => {
          const found = await podsOf('shop', `app=${name}`);
          return found.length > 0 && found;
        },
        100_000,
      );
      expect(pods.map(names)).toEqual(pods.map(() => SIDECARS));
      await api.delete([workload(kind, name)]);
    },
    120_000,
  );
});

describe('a pod', () => {
  test('keeps what it has, and gets two containers, a token, and a file by which it is renewed', async () => {
    const own = { name: 'own', image: 'own:1' };
    const volumes = [{ name: 'data', emptyDir: {} }];
    const stored = await made(pod('plain-1', { initContainers: [own], volumes, shareProcessNamespace: true }));
    expect(names(stored)).toEqual([...SIDECARS, 'own']);
    expect(stored.spec.volumes?.map(({ name }) => name)).toEqual(['data', 'detour-token']);
    expect(Object.keys(stored.metadata.annotations ?? {})).toEqual(['detour.dev/token-file']);
    expect(stored.spec.initContainers?.[1]?.args?.join(' ')).toContain('--service-node sidecar~$(POD_NAMESPACE)/$(POD_NAME)');
    // All that is left is what was there.
    await webhooks.stop();
    const without = await made(pod('plain-2', { initContainers: [own], volumes, shareProcessNamespace: true }));
    await webhooks.run();
    const { initContainers = [], volumes: all = [], ...rest } = stored.spec;
    const left = { ...rest, initContainers: initContainers.slice(2), volumes: all.slice(0, 1) };
    expect(left).toEqual(without.spec);
  });

  test.each<readonly [string, object]>([
    ['no ports', {}],
    ['a generated name and no owner', {}],
    ['a read-only root and a user that is not root', { securityContext: { runAsNonRoot: true, runAsUser: 1000, fsGroup: 7 } }],
    ['nodes of one system', { nodeSelector: { 'kubernetes.io/os': 'linux' }, os: { name: 'linux' } }],
  ])('with %s has one', async (what, spec) => {
    const isGenerated = what.startsWith('a generated');
    const { metadata, ...rest } = pod('x', spec);
    const named = isGenerated
      ? { generateName: 'some-', namespace: 'shop' }
      : { ...metadata, name: what.replaceAll(/\W+/g, '-') };
    const stored = await api.request<PodObject>('POST', '/api/v1/namespaces/shop/pods', { ...rest, metadata: named });
    expect(names(stored)).toEqual(SIDECARS);
  });

  test.each<readonly [string, object]>([
    ['Guaranteed', { limits: { cpu: '1', memory: '1Gi' } }],
    ['Burstable', { requests: { cpu: '1' } }],
  ])('of the quality of service %s stays one', async (quality, resources) => {
    const stored = await made(pod(`qos-${quality.toLowerCase()}`, { containers: [{ ...APP, resources }] }));
    expect(names(stored)).toEqual(SIDECARS);
    expect(stored['status']).toMatchObject({ qosClass: quality });
  });

  test('whose app runs as 1337 has a sidecar that runs as another', async () => {
    const stored = await made(pod('uid', { containers: [{ ...APP, securityContext: { runAsUser: 1337 } }] }));
    expect(stored.spec.initContainers?.[0]?.args?.join(' ')).toContain('--uid 1338');
    expect(stored.spec.initContainers?.[1]?.securityContext).toMatchObject({ runAsUser: 1338 });
  });

  test.each<readonly [string, object, string]>([
    ['of the node network', { hostNetwork: true }, 'hostNetwork'],
    ['for Windows, by its system', { os: { name: 'windows' } }, 'Windows'],
    ['for Windows, by its nodes', { nodeSelector: { 'kubernetes.io/os': 'windows' } }, 'Windows'],
    ['of Istio', { containers: [APP, { name: 'istio-proxy', image: 'i:1' }] }, 'Istio'],
    [
      'with an Envoy of its own',
      { containers: [APP, { name: 'envoy', image: 'e:1', args: ['--service-node', 'sidecar~shop/x'] }] },
      'already',
    ],
    ['that listens where the sidecar would', { containers: [{ ...APP, ports: [{ containerPort: 15_006 }] }] }, '15006'],
    ['with the DNS of its node', { dnsPolicy: 'Default' }, 'dnsPolicy'],
    ['with a volume of that name', { volumes: [{ name: 'detour-token', emptyDir: {} }] }, 'detour-token'],
  ])('%s is left alone, with a reason', async (what, spec, reason) => {
    const stored = await made(pod(`left-${what.replaceAll(/\W+/g, '-').toLowerCase()}`, spec));
    expect(names(stored)).toEqual([]);
    expect(stored.metadata.annotations).toEqual({ 'detour.dev/not-injected': expect.stringContaining(reason) });
  });

  test('where pod security refuses the init step is made, and says so; kubectl says it too', async () => {
    const secure = {
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [{ ...APP, securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } }],
    };
    const { code, stderr } = await kubectl(['apply', '-f', '-'], pod('secure', secure, { namespace: 'strict' }));
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringContaining('Warning: NotInjected: Pod strict/secure gets no sidecar. Its namespace'),
    });
    const [stored] = await podsOf('strict', '');
    expect(stored?.metadata.annotations?.['detour.dev/not-injected']).toContain('NET_ADMIN');
  });

  test.each<readonly [string, object, readonly string[]]>([
    ['that says no in a namespace that says yes', { labels: { 'detour.dev/inject': 'false' } }, []],
    ['that says yes in a namespace that says nothing', { namespace: 'plain', labels: { 'detour.dev/inject': 'true' } }, SIDECARS],
    ['that says nothing in a namespace that says nothing', { namespace: 'plain' }, []],
    ['of the system, whatever it says', { namespace: 'kube-system', labels: { 'detour.dev/inject': 'true' } }, []],
    ["of the control plane's namespace", { namespace: 'detour-system' }, []],
  ])('%s', async (what, metadata, expected) => {
    const stored = await made(pod(what.replaceAll(/\W+/g, '-').toLowerCase(), {}, metadata));
    expect(names(stored)).toEqual(expected);
    expect(stored.metadata.annotations?.['detour.dev/not-injected']).toBeUndefined();
  });

  test('that `detour inject` has been at is as it was', async () => {
    const once = await made(pod('once'));
    const { metadata: _, status: __, ...rest } = once;
    const twice = await made({ ...rest, metadata: { name: 'twice', namespace: 'shop', annotations: once.metadata.annotations } });
    expect(names(twice)).toEqual(SIDECARS);
    expect(twice.spec.volumes).toEqual(once.spec.volumes);
  });
});

describe('what `detour inject` makes of manifests', () => {
  const folder = fileURLToPath(new URL('../unit/inject/golden', import.meta.url));

  test.each(readdirSync(folder).sort())('the API server takes: %s', async (name) => {
    let out = '';
    const io = { out: (text: string) => (out += text), err: () => undefined, environment: {} };
    const ca = ['--sidecar-xds-ca', webhooks.certificateFile(0)];
    expect(await run(['inject', '-f', join(folder, name, 'in.yaml'), ...ca], io)).toBe(0);
    // A pod by itself needs its account named here; and a kind that is not known is not there.
    const kinds = new Set(['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'Job', 'CronJob']);
    const listed = objectsOf(out).flatMap((each) =>
      each.kind === 'List' ? (each['items'] as readonly KubernetesObject[]) : [each],
    );
    for (const object of listed.filter(({ kind }) => kinds.has(kind))) {
      const input = { ...object, metadata: { ...object.metadata, namespace: 'shop' } };
      expect(await kubectl(['apply', '--dry-run=server', '--validate=strict', '-f', '-'], input)).toMatchObject({ code: 0 });
    }
  });
});

test('while the webhooks are down pods are made without, and with them again later', async () => {
  await webhooks.stop();
  expect(names(await made(pod('down')))).toEqual([]);
  await webhooks.run();
  expect(names(await made(pod('up')))).toEqual(SIDECARS);
});

/** The certificate that the server shows now. */
function shown(): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: webhooks.port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()?.toString() ?? '');
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

test('a certificate that is replaced is used without a restart, and the API server goes on to ask', async () => {
  const [first, second] = [await webhooks.certificate(0), await webhooks.certificate(1)];
  expect(await shown()).toBe(first);
  await webhooks.useCertificate(1);
  await until('the new certificate', async () => (await shown()) === second);
  expect(names(await made(pod('rotated')))).toEqual(SIDECARS);
});

describe('kubectl apply', () => {
  const preview = (name: string, annotations: object): KubernetesObject => {
    const object = workload('Deployment', name, { 'detour.dev/intercept': 'api', ...annotations });
    const { template } = object['spec'] as { readonly template: { readonly metadata: { readonly labels: object } } };
    Object.assign(template.metadata.labels, { 'detour.dev/preview': 'pr-42' });
    return object;
  };

  test('of a preview with mistakes is refused, with each of them and its fix', async () => {
    const { code, stderr } = await kubectl(
      ['apply', '-f', '-'],
      preview('wrong', { 'detour.dev/percent': '110', 'detour.dev/match': 'x-user==alice' }),
    );
    expect(code).toBe(1);
    expect(stderr).toContain('admission webhook "validate.detour.dev" denied the request: ');
    expect(stderr).toMatch(
      /InvalidRule: Deployment shop\/wrong: detour\.dev\/match: .* The grammar is in docs\/annotations\.md\./,
    );
    expect(stderr).toContain(
      'InvalidValue: Deployment shop/wrong: detour.dev/percent does not take the value "110". Write a whole number from 1 to 100, without a sign.',
    );
  });

  test.each<readonly [string, () => KubernetesObject, string]>([
    [
      'a CronJob',
      () => workload('CronJob', 'c', { 'detour.dev/sidecar-concurrency': 'many' }),
      'InvalidValue: CronJob shop/c: detour.dev/sidecar-concurrency',
    ],
    [
      'a Pod',
      () => pod('p', {}, { labels: { 'detour.dev/inject': 'yes' } }),
      'InvalidValue: Pod shop/p: the label detour.dev/inject does not take the value "yes"',
    ],
    [
      'a Service',
      () => ({
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 's', namespace: 'shop', annotations: { 'detour.dev/host': 'https://x' } },
        spec: { ports: [{ port: 80 }] },
      }),
      'InvalidHost: Service shop/s: detour.dev/host',
    ],
  ])('of %s with a mistake is refused', async (_, object, message) => {
    const { code, stderr } = await kubectl(['apply', '-f', '-'], object());
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(message) });
  });

  test('of what only may be wrong succeeds, and kubectl warns; what Services allow is among it', async () => {
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'api', namespace: 'shop' },
      spec: { ports: [{ port: 80 }] },
    };
    await api.apply([service]);
    const object = preview('warned', { 'detour.dev/matches': 'x', 'detour.dev/match': 'x-user' });
    await until('the Service to be known', async () => {
      const { code, stderr } = await kubectl(['apply', '--dry-run=server', '-f', '-'], object);
      expect(code).toBe(0);
      expect(stderr).toContain('Warning: UnknownAnnotation: Deployment shop/warned: there is no annotation "detour.dev/matches"');
      return stderr.includes('Warning: RuleTooBroad: Deployment shop/warned: The rule "x-user" could take everybody');
    });
    await until('one that is not there to be told', async () => {
      const { stderr } = await kubectl(
        ['apply', '--dry-run=server', '-f', '-'],
        preview('typo', { 'detour.dev/intercept': 'apii' }),
      );
      return stderr.includes('Warning: UnknownService: Deployment shop/typo: There is no Service shop/apii.');
    });
  });

  test('does not ask about what has nothing of Detour, nor about pods for what was added to them', async () => {
    const asked = () =>
      Promise.all(['fine', 'warned', 'denied', 'failed'].map((outcome) => webhooks.reviews('validate', outcome)));
    const before = await asked();
    expect((await kubectl(['apply', '-f', '-'], workload('Deployment', 'unmarked'))).code).toBe(0);
    await until('its pod', async () => (await podsOf('shop', 'app=unmarked')).length === 1, PATIENCE_MS);
    expect(await asked()).toEqual(before);
    await api.delete([workload('Deployment', 'unmarked')]);
  });

  test('what had a mistake before scales, comes up and ends; only a further mistake is refused', async () => {
    const old = preview('old', { 'detour.dev/percent': '110' });
    await webhooks.stop();
    await api.apply([old]);
    await webhooks.run();
    expect((await kubectl(['-n', 'shop', 'annotate', 'deployment', 'old', 'team=red'])).code).toBe(0);
    expect((await kubectl(['-n', 'shop', 'scale', 'deployment', 'old', '--replicas', '2'])).code).toBe(0);
    await until('its pods', async () => (await podsOf('shop', 'app=old')).length === 2, PATIENCE_MS);
    const more = await kubectl(
      ['apply', '--server-side', '--force-conflicts', '-f', '-'],
      preview('old', { 'detour.dev/percent': '110', 'detour.dev/mode': 'odd' }),
    );
    expect(more).toMatchObject({ code: 1, stderr: expect.stringContaining('detour.dev/mode') });
    expect(more.stderr).not.toContain('detour.dev/percent');
    await api.delete([old]);
    await until('its pods to go', async () => (await podsOf('shop', 'app=old')).length === 0, PATIENCE_MS);
  });

  test('is told in the audit log: who applied and deleted what, as the API server knows them, and what came of it', async () => {
    const as = (user: string): readonly string[] => ['--as', user, '--as-group', 'system:masters'];
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'api', namespace: 'shop' },
      spec: { ports: [{ port: 80, appProtocol: 'http' }] },
    };
    await api.apply([service]);
    const object = preview('audited', { 'detour.dev/match': 'x-user=alice' });
    const at = (audit: string, user?: string) => async (): Promise<Readonly<Record<string, unknown>> | undefined> =>
      (await webhooks.audit()).find((line) => {
        const { name, kind } = (line['workload'] ?? {}) as { readonly name?: string; readonly kind?: string };
        const isIt = line['audit'] === audit && line['namespace'] === 'shop' && kind === 'Deployment' && name === 'audited';
        return isIt && (user === undefined || line['user'] === user);
      });
    expect(await kubectl([...as('alice@example.com'), 'apply', '--dry-run=server', '-f', '-'], object)).toMatchObject({
      code: 0,
    });
    expect(await kubectl([...as('alice@example.com'), 'apply', '-f', '-'], object)).toMatchObject({ code: 0 });
    const created = await until('who created it', at('applied', 'alice@example.com'));
    expect(created).toMatchObject({
      operation: 'CREATE',
      outcome: 'fine',
      after: { 'detour.dev/preview': 'pr-42', 'detour.dev/intercept': 'api', 'detour.dev/match': 'x-user=alice' },
      before: {},
    });
    const became = await until('what came of it', at('created'), PATIENCE_MS);
    expect(became).toMatchObject({
      key: 'pr-42',
      target: 'shop/api:80',
      after: { standing: 'active', terms: { match: 'x-user=alice' } },
    });

    const wrong = preview('audited', { 'detour.dev/percent': '110' });
    expect(await kubectl([...as('mallory'), 'apply', '-f', '-'], wrong)).toMatchObject({ code: 1 });
    expect(await until('who was denied', at('applied', 'mallory'))).toMatchObject({
      operation: 'UPDATE',
      outcome: 'denied',
      after: { 'detour.dev/percent': '110' },
      before: { 'detour.dev/match': 'x-user=alice' },
    });
    expect(await kubectl([...as('bob'), '-n', 'shop', 'delete', 'deployment', 'audited'])).toMatchObject({ code: 0 });
    expect(await until('who deleted it', at('applied', 'bob'))).toMatchObject({ operation: 'DELETE', after: {} });
    // What controllers made of it is no line, nor what was only tried.
    const users = (await webhooks.audit()).filter((line) => line['audit'] === 'applied').map(({ user }) => String(user));
    expect(users.filter((user) => user.startsWith('system:serviceaccount:kube-system:'))).toEqual([]);
    expect(users.filter((user) => user === 'alice@example.com')).toHaveLength(1);
  });
});
