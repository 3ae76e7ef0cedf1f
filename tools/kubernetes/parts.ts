/** The real Kubernetes parts that tests run against: what they are, and how they are built. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
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
  /** Folders for `KUBEBUILDER_ASSETS` have it; one of those that lacks it is an error. */
  readonly isAsset: boolean;
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

/** One of Kubernetes' own programs. */
function kubernetesPart(name: string, minutes: number): KubernetesPart {
  return {
    name,
    version: KUBERNETES,
    package: `k8s.io/kubernetes/cmd/${name}`,
    moduleFolder: folderOf(name),
    // A plain build does not know its own version.
    linkerFlags: `-s -w -X ${VERSION}.gitVersion=v${KUBERNETES} -X ${VERSION}.gitMajor=1 -X ${VERSION}.gitMinor=36`,
    accepted: /^Kubernetes v1\.36\./m,
    isAsset: name === 'kube-apiserver',
    minutes,
    cached: cached(`kubernetes-${KUBERNETES}`, name),
  };
}

export const KUBE_APISERVER = kubernetesPart('kube-apiserver', 8);

export const KUBE_CONTROLLER_MANAGER = kubernetesPart('kube-controller-manager', 6);

export const ETCD_SERVER: KubernetesPart = {
  name: 'etcd',
  version: ETCD,
  package: 'go.etcd.io/etcd/server/v3',
  moduleFolder: folderOf('etcd'),
  linkerFlags: '-s -w',
  accepted: /^etcd Version: 3\.[5-9]\./m,
  isAsset: true,
  minutes: 3,
  cached: cached(`etcd-${ETCD}`, 'etcd'),
};

/** Our own program has no releases: what it is made of says which it is. */
function versionOfAgent(): string {
  const hash = createHash('sha256');
  for (const name of ['main.go', 'go.mod', 'go.sum']) hash.update(readFileSync(folderOf(`node-agent/${name}`)));
  return hash.digest('hex').slice(0, 12);
}

const AGENT = versionOfAgent();

/** Serves port-forward and logs in place of a kubelet. */
export const NODE_AGENT: KubernetesPart = {
  name: 'node-agent',
  version: AGENT,
  package: '.',
  moduleFolder: folderOf('node-agent'),
  linkerFlags: `-s -w -X main.version=${AGENT}`,
  accepted: new RegExp(`^node-agent ${AGENT}$`, 'm'),
  isAsset: false,
  minutes: 1,
  cached: cached(`node-agent-${AGENT}`, 'node-agent'),
};

/** In the order of their use; the API server alone needs the first two. */
export const PARTS: readonly KubernetesPart[] = [ETCD_SERVER, KUBE_APISERVER, KUBE_CONTROLLER_MANAGER, NODE_AGENT];
