/** Whatever is written into the manifests, the traffic of everybody else goes on as it was. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { ask, pathOf } from '../support/world/client.ts';
import { type Load, startLoad } from '../support/world/load.ts';
import { detour, pod, service } from '../support/world/objects.ts';
import { createWorld, NAMESPACE, type Pod, type Proxy, type World } from '../support/world/world.ts';

const HOST = 'shop.example.com';

describe('bad input', () => {
  let world: World;
  let gateway: Proxy;
  let preview: Pod;
  let load: Load;
  /** Takes the place of a change that can be seen: each test ends with one, so that its input has been read. */
  let probes = 0;

  beforeAll(async () => {
    world = await createWorld();
    const baseline = await world.pod({ service: 'frontend', copy: 'baseline', pod: 'frontend-1', sidecar: true });
    preview = await world.pod({ service: 'frontend', copy: 'steady', pod: 'frontend-steady', sidecar: true });
    gateway = await world.gateway();
    await world.baseline({ name: 'frontend', annotations: detour({ host: HOST }) }, [baseline]);
    await world.preview({ key: 'steady', pods: [preview] });
    const keyed = { host: HOST, headers: { 'x-detour': 'steady' } };
    await until('the preview to be live', async () => pathOf(await ask(gateway.port, keyed)) === 'steady');
    load = startLoad({
      port: gateway.port,
      rate: 100,
      connections: 4,
      kinds: [
        {
          name: 'keyed',
          ask: keyed,
          judge: ({ path, servedBy }) => (path === 'steady' && servedBy === 'steady' ? undefined : `${path}, ${servedBy}`),
        },
        { name: 'plain', ask: { host: HOST }, judge: ({ path }) => (path === 'baseline' ? undefined : path) },
      ],
    });
  });
  afterAll(async () => {
    const report = await load.stop();
    await world[Symbol.asyncDispose]();
    expect(report.details).toEqual([]);
    expect(report.failures).toBe(0);
    for (const way of ['keyed: steady', 'plain: baseline'])
      expect(report.served.get(way), way).toBeGreaterThanOrEqual(2 * probes);
    expect(report.connections, 'no listener was changed').toBe(4);
  });

  /** Changes still arrive: what was written before has been read. */
  async function changesArrive(): Promise<void> {
    const key = `probe-${probes++}`;
    await world.manifests.put(
      pod({ namespace: NAMESPACE, name: 'probe', key, annotations: { 'detour.dev/intercept': 'frontend' }, port: preview.port }),
    );
    await until(
      `${key} to be served`,
      async () => pathOf(await ask(gateway.port, { host: HOST, headers: { 'x-detour': key } })) === 'steady',
    );
    expect(world.plane.exited).toBe(false);
    await load.more(2);
  }

  /** What is broken is believed at a second look, which a change that is good does not wait for. */
  async function isTold(...codes: readonly string[]): Promise<void> {
    await until(`the problems ${codes.join()}`, async () => {
      const told = new Set<string>((await world.problems()).map((problem) => problem.code));
      return codes.every((code) => told.has(code));
    });
  }

  test('broken YAML: the file has a problem, what it last said is not lost, the other files are read', async () => {
    await world.manifests.write('broken.yaml', 'kind: Service\n  metadata: [unclosed\n\t- "');
    await changesArrive();
    await isTold('InvalidObject');
    await world.manifests.write('broken.yaml', `${'{'.repeat(5_000)}`);
    await world.manifests.write('binary.yaml', '\u0000\u0001\ufffd'.repeat(1000));
    await changesArrive();
    await world.manifests.delete('broken.yaml');
    await world.manifests.delete('binary.yaml');
  });

  test('a good file that breaks keeps being served as it was', async () => {
    const app = await world.pod({ service: 'frontend', copy: 'fragile', pod: 'fragile' });
    const keyed = { host: HOST, headers: { 'x-detour': 'fragile' } };
    await world.preview({ key: 'fragile', pods: [app] });
    await until('the preview to be live', async () => pathOf(await ask(gateway.port, keyed)) === 'fragile');
    await world.manifests.write(`pod-${NAMESPACE}-fragile.yaml`, 'kind: Pod\nmetadata: {name: fragile\n');
    await changesArrive();
    expect(pathOf(await ask(gateway.port, keyed))).toBe('fragile');
    await world.noPreview([app]);
  });

  test('a Service without endpoints has a 503 of its own and a problem', async () => {
    await world.manifests.put(
      service({ namespace: NAMESPACE, name: 'hollow', annotations: detour({ host: 'hollow.example.com' }) }),
    );
    await until('the host to be there', async () => (await ask(gateway.port, { host: 'hollow.example.com' })).status === 503);
    await changesArrive();
    await isTold('NoEndpoints');
  });

  test('a host that is taken, or no DNS name, or another Service of the same host', async () => {
    for (const [name, host, namespace] of [
      ['thief', HOST, 'elsewhere'],
      ['double', HOST, NAMESPACE],
      ['nonsense', 'a b.example.com, -x-.com, *.example.com, shop.example.com:80', NAMESPACE],
    ] as const)
      await world.manifests.put(service({ namespace, name, age: 1000, annotations: detour({ host }) }));
    await changesArrive();
    await isTold('HostTaken', 'DuplicateHost', 'InvalidHost');
  });

  test('keys, targets and rules that are none', async () => {
    const all: [string, Record<string, string>][] = [
      ['PR_42', {}],
      ['a--b', {}],
      ['xn', {}],
      ['bad-target', { intercept: 'no such service,,:' }],
      ['no-service', { intercept: 'nowhere' }],
      ['bad-port', { intercept: 'frontend:9999' }],
      ['bad-rule', { match: 'x-user=="' }],
      ['bad-regex', { match: 'x-a=1,x-user~="(("' }],
      ['costly-regex', { match: 'x-a=1,x-user~="((a{1,100}){1,100}){1,100}"' }],
      ['broad', { match: '!x-nothing' }],
      ['misspelt', { expirse: '2030-01-01T00:00:00Z', 'when-unavailable': 'maybe' }],
      ['bad-percent', { percent: '120' }],
      ['bad-instant', { expires: 'tomorrow' }],
    ];
    for (const [index, [key, annotations]] of all.entries()) {
      const together = detour({ intercept: 'frontend', ...annotations });
      await world.manifests.put(
        pod({ namespace: NAMESPACE, name: `bad-${index}`, key, annotations: together, port: preview.port }),
      );
    }
    await changesArrive();
    await isTold(
      'InvalidKey',
      'InvalidTarget',
      'UnknownService',
      'UnknownPort',
      'InvalidRule',
      'RegexInvalid',
      'RegexTooCostly',
      'RuleTooBroad',
      'UnknownAnnotation',
      'InvalidValue',
    );
  });

  test('10,000 annotations, and one of a mebibyte', async () => {
    const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`detour.dev/nothing-${index}`, 'x']));
    const large = detour({ intercept: 'frontend', match: `x-user=${'a'.repeat(1024 * 1024)}` });
    await world.manifests.put(pod({ namespace: NAMESPACE, name: 'many', key: 'many', annotations: many, port: preview.port }));
    await world.manifests.put(service({ namespace: NAMESPACE, name: 'many', annotations: many }));
    await world.manifests.put(pod({ namespace: NAMESPACE, name: 'large', key: 'large', annotations: large, port: preview.port }));
    await changesArrive();
    await isTold('AnnotationTooLarge');
  });

  test('the directory vanishes and returns: what was served is served, and changes arrive again', async () => {
    const keyed = { host: HOST, headers: { 'x-detour': 'steady' } };
    const output = world.plane.output.length;
    await world.manifests.vanish();
    await until('the loss to be told', async () => world.plane.output.length > output);
    for (let index = 0; index < 20; index++) expect(pathOf(await ask(gateway.port, keyed))).toBe('steady');
    await world.manifests.return();
    await changesArrive();
  });
});
