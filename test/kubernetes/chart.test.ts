/** The Helm chart and the manifests: what they say of themselves, and what they refuse. */

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { readConfig } from '../../src/config.ts';
import { bootstrap } from '../../src/envoy-bootstrap.ts';
import { certificateFiles } from '../../src/envoy-certificates.ts';
import { sdsFiles } from '../../src/envoy-credentials.ts';
import { PROBE_SCRIPTS } from '../../src/envoy-probes.ts';
import {
  CERTIFICATES_FOLDER,
  CHART,
  CREDENTIALS_BY,
  GATEWAY_BOOTSTRAP,
  GATEWAY_CERTIFICATE,
  GATEWAY_CREDENTIALS,
  GATEWAY_FLAGS,
  GATEWAY_PROBE,
  gatewayBootstrap,
  gatewayCertificate,
  gatewayCredentials,
  MANIFESTS,
  manifest,
  printBootstrap,
} from '../../tools/kubernetes/chart.ts';
import { envoyBinary } from '../support/envoy.ts';
import { chartObjects, helmProgram, theObject } from '../support/kubernetes/chart.ts';

const run = promisify(execFile);
const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

test('helm lint finds nothing wrong', async () => {
  const { stdout } = await run(await helmProgram(), ['lint', '--strict', CHART]);
  expect(stdout).toContain('1 chart(s) linted, 0 chart(s) failed');
});

test.each([
  ['detour-system', ''],
  ['routing', ' --system-namespace routing'],
])('what helm install prints names commands that find the control plane in %s', async (namespace, flag) => {
  const args = ['install', 'detour', CHART, '--dry-run=client', '--namespace', namespace];
  const { stdout } = await run(await helmProgram(), args);
  const notes = stdout.slice(stdout.indexOf('\nNOTES:\n'));
  expect(notes).toContain(`\n   detour create web --namespace shop --key pr-1${flag}\n`);
  expect(notes).toMatch(new RegExp(`: detour list --all-namespaces${flag}\\n`));
});

test.each(Object.entries(MANIFESTS))('%s is what `npm run manifests` makes of the chart', async (path, args) => {
  expect(read(path)).toBe(await manifest(await helmProgram(), args));
});

