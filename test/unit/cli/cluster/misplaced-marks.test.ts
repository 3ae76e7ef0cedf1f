import { describe, expect, test } from 'vitest';
import { misplacedMarks } from '../../../../src/cli/cluster/misplaced-marks.ts';

const workload = (metadata: object, template: object = {}) => ({
  metadata: { namespace: 'shop', name: 'api', ...metadata },
  spec: { template: { metadata: template } },
});
const intercept = { 'detour.dev/intercept': 'api' };
const label = { 'detour.dev/preview': 'pr-42' };

describe('marks of a preview', () => {
  test('on the own metadata of a workload are told, with the place where they belong', () => {
    expect(misplacedMarks('Deployment', workload({ labels: label, annotations: intercept }))).toMatchObject({
      workload: 'Deployment/api',
      key: 'pr-42',
      message:
        'Deployment shop/api has the label detour.dev/preview, the annotation detour.dev/intercept on its own metadata: they have no effect there.',
      hint: 'Move them to spec.template.metadata, where its pods get them.',
    });
    expect(misplacedMarks('Deployment', workload({ annotations: intercept }, { labels: label }))).toMatchObject({
      hint: 'Move it to spec.template.metadata, where its pods get it.',
    });
    expect(misplacedMarks('Deployment', workload({ annotations: intercept }))).toMatchObject({ key: '' });
  });

  test('that the pods have too are right, and so are those of others and of what create made', () => {
    const both = { labels: label, annotations: intercept };
    expect(misplacedMarks('Deployment', workload(both, both))).toBeUndefined();
    expect(misplacedMarks('Deployment', workload({ annotations: { 'example.com/intercept': 'api' } }))).toBeUndefined();
    const ours = {
      labels: { 'app.kubernetes.io/managed-by': 'detour', ...label },
      annotations: { 'detour.dev/expires': '2030' },
    };
    expect(misplacedMarks('Deployment', workload(ours))).toBeUndefined();
  });
});
