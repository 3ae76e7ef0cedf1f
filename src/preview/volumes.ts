/** A copy never mounts what the baseline writes to: claims and disks become empty directories. */
import type { Fields } from '../model/field-reader.ts';
import type { CopyFault } from './copy-options.ts';
import { fieldsOf, listOf, textOf } from './workload.ts';

/** Sources of volumes that hold data which outlives a pod. A claim of the pod's own (`ephemeral`) is not among them. */
const LASTING = [
  ...['persistentVolumeClaim', 'nfs', 'cephfs', 'glusterfs', 'azureFile', 'rbd', 'iscsi', 'fc', 'cinder', 'flexVolume'],
  ...['awsElasticBlockStore', 'gcePersistentDisk', 'azureDisk', 'vsphereVolume', 'portworxVolume', 'quobyte', 'scaleIO'],
  ...['storageos', 'photonPersistentDisk', 'flocker'],
];

/** Mounted by admission into every pod anew. */
const TOKEN_VOLUME = /^kube-api-access-[a-z0-9]{5}$/;

export interface OwnVolumes {
  readonly spec: Fields;
  readonly notices: readonly string[];
}

/** @param claimTemplates those of a StatefulSet. */
export function ownVolumes(spec: Fields, claimTemplates: readonly unknown[]): OwnVolumes | { readonly fault: CopyFault } {
  const templates = claimTemplates.map((each) => textOf(fieldsOf(fieldsOf(each)['metadata'])['name']));
  const emptied = new Set(templates);
  const notices: string[] = [];
  const volumes = listOf(spec['volumes'])
    .map(fieldsOf)
    .flatMap((volume): Fields[] => {
      const name = textOf(volume['name']);
      // A claim template goes before a volume of its name.
      if (templates.includes(name)) return [];
      const source = LASTING.find((each) => volume[each] !== undefined && volume[each] !== null);
      if (source !== undefined) emptied.add(name);
      else if (isWritableHostPath(volume, spec)) notices.push(hostPathNotice(volume));
      return [source === undefined ? volume : { name, emptyDir: {} }];
    });
  const blocked = containersOf(spec).find((each) =>
    listOf(each['volumeDevices']).some((one) => emptied.has(textOf(fieldsOf(one)['name']))),
  );
  if (blocked !== undefined) {
    const message = `Container ${textOf(blocked['name'])} uses a volume as a raw device, and a copy must not use the baseline's.`;
    return { fault: { message, hint: 'Write the preview yourself, with a volume of its own.' } };
  }
  if (emptied.size > 0) notices.unshift(emptyNotice([...emptied]));
  const all = [...volumes, ...templates.map((name) => ({ name, emptyDir: {} }))];
  return { spec: all.length === 0 && spec['volumes'] === undefined ? spec : { ...spec, volumes: all }, notices };
}

/** A Pod that was read from the API server has a volume that admission gave it. */
export function withoutTokenVolume(spec: Fields): Fields {
  const strip = (value: unknown): Fields => withoutTokenIn(fieldsOf(value), 'volumeMounts');
  return {
    ...withoutTokenIn(spec, 'volumes'),
    containers: listOf(spec['containers']).map(strip),
    ...(spec['initContainers'] === undefined ? {} : { initContainers: listOf(spec['initContainers']).map(strip) }),
  };
}

/** A list that had nothing else is left out. */
function withoutTokenIn(fields: Fields, name: string): Fields {
  const all = listOf(fields[name]);
  const kept = all.filter((each) => !TOKEN_VOLUME.test(textOf(fieldsOf(each)['name'])));
  if (kept.length === all.length) return fields;
  const { [name]: _, ...rest } = fields;
  return kept.length === 0 ? rest : { ...rest, [name]: kept };
}

function containersOf(spec: Fields): readonly Fields[] {
  return [...listOf(spec['initContainers']), ...listOf(spec['containers'])].map(fieldsOf);
}

function isWritableHostPath(volume: Fields, spec: Fields): boolean {
  if (volume['hostPath'] === undefined || volume['hostPath'] === null) return false;
  const mounts = containersOf(spec).flatMap((each) => listOf(each['volumeMounts']).map(fieldsOf));
  return mounts.some((mount) => mount['name'] === volume['name'] && mount['readOnly'] !== true);
}

function emptyNotice(names: readonly string[]): string {
  const what =
    names.length === 1 ? `Volume ${names[0]} is an empty directory` : `Volumes ${names.join(', ')} are empty directories`;
  return `${what} in the preview: it never mounts the baseline's data.`;
}

function hostPathNotice(volume: Fields): string {
  const path = textOf(fieldsOf(volume['hostPath'])['path']);
  return `Volume ${textOf(volume['name'])} is the node's ${path}, which the preview may write to like the baseline.`;
}
