import { describe, expect, test } from 'vitest';
import type { Fields } from '../../../src/model/field-reader.ts';
import type { CopyOptions } from '../../../src/preview/copy-options.ts';
import { imageOfCommit, imageTemplateMistake, repositoryOf } from '../../../src/preview/image.ts';
import { at, container, copied, faults, service, workload } from './shop.ts';

const IMAGE: Partial<CopyOptions> = { image: { kind: 'image', image: 'other/api:2' } };

function images(object: Fields, over: Partial<CopyOptions> = IMAGE): readonly unknown[] {
  const containers = at(copied(object, over).manifest, 'spec.template.spec.containers') as readonly Fields[];
  return containers.map(({ image }) => image);
}

const proxy = { name: 'istio-proxy', image: 'istio:1', ports: [{ containerPort: 8080 }] };
const worker = { name: 'worker', image: 'worker:1' };

describe('the container that an image is for', () => {
  test.each<readonly [string, readonly Fields[], readonly unknown[]]>([
    ['is the only one', [container()], ['other/api:2']],
    ["is the one with the Service's port", [worker, container()], ['worker:1', 'other/api:2']],
    ['is not a sidecar that has that port too', [proxy, container()], ['istio:1', 'other/api:2']],
    ['is the one that is no sidecar, where none has the port', [{ ...proxy, ports: [] }, worker], ['istio:1', 'other/api:2']],
    [
      'has the repository of the image',
      [container(), { name: 'b', image: 'other/api:1' }],
      ['registry:5000/api:1.0', 'other/api:2'],
    ],
  ])('%s', (_, containers, expected) => {
    expect(images(workload({ pod: { containers } }))).toEqual(expected);
  });

  test('is the one that is named, or marked for kubectl', () => {
    const pod = { containers: [worker, { name: 'other', image: 'x:1' }] };
    expect(images(workload({ pod }), { ...IMAGE, container: 'worker' })).toEqual(['other/api:2', 'x:1']);
    const annotations = { 'kubectl.kubernetes.io/default-container': 'other' };
    expect(images(workload({ pod, annotations }))).toEqual(['worker:1', 'other/api:2']);
    expect(faults(workload({ pod }), IMAGE)).toEqual([expect.stringContaining('Name it: --container worker.')]);
    expect(copied(workload({ pod })).notices).toEqual([]);
  });

  test('has the port of the Service by name, too', () => {
    const named = { name: 'a', image: 'a:1', ports: [{ name: 'web', containerPort: 1 }] };
    const services = [service({ ports: [{ port: 80, targetPort: 'web' }] })];
    const copy = copied(workload({ pod: { containers: [worker, named] } }), IMAGE, services);
    expect(at(copy.manifest, 'spec.template.spec.containers')).toMatchObject([{ image: 'worker:1' }, { image: 'other/api:2' }]);
  });
});

test('a variable takes the place of the one with its name, wherever that had its value from; new ones come last', () => {
  const env = [
    { name: 'A', value: '1' },
    { name: 'B', valueFrom: { x: 1 } },
    { name: 'C', value: '$(B)' },
    { name: 'B', value: 'again' },
  ];
  const entries = [
    { name: 'Z', value: '' },
    { name: 'B', value: 'new' },
  ];
  const copy = copied(workload({ pod: { containers: [container({ env })] } }), { env: entries });
  expect(at(copy.manifest, 'spec.template.spec.containers')).toMatchObject([
    { env: [env[0], { name: 'B', value: 'new' }, env[2], { name: 'Z', value: '' }] },
  ]);
});

test.each([
  ['api', 'api'],
  ['api:1.0', 'api'],
  ['registry:5000/team/api', 'registry:5000/team/api'],
  ['registry:5000/team/api:1@sha256:0f', 'registry:5000/team/api'],
])('the repository of %s', (image, repository) => {
  expect(repositoryOf(image)).toBe(repository);
});

test('the image of a commit', () => {
  expect(imageOfCommit('{repository}:{sha}', '0123456789', 'r:5000/api:1')).toBe('r:5000/api:0123456789');
  expect(imageOfCommit('x/{repository}:pr-{sha:7}', '0123456789', 'api@sha256:1')).toBe('x/api:pr-0123456');
  expect(imageTemplateMistake('registry/api:{sha}')).toBeUndefined();
  for (const wrong of ['registry/api', 'a:{sha}{tag}', 'a b:{sha}', '{sha:0}'])
    expect(imageTemplateMistake(wrong)).toBeTypeOf('string');
});

describe('volumes', () => {
  test('a claim is replaced, a claim of its own and a ConfigMap stay, a writable path of the node is told', () => {
    const volumes = [
      { name: 'data', persistentVolumeClaim: { claimName: 'data' } },
      { name: 'own', ephemeral: { volumeClaimTemplate: {} } },
      { name: 'config', configMap: { name: 'api' } },
      { name: 'node', hostPath: { path: '/var/x' } },
    ];
    const { manifest, notices } = copied(
      workload({ pod: { volumes, containers: [container({ volumeMounts: [{ name: 'node' }] })] } }),
    );
    expect(at(manifest, 'spec.template.spec.volumes')).toEqual([{ name: 'data', emptyDir: {} }, ...volumes.slice(1)]);
    expect(notices).toEqual([expect.stringContaining('Volume data'), expect.stringContaining('/var/x')]);
  });

  test('a raw device cannot be replaced', () => {
    const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }];
    const pod = { volumes, containers: [container({ volumeDevices: [{ name: 'data', devicePath: '/dev/x' }] })] };
    expect(faults(workload({ pod }))).toEqual([expect.stringContaining('raw device')]);
  });
});
