/** The real Kubernetes parts that tests run against: what they are, and how they are built. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface KubernetesPart {
  /** Also the name of its program. */
  readonly name: string;
  readonly version: string;
  /** The Go package of its main program. */
  readonly package: string;
  /** Holds the go.mod and go.sum that pin everything it is built from. */
  readonly moduleFolder: string;
  readonly linkerFlags: string;
  /** What `--version` of a program found on the PATH must say to be taken in place of our own. */
  readonly accepted: RegExp;
  /** About how long a build takes on two cores, for the person who waits. */
  readonly minutes: number;
  /** Where a built one lies from then on. */
  readonly cached: string;
}

const KUBERNETES = '1.36.3';
const ETCD = '3.6.16';
const VERSION = 'k8s.io/component-base/version';

function folderOf(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

function cached(folder: string, name: string): string {
  return join(homedir(), '.cache', 'detour', folder, name);
}

export const KUBE_APISERVER: KubernetesPart = {
  name: 'kube-apiserver',
  version: KUBERNETES,
  package: 'k8s.io/kubernetes/cmd/kube-apiserver',
  moduleFolder: folderOf('kube-apiserver'),
  // A plain build does not know its own version.
  linkerFlags: `-s -w -X ${VERSION}.gitVersion=v${KUBERNETES} -X ${VERSION}.gitMajor=1 -X ${VERSION}.gitMinor=36`,
  accepted: /^Kubernetes v1\.36\./m,
  minutes: 8,
  cached: cached(`kubernetes-${KUBERNETES}`, 'kube-apiserver'),
};

export const ETCD_SERVER: KubernetesPart = {
  name: 'etcd',
  version: ETCD,
  package: 'go.etcd.io/etcd/server/v3',
  moduleFolder: folderOf('etcd'),
  linkerFlags: '-s -w',
  accepted: /^etcd Version: 3\.[5-9]\./m,
  minutes: 3,
  cached: cached(`etcd-${ETCD}`, 'etcd'),
};