describe("the gateway's bootstrap", () => {
  test('in the chart is what `npm run manifests` writes', async () => {
    expect(readFileSync(GATEWAY_BOOTSTRAP, 'utf8')).toBe(await gatewayBootstrap());
    expect(readFileSync(GATEWAY_CREDENTIALS, 'utf8')).toBe(gatewayCredentials());
    expect(readFileSync(GATEWAY_CERTIFICATE, 'utf8')).toBe(gatewayCertificate());
    expect(readFileSync(GATEWAY_PROBE, 'utf8')).toBe(PROBE_SCRIPTS.tls);
  });

  test.each([
    ['by default', [], []],
    [
      'with every setting',
      ['--preview-domain', 'p.example.com', '--cors-origins', 'https://a.example.com,https://b.example.com'],
      [
        ...['--set', 'gateway.previewDomain=p.example.com'],
        ...['--set', 'gateway.corsOrigins={https://a.example.com,https://b.example.com}'],
      ],
    ],
    ['for any origin', ['--cors-origins', '*'], ['--set', 'gateway.corsOrigins={*}']],
    ['that takes carriers away', ['--carriers', 'strip'], ['--set', 'gateway.carriers=strip']],
    [
      'that takes signed keys alone',
      ['--carriers', 'signed', '--carrier-keys', '/etc/detour/signing/keys'],
      ['--set', 'gateway.carriers=signed'],
    ],
    ['by whole states', ['--protocol', 'sotw'], ['--set', 'gateway.protocol=sotw']],
    ['of another name', ['--node', 'shop/on'], ['--set', 'gateway.node=shop/on']],
    ['in another namespace', ['--node', 'edge/gateway', '--xds', 'detour.edge:18000'], ['--namespace', 'edge']],
  ])('is what `detour envoy` prints: %s', async (_, flags, args) => {
    const objects = await chartObjects('--set', 'plaintext=true', ...args);
    const { 'envoy.yaml': text = '' } = theObject(objects, 'ConfigMap', 'detour-gateway')['data'] as Record<string, string>;
    const given = new Set(flags.filter((each) => each.startsWith('--')));
    const others = GATEWAY_FLAGS.flatMap((flag, index) =>
      index % 2 === 0 && !given.has(flag) ? [flag, GATEWAY_FLAGS[index + 1] ?? ''] : [],
    );
    expect(parse(text, { version: '1.1' })).toEqual(parse(await printBootstrap([...others, ...flags]), { version: '1.1' }));
  });

  test('with signed keys has their secrets from a Secret, which may come later', async () => {
    const secretOf = async (value: string): Promise<unknown> => {
      const objects = await chartObjects('--set', `plaintext=true,gateway.carriers=${value},gateway.signingSecret=mine`);
      const { template } = theObject(objects, 'Deployment', 'detour-gateway')['spec'] as { template: { spec: MountingSpec } };
      const { containers, volumes } = template.spec;
      const mount = containers[0]?.volumeMounts.find(({ mountPath }) => mountPath === '/etc/detour/signing');
      return volumes.find(({ name }) => name === mount?.name)?.secret;
    };
    expect(await secretOf('signed')).toEqual({ secretName: 'mine', optional: true, items: [{ key: 'keys', path: 'keys' }] });
    expect(await secretOf('strip')).toBeUndefined();
  });

  test.each([
    ['token', []],
    ['certificate', ['--set', 'tls.tokens=off,tls.clientCaSecret=a,gateway.certificateSecret=b']],
  ])('with TLS is what makes Envoys show a %s, and reads again what rotates', async (how, values) => {
    const objects = await chartObjects(...values, '--namespace', 'edge');
    const data = theObject(objects, 'ConfigMap', 'detour-gateway')['data'] as Record<string, string>;
    const { [how]: known } = CREDENTIALS_BY;
    if (known === undefined) throw new Error('there is one');
    const credentials = { ...known, serverName: 'detour.edge' };
    const proxy = { role: 'gateway', namespace: 'edge', name: 'gateway', previewDomain: undefined, corsOrigins: [] } as const;
    const options = {
      proxy: { ...proxy, listen: { host: '0.0.0.0', port: 8080 } },
      xds: [{ host: 'detour.edge', port: 18000 }],
      admin: { host: '127.0.0.1', port: 9901 },
      probes: { host: '0.0.0.0', port: 9902 },
      protocol: 'delta',
      credentials,
    } as const;
    const { 'envoy.yaml': text = '', ...files } = data;
    expect(parse(text, { version: '1.1' })).toEqual(JSON.parse(JSON.stringify(bootstrap(options))));
    const told = Object.fromEntries(Object.entries(files).map(([name, content]) => [name, JSON.parse(content)]));
    expect(told).toEqual(Object.fromEntries(sdsFiles(credentials)));
  });

  test.each([
    ['redirect', { redirectPort: 8443 }, ['http', 'https']],
    ['serve', { redirectPort: undefined }, ['http', 'https']],
    ['none', { redirectPort: undefined }, ['https']],
  ])('that ends TLS has its certificates from Secrets, with http=%s', async (http, { redirectPort }, ports) => {
    const set = `plaintext=true,gateway.tls={shop,wild.card},gateway.http=${http},gateway.service.tlsPort=8443,gateway.trustedHops=1`;
    const objects = await chartObjects('--set', set, '--set', 'networkPolicy.enabled=true');
    const data = theObject(objects, 'ConfigMap', 'detour-gateway')['data'] as Record<string, string>;
    const { 'envoy.yaml': text = '', ...files } = data;
    const certificates = ['shop', 'wild.card'];
    const tls = { listen: { host: '0.0.0.0', port: 8443 }, certificates, sdsFolder: '/etc/envoy', redirectPort };
    const name = {
      role: 'gateway',
      namespace: 'detour-system',
      name: 'gateway',
      previewDomain: undefined,
      corsOrigins: [],
    } as const;
    const options = {
      proxy: { ...name, tls, trustedHops: 1, listen: http === 'none' ? undefined : { host: '0.0.0.0', port: 8080 } },
      xds: [{ host: 'detour.detour-system', port: 18000 }],
      admin: { host: '127.0.0.1', port: 9901 },
      probes: { host: '0.0.0.0', port: 9902 },
      protocol: 'delta',
    } as const;
    expect(parse(text, { version: '1.1' })).toEqual(JSON.parse(JSON.stringify(bootstrap(options))));
    const told = Object.fromEntries(Object.entries(files).map(([file, content]) => [file, JSON.parse(content)]));
    const folders = certificates.map((each) => ({ name: each, folder: `${CERTIFICATES_FOLDER}/${each}` }));
    expect(told).toEqual(Object.fromEntries(certificateFiles(folders)));
    // What the files name is mounted, and what listens is reached.
    const { template } = theObject(objects, 'Deployment', 'detour-gateway')['spec'] as { template: { spec: MountingSpec } };
    const { containers, volumes } = template.spec;
    for (const { name: secret, folder } of folders) {
      const mount = containers[0]?.volumeMounts.find(({ mountPath }) => mountPath === folder);
      expect(volumes.find((volume) => volume.name === mount?.name)?.secret?.secretName).toBe(secret);
    }
    expect(containers[0]?.ports.map((port) => port.name)).toEqual([...ports, 'probes']);
    const service = theObject(objects, 'Service', 'detour-gateway')['spec'] as { ports: { name: string; port: number }[] };
    expect(service.ports.map((port) => port.name)).toEqual(ports);
    expect(service.ports.find((port) => port.name === 'https')?.port).toBe(8443);
    const policy = theObject(objects, 'NetworkPolicy', 'detour-gateway')['spec'] as { ingress: { ports: { port: string }[] }[] };
    expect(policy.ingress[0]?.ports.map(({ port }) => port)).toEqual(ports);
  });

  test('is one that Envoy takes, as the chart writes it and starts it', async () => {
    const objects = await chartObjects('--set', 'plaintext=true');
    const { 'envoy.yaml': text = '' } = theObject(objects, 'ConfigMap', 'detour-gateway')['data'] as Record<string, string>;
    const { template } = theObject(objects, 'Deployment', 'detour-gateway')['spec'] as { template: { spec: PodSpec } };
    const args = template.spec.containers[0]?.args ?? [];
    const folder = await mkdtemp(join(tmpdir(), 'detour-chart-'));
    try {
      const file = join(folder, 'envoy.yaml');
      await writeFile(file, text);
      expect(args).toContain('/etc/envoy/envoy.yaml');
      const own = args.map((each) => (each === '/etc/envoy/envoy.yaml' ? file : each));
      const { stdout } = await run(await envoyBinary(), [...own, '--mode', 'validate']);
      expect(stdout).toContain(`configuration '${file}' OK`);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

test.each([
  ['by default', [], { namespaces: [], deleteExpired: true, header: 'x-detour' }],
  [
    'with settings of its own',
    ['--set', 'controlPlane.args={--header,x-preview}'],
    { namespaces: [], deleteExpired: true, header: 'x-preview' },
  ],
  [
    'for some namespaces',
    ['--set', 'watchNamespaces={shop,payments},plaintext=true', '--set', 'deleteExpired=false'],
    { namespaces: ['shop', 'payments'], deleteExpired: false, header: 'x-detour' },
  ],
])('`detour serve` understands what it is started with, %s', async (_, values, { header, ...source }) => {
  const { template } = theObject(await chartObjects(...values), 'Deployment', 'detour')['spec'] as {
    template: { spec: PodSpec };
  };
  const [container] = template.spec.containers;
  const args = container?.args ?? [];
  expect(args[0]).toBe('serve');
  const env = Object.fromEntries((container?.env ?? []).map(({ name }) => [name, 'detour-system']));
  const { config, mistakes } = readConfig(args.slice(1), { ...env, KUBERNETES_SERVICE_HOST: '10.96.0.1' });
  expect(mistakes).toEqual([]);
  expect(config?.carriers.header).toBe(header);
  expect(config?.source).toMatchObject({
    kind: 'kubernetes',
    access: { kind: 'in-cluster' },
    namespaces: source.namespaces,
    status: { events: true, deleteExpired: source.deleteExpired, leaseNamespace: 'detour-system', identity: 'detour-system' },
  });
});

test('the audit log goes to standard output, elsewhere, or nowhere; only where there is one the webhook is asked about deletions', async () => {
  const webhooks = ['--set', 'webhooks.enabled=true,webhooks.validate=true'];
  for (const [value, auditLog] of [
    [undefined, { kind: 'stdout' }],
    ['stderr', { kind: 'stderr' }],
    ['', undefined],
  ] as const) {
    const objects = await chartObjects(...webhooks, ...(value === undefined ? [] : ['--set', `controlPlane.auditLog=${value}`]));
    const { template } = theObject(objects, 'Deployment', 'detour')['spec'] as { template: { spec: PodSpec } };
    const args = template.spec.containers[0]?.args ?? [];
    expect(readConfig(args.slice(1), { KUBERNETES_SERVICE_HOST: '10.96.0.1' }).config?.auditLog).toEqual(auditLog);
    const hook = JSON.stringify(theObject(objects, 'ValidatingWebhookConfiguration', 'detour-detour-system'));
    expect(hook.includes('DELETE')).toBe(auditLog !== undefined);
  }
});

test('`detour serve` understands how the chart says what sidecars are like', async () => {
  const values = [
    ...['--set', 'webhooks.enabled=true,image.repository=r.example.com/detour,image.tag=v2,sidecars.concurrency=4'],
    ...['--set', 'sidecars.image.repository=r.example.com/envoy,sidecars.ipFamilies={IPv6,IPv4}'],
    ...['--set', 'sidecars.egressCarriers=strip,sidecars.clusterCidrs={10.0.0.0/8,fd00::/8}'],
    ...['--set-json', 'sidecars.resources={"requests":{"cpu":1,"memory":"1Gi"},"limits":{"memory":"1Gi"}}'],
  ];
  const { template } = theObject(await chartObjects(...values), 'Deployment', 'detour')['spec'] as {
    template: { spec: PodSpec };
  };
  const args = template.spec.containers[0]?.args ?? [];
  const { config } = readConfig(args.slice(1), { KUBERNETES_SERVICE_HOST: '10.96.0.1' });
  expect(config?.webhooks).toMatchObject({
    // Of pods whose first address is of IPv6.
    listen: { host: '::', port: 9443 },
    certificate: { cert: '/etc/detour/webhooks/tls.crt', key: '/etc/detour/webhooks/tls.key' },
    sidecars: {
      xds: [{ host: 'detour.detour-system', port: 18_000 }],
      image: 'r.example.com/envoy:distroless-v1.40.0',
      captureImage: 'r.example.com/detour:v2',
      resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { memory: '1Gi' } },
      concurrency: 4,
      ipFamilies: ['ipv6', 'ipv4'],
      egress: { clusterCidrs: ['10.0.0.0/8', 'fd00::/8'] },
    },
  });
});

test('where pods have IPv6 addresses, everything that is asked listens there', async () => {
  const objects = await chartObjects('--set', 'sidecars.ipFamilies={IPv6},gateway.enabled=true,webhooks.enabled=true');
  const { template } = theObject(objects, 'Deployment', 'detour')['spec'] as { template: { spec: PodSpec } };
  const args = template.spec.containers[0]?.args ?? [];
  const { config } = readConfig(args.slice(1), { KUBERNETES_SERVICE_HOST: 'fd00::1' });
  const listens = [config?.xdsListen, config?.health?.listen, config?.webhooks?.listen];
  expect(listens.map((each) => each?.host)).toEqual(['::', '::', '::']);
  const gateway = JSON.stringify(objects.filter(({ kind }) => kind === 'ConfigMap'));
  expect(gateway).toContain('[::]:8080');
  expect(JSON.stringify(objects)).not.toContain('0.0.0.0');
});

test('who may call the webhooks is whom an authority names, or everybody; it may come later', async () => {
  const of = async (value: string) => {
    const objects = await chartObjects('--set', `webhooks.enabled=true,webhooks.clientCaSecret=${value}`);
    const { template } = theObject(objects, 'Deployment', 'detour')['spec'] as { template: { spec: PodSpec & MountingSpec } };
    const { containers, volumes } = template.spec;
    const { config, mistakes } = readConfig((containers[0]?.args ?? []).slice(1), { KUBERNETES_SERVICE_HOST: '10.96.0.1' });
    expect(mistakes).toEqual([]);
    const mount = containers[0]?.volumeMounts.find(({ mountPath }) => mountPath === '/etc/detour/webhook-clients');
    return { file: config?.webhooks?.clientCa, secret: volumes.find(({ name }) => name === mount?.name)?.secret };
  };
  expect(await of('callers')).toEqual({
    file: '/etc/detour/webhook-clients/ca.crt',
    secret: { secretName: 'callers', optional: true, items: [{ key: 'ca.crt', path: 'ca.crt' }] },
  });
  expect(await of('')).toEqual({ file: undefined, secret: undefined });
});

test('with watchNamespaces the webhooks are about these', async () => {
  const values = ['--set', 'webhooks.enabled=true,webhooks.validate=true', '--set', 'watchNamespaces={shop,web},plaintext=true'];
  const objects = await chartObjects(...values);
  for (const kind of ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration']) {
    const hooks = theObject(objects, kind, 'detour-detour-system')['webhooks'] as readonly Hook[];
    for (const { namespaceSelector } of hooks)
      expect(namespaceSelector.matchExpressions).toContainEqual({
        key: 'kubernetes.io/metadata.name',
        operator: 'In',
        values: ['shop', 'web'],
      });
  }
});

interface Hook {
  readonly namespaceSelector: { readonly matchExpressions: readonly object[] };
}

test('sidecars that could not say whose they are are not injected', async () => {
  const values = ['webhooks.enabled=true', 'tls.tokens=off', 'tls.clientCaSecret=a', 'gateway.certificateSecret=b'];
  await expect(chartObjects('--set', values.join())).rejects.toThrow('with webhooks.inject give tls.tokens=on');
  const kinds = (await chartObjects('--set', [...values, 'webhooks.inject=false', 'webhooks.validate=true'].join())).map(
    ({ kind }) => kind,
  );
  expect(kinds).toContain('ValidatingWebhookConfiguration');
  expect(kinds).not.toContain('MutatingWebhookConfiguration');
});

test('cert-manager makes the certificate where it is told to, and no key is in the chart then', async () => {
  const values = ['--set', 'webhooks.enabled=true,webhooks.validate=true,webhooks.certManager=true,tls.certManager=true'];
  const objects = await chartObjects(...values);
  expect(objects.filter(({ kind }) => kind === 'Secret')).toEqual([]);
  expect(theObject(objects, 'Certificate', 'detour-webhooks')['spec']).toMatchObject({
    secretName: 'detour-webhooks',
    dnsNames: ['detour.detour-system.svc', 'detour.detour-system.svc.cluster.local'],
    issuerRef: { kind: 'Issuer', name: 'detour-webhooks' },
  });
  expect(theObject(objects, 'Certificate', 'detour-tls')['spec']).toMatchObject({
    secretName: 'detour-tls',
    dnsNames: ['detour.detour-system', 'detour.detour-system.svc', 'detour.detour-system.svc.cluster.local'],
  });
  for (const kind of ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration']) {
    const object = theObject(objects, kind, 'detour-detour-system');
    expect(object.metadata['annotations']).toEqual({ 'cert-manager.io/inject-ca-from': 'detour-system/detour-webhooks' });
    expect(JSON.stringify(object)).not.toContain('caBundle');
  }
});

interface MountingSpec {
  readonly containers: readonly {
    readonly ports: readonly { readonly name: string }[];
    readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  }[];
  readonly volumes: readonly { readonly name: string; readonly secret?: { readonly secretName: string } }[];
}

interface PodSpec {
  readonly containers: readonly { readonly args: readonly string[]; readonly env: readonly { readonly name: string }[] }[];
}

test.each([
  ['watchNamespaces={shop}', 'nobody could say who it is: with watchNamespaces give tls.clientCaSecret'],
  ['tls.tokens=off', 'nobody could say who it is'],
  ['tls.tokens=off,tls.clientCaSecret=a', 'the gateway could not say who it is'],
  ['plaintext=true,tls.secretName=a', 'plaintext contradicts the values of tls'],
  ['gateway.http=none', 'the gateway would listen nowhere'],
])('what would let nobody in, or contradicts itself, is refused: %s', async (values, message) => {
  await expect(chartObjects('--set', values)).rejects.toThrow(message);
});

test('streams are in plaintext only where that is asked for by name', async () => {
  const argsOf = async (...values: readonly string[]) => {
    const { template } = theObject(await chartObjects(...values), 'Deployment', 'detour')['spec'] as {
      template: { spec: PodSpec };
    };
    return template.spec.containers[0]?.args ?? [];
  };
  const usual = await argsOf();
  expect(usual).not.toContain('--plaintext');
  expect(usual.slice(usual.indexOf('--tokens'), usual.indexOf('--tokens') + 2)).toEqual(['--tokens', 'on']);
  expect(await argsOf('--set', 'plaintext=true')).toContain('--plaintext');
});

test('with watchNamespaces nothing of the cluster as a whole is asked for', async () => {
  const kinds = (await chartObjects('--set', 'watchNamespaces={shop},plaintext=true')).map(({ kind }) => kind);
  expect(kinds.filter((kind) => kind.startsWith('Cluster'))).toEqual([]);
  expect(kinds).toContain('Role');
});

test.each([
  ['replica=3', 'replica'],
  ['controlPlane.replicas=0', 'replicas'],
  ['controlPlane.logLevel=loud', 'logLevel'],
  ['watchNamespaces={Shop}', 'watchNamespaces'],
  ['gateway.node=edge', 'node'],
  ['gateway.previewDomain=preview', 'previewDomain'],
  ['gateway.protocol=rest', 'protocol'],
  ['gateway.tls={../shop}', 'tls'],
  ['gateway.http=on', 'http'],
  ['gateway.carriers=drop', 'carriers'],
  ['gateway.signingSecret=', 'signingSecret'],
  ['gateway.trustedHops=-1', 'trustedHops'],
  ['gateway.service.port=http', 'port'],
  ['gateway.corsOrigins={app.example.com}', 'corsOrigins'],
  ['users.subjects[0].kind=Team', 'subjects'],
  ['image.digest=abc', 'digest'],
  ['serviceMonitor.interval=often', 'interval'],
  ['webhooks.timeoutSeconds=60', 'timeoutSeconds'],
  ['webhooks.validat=true', 'validat'],
  ['sidecars.ipFamilies={IPv5}', 'ipFamilies'],
  ['sidecars.egressCarriers=drop', 'egressCarriers'],
  ['sidecars.clusterCidrs={10.0.0.0}', 'clusterCidrs'],
  ['sidecars.concurrency=0', 'concurrency'],
])('a wrong value is refused, by name: %s', async (value, name) => {
  await expect(chartObjects('--set', value)).rejects.toThrow(new RegExp(`values don't meet the specifications[\\s\\S]*${name}`));
});

describe('docs/install.md', () => {
  const page = read('docs/install.md');
  const rows = [...page.matchAll(/^\| `(?<name>[\w.]+)` \| `(?<value>[^|]*)` \|/gm)].map(({ groups }) => [
    groups?.['name'],
    groups?.['value'],
  ]);

  test('lists every value of the chart with its default', () => {
    const values: unknown = parse(read('k8s/chart/detour/values.yaml'));
    const schema: Schema = JSON.parse(read('k8s/chart/detour/values.schema.json'));
    expect(rows).toEqual(leaves(schema, values, ''));
  });
});

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: unknown;
}

/** Maps that users fill are one value; so are resources. */
function leaves(schema: Schema, value: unknown, path: string): string[][] {
  const isFixed = schema.properties !== undefined && schema.additionalProperties === false && !path.endsWith('.resources');
  if (!isFixed || typeof value !== 'object' || value === null)
    return [[path, typeof value === 'string' && value !== '' ? value : JSON.stringify(value)]];
  return Object.entries(value).flatMap(([name, each]) =>
    leaves(schema.properties?.[name] ?? {}, each, path === '' ? name : `${path}.${name}`),
  );
}

describe('the dashboard', () => {
  const text = read('k8s/chart/detour/files/dashboard.json');
  const expressions = [...text.matchAll(/"expr": "(?<expr>(?:[^"\\]|\\.)*)"/g)].map(({ groups }) => groups?.['expr'] ?? '');

  test('shows metrics and labels that exist', () => {
    const known = new Map(
      [...read('docs/metrics.md').matchAll(/^\| `(?<name>\w+)` \| \w+ \| (?<labels>[^|]*) \|/gm)].map(({ groups }) => [
        groups?.['name'] ?? '',
        [...(groups?.['labels'] ?? '').matchAll(/`(\w+)`/g)].map(([, label]) => label),
      ]),
    );
    const used = expressions.flatMap((expr) => [
      ...expr.matchAll(/\b(?<name>(?:detour|process)_\w+?)(?:_bucket)?\{(?<labels>[^}]*)\}/g),
    ]);
    expect(used.length).toBeGreaterThan(expressions.length);
    for (const { groups } of used) {
      const name = groups?.['name'] ?? '';
      expect([...known.keys()]).toContain(name);
      const labels = [...(groups?.['labels'] ?? '').matchAll(/(\w+)=/g)].map(([, label]) => label);
      // Prometheus adds these to whatever it scrapes in a cluster.
      expect([...(known.get(name) ?? []), 'namespace', 'job']).toEqual(expect.arrayContaining(labels));
    }
  });

  test('is in the ConfigMap as it is in the file', async () => {
    const objects = await chartObjects('--set', 'dashboard.enabled=true');
    const data = theObject(objects, 'ConfigMap', 'detour-dashboard')['data'] as Record<string, string>;
    expect(JSON.parse(data['detour.json'] ?? '')).toEqual(JSON.parse(text));
  });
});
