/** Manifests of services → manifests of their previews: each workload that backs a Service gets a copy. */
import { PREVIEW_LABEL } from '../annotations/keys.ts';
import type { Fields } from '../model/field-reader.ts';
import type { CopyFault, CopyOptions } from './copy-options.ts';
import { copyWorkload, type Manifest } from './copy-workload.ts';
import { findBaseline, namespaceOf, workloadsOf } from './find-baseline.ts';
import { readLabels, serviceSelector } from './selector.ts';
import { fieldsOf, nameOfObject, readWorkload, textOf } from './workload.ts';

export interface ManifestOptions {
  readonly copy: Omit<CopyOptions, 'standsInFor'>;
  /** Names of the Services that are meant; empty: all. */
  readonly services: readonly string[];
  /** Where a Service has several workloads, those that are meant. */
  readonly workloads: readonly string[];
  /** Whether anything of the Service can be routed. */
  readonly speaksHttp: (service: Fields) => boolean;
}

export interface PreviewManifests {
  /** In the order of their baselines' Services. */
  readonly previews: readonly Manifest[];
  /** What is left out or changed, a sentence each. */
  readonly notices: readonly string[];
  /** Where there are any, `previews` is empty: half a set of previews is none. */
  readonly faults: readonly CopyFault[];
}

export function previewManifests(objects: readonly Fields[], options: ManifestOptions): PreviewManifests {
  const services = objects.filter(isBaselineService);
  const { stands, notices, faults } = findStands(services, objects, options);
  if (stands.size === 0 && faults.length === 0) faults.push(nothing(services));
  if (options.copy.image?.kind === 'image' && stands.size > 1) faults.push(severalForOneImage([...stands.keys()]));
  const previews: Manifest[] = [];
  for (const [workload, names] of stands) {
    const siblings = services.filter((service) => namespaceOf(service) === namespaceOf(workload));
    const standsInFor = names.map((service) => ({ service, port: undefined }));
    const copy = copyWorkload(workload, siblings, { ...options.copy, standsInFor });
    const label = nameOfObject(workload);
    if ('faults' in copy) faults.push(...copy.faults.map(({ message, hint }) => ({ message: `${label}: ${message}`, hint })));
    else {
      previews.push(copy.manifest);
      notices.push(...copy.notices.map((notice) => `${label}: ${notice}`));
    }
  }
  return { previews: faults.length > 0 ? [] : previews, notices, faults };
}

interface Stands {
  /** By workload, the names of its Services. */
  readonly stands: Map<Fields, string[]>;
  readonly notices: string[];
  readonly faults: CopyFault[];
}

function findStands(services: readonly Fields[], objects: readonly Fields[], options: ManifestOptions): Stands {
  const stands = new Map<Fields, string[]>();
  const notices: string[] = [];
  const faults: CopyFault[] = missing(services, options.services);
  for (const service of services) {
    const name = textOf(fieldsOf(service['metadata'])['name']);
    const isNamed = options.services.includes(name);
    if (options.services.length > 0 && !isNamed) continue;
    const baseline = baselineOf(service, objects, options);
    if ('workload' in baseline) stands.set(baseline.workload, [...(stands.get(baseline.workload) ?? []), name]);
    // What nobody named may be anything: a database, an agent on each node.
    else if (isNamed || baseline.unclear) faults.push(baseline.fault);
    else notices.push(`${baseline.fault.message} It has no preview.`);
  }
  return { stands, notices, faults };
}

type Found = { readonly workload: Fields } | { readonly fault: CopyFault; readonly unclear: boolean };

function baselineOf(service: Fields, objects: readonly Fields[], { workloads, speaksHttp }: ManifestOptions): Found {
  const found = workloadsOf(service, objects).map((each) => fieldsOf(each['metadata'])['name']);
  if (!speaksHttp(service) && serviceSelector(service) !== undefined) {
    const message = `${nameOfObject(service)} has no port that speaks HTTP.`;
    return { fault: { message, hint: 'If one does, say so with appProtocol: http on the Service.' }, unclear: false };
  }
  const baseline = findBaseline(
    service,
    objects,
    workloads.find((name) => found.includes(name)),
  );
  if ('fault' in baseline) return { ...baseline, unclear: found.length > 1 };
  const read = readWorkload(baseline.workload);
  return 'fault' in read ? { fault: read.fault, unclear: false } : baseline;
}

function isBaselineService(object: Fields): boolean {
  if (object['kind'] !== 'Service' || object['apiVersion'] !== 'v1') return false;
  return !Object.hasOwn(readLabels(fieldsOf(object['metadata'])['labels']), PREVIEW_LABEL);
}

function missing(services: readonly Fields[], wanted: readonly string[]): CopyFault[] {
  const names = services.map((service) => textOf(fieldsOf(service['metadata'])['name']));
  const hint = names.length === 0 ? 'They hold no Service.' : `They hold ${names.join(', ')}.`;
  return wanted
    .filter((name) => !names.includes(name))
    .map((name) => ({ message: `The manifests hold no Service ${name}.`, hint }));
}

function nothing(services: readonly Fields[]): CopyFault {
  if (services.length === 0)
    return {
      message: 'The manifests hold no Service.',
      hint: 'Give the Service and its workload together: one is told by the other.',
    };
  return { message: 'None of the Services has a workload that can be copied.', hint: 'See the notices, and docs/commands.md.' };
}

function severalForOneImage(workloads: readonly Fields[]): CopyFault {
  return {
    message: `One image is given, and there are ${workloads.length} workloads to copy: ${workloads.map(nameOfObject).join(', ')}.`,
    hint: 'Name the Service with --service, or give the images with --from-commit.',
  };
}
