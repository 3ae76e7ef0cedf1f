import { describe, expect, it } from 'vitest';
import { parseSidecar } from '../../../src/annotations/parse-sidecar.ts';

const SUBJECT = { kind: 'Pod', key: 'shop/api-1' } as const;
const parse = (annotations: Readonly<Record<string, string>>) => parseSidecar(annotations, SUBJECT);

describe('what a pod asks of its sidecar', () => {
  it('is read, with spaces around it', () => {
    const annotations = {
      'sidecar-image': ' r.example.com:5000/a/envoy:1@sha256:00 ',
      'sidecar-resources': 'requests.cpu=0.5, limits.cpu=1, limits.ephemeral-storage=1Gi',
      'sidecar-concurrency': '64\n',
      'exclude-outbound-ports': '25, 6000-6010',
      'exclude-outbound-cidrs': '10.0.0.0/8,::/0',
      'exclude-inbound-ports': '1',
    };
    expect(parse(annotations)).toEqual({
      declaration: {
        image: 'r.example.com:5000/a/envoy:1@sha256:00',
        resources: { requests: { cpu: '0.5' }, limits: { cpu: '1', 'ephemeral-storage': '1Gi' } },
        concurrency: 64,
        excludes: { outboundPorts: '25,6000-6010', outboundCidrs: '10.0.0.0/8,::/0', inboundPorts: '1' },
      },
      problems: [],
    });
  });

  it.each([
    ['sidecar-image', 'Envoy 1'],
    ['sidecar-image', '-x'],
    ['sidecar-image', 'a'.repeat(513)],
    ['sidecar-resources', ''],
    ['sidecar-resources', 'cpu=1'],
    ['sidecar-resources', 'requests.cpu=-1'],
    ['sidecar-resources', 'requests.gpu=1'],
    ['sidecar-resources', 'requests.cpu=1, requests.cpu=2'],
    ['sidecar-resources', 'requests.memory=1Gi, limits.memory=1000M'],
    ['sidecar-resources', 'requests.cpu=1001m, limits.cpu=1'],
    ['sidecar-concurrency', '0'],
    ['sidecar-concurrency', '65'],
    ['exclude-outbound-ports', '0'],
    ['exclude-outbound-ports', '65536'],
    ['exclude-outbound-ports', '20-10'],
    ['exclude-outbound-ports', '1,,2'],
    ['exclude-inbound-ports', 'http'],
    ['exclude-outbound-cidrs', '10.0.0.0'],
    ['exclude-outbound-cidrs', '10.0.0.0/33'],
    ['exclude-outbound-cidrs', '::/129'],
    ['exclude-outbound-cidrs', '10.0.0.0/8/8'],
    ['exclude-outbound-ports', Array(1000).fill('1').join()],
  ])('%s: %j is a problem, and as if it were not there', (name, value) => {
    const { declaration, problems } = parse({ [name]: value });
    expect(problems).toMatchObject([
      { code: 'InvalidValue', subject: SUBJECT, hint: expect.stringMatching(/^It must |^It names /) },
    ]);
    expect(problems[0]?.message).toContain(`detour.dev/${name} does not take the value`);
    expect(declaration).toEqual(parse({}).declaration);
  });
});
