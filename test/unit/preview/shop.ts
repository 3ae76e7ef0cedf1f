/** Manifests of a baseline for tests: Service and Deployment `shop/api`. What matters to the test is said over them. */
import type { Fields } from '../../../src/model/field-reader.ts';
import { type CopyOptions, DEFAULT_COPY } from '../../../src/preview/copy-options.ts';
import { type Copy, copyWorkload } from '../../../src/preview/copy-workload.ts';

export const OPTIONS: CopyOptions = { ...DEFAULT_COPY, key: 'pr-42', standsInFor: [{ service: 'api', port: undefined }] };

export function service(spec: Fields = {}, name = 'api'): Fields {
  const ports = [{ name: 'http', port: 80, targetPort: 8080 }];
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'shop' },
    spec: { selector: { app: 'api' }, ports, ...spec },
  };
}

export function container(over: Fields = {}): Fields {
  return { name: 'api', image: 'registry:5000/api:1.0', ports: [{ containerPort: 8080 }], ...over };
}

interface Parts {
  readonly kind?: string;
  readonly labels?: Fields;
  readonly metadata?: Fields;
  readonly annotations?: Fields;
  readonly spec?: Fields;
  readonly pod?: Fields;
}

export function workload({
  kind = 'Deployment',
  labels = { app: 'api' },
  metadata = {},
  annotations,
  spec = {},
  pod = {},
}: Parts = {}): Fields {
  const podMetadata = annotations === undefined ? { labels } : { labels, annotations };
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name: 'api', namespace: 'shop', ...metadata },
    spec: {
      replicas: 3,
      selector: { matchLabels: labels },
      template: { metadata: podMetadata, spec: { containers: [container()], ...pod } },
      ...spec,
    },
  };
}

/** The copy that is made with such options. @throws where there is none. */
export function copied(
  object: Fields = workload(),
  over: Partial<CopyOptions> = {},
  services: readonly Fields[] = [service()],
): Copy {
  const copy = copyWorkload(object, services, { ...OPTIONS, ...over });
  if ('faults' in copy) throw new Error(copy.faults.map(({ message, hint }) => `${message} ${hint}`).join('\n'));
  return copy;
}

/** Why there is no copy. */
export function faults(
  object: Fields,
  over: Partial<CopyOptions> = {},
  services: readonly Fields[] = [service()],
): readonly string[] {
  const copy = copyWorkload(object, services, { ...OPTIONS, ...over });
  return 'faults' in copy ? copy.faults.map(({ message, hint }) => `${message} ${hint}`) : [];
}

/** A field by its path: `spec.template.metadata`. */
export function at(object: unknown, path: string): unknown {
  // Tests read what they wrote themselves.
  return path.split('.').reduce((value, name) => (value as Fields | undefined)?.[name], object);
}
