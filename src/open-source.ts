/** Settings to a source, and to the way to an API server. Small, so that reading can begin before the rest is loaded. */
import type { SourceSetting } from './config.ts';
import type { Access } from './kubernetes/access.ts';
import { inClusterAccess } from './kubernetes/in-cluster.ts';
import { kubeconfigAccess } from './kubernetes/kubeconfig.ts';
import type { AccessSetting } from './kubernetes-setting.ts';
import type { Source } from './sources/source.ts';

/**
 * A new source is a case here, a setting in config.ts, and a folder in sources/.
 * @param now ms since the epoch
 * @param tell for whoever runs it: see {@link accessOf}
 */
export async function openSource(setting: SourceSetting, now: () => number, tell?: (text: string) => void): Promise<Source> {
  switch (setting.kind) {
    case 'directory': {
      const { directorySource } = await import('./sources/directory/watch.ts');
      return directorySource(setting.path, now);
    }
    case 'kubernetes': {
      const { kubernetesSource } = await import('./sources/kubernetes/kubernetes-source.ts');
      return kubernetesSource({ access: accessOf(setting.access, now, tell), namespaces: setting.namespaces, now });
    }
  }
}

/**
 * @param now ms since the epoch
 * @param tell what a login says, as it says it; nobody hears it unless told
 */
export function accessOf(setting: AccessSetting, now: () => number, tell?: (text: string) => void): Access {
  switch (setting.kind) {
    case 'in-cluster':
      return inClusterAccess(setting.host, setting.port);
    case 'kubeconfig':
      return kubeconfigAccess({ ...setting, now, tell });
  }
}
