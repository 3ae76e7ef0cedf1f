/** Labels and annotations that a copy must not take over from the baseline. */
import { PREFIX } from '../annotations/keys.ts';
import type { Labels } from './selector.ts';

/** Marks of tools that own the baseline. A copy that bore them would be theirs: listed, reverted or pruned with it. */
const OWNED_BY_TOOLS = [
  // Helm, Argo CD, Flux, Fleet, kapp, kubectl's ApplySets and inventories.
  ...['helm.sh/', 'meta.helm.sh/', 'argocd.argoproj.io/', 'notifications.argoproj.io/', 'helm.toolkit.fluxcd.io/'],
  ...['kustomize.toolkit.fluxcd.io/', 'objectset.rio.cattle.io/', 'meta.rio.cattle.io/', 'kapp.k14s.io/'],
  ...['applyset.kubernetes.io/', 'config.k8s.io/', 'cli-utils.sigs.k8s.io/'],
  // Tools that replace images by themselves.
  ...['keel.sh/', 'fluxcd.io/'],
];

/** What Kubernetes and its add-ons write down about one object. */
const RECORDS = [
  ...['kubectl.kubernetes.io/last-applied-configuration', 'kubernetes.io/change-cause', 'deployment.kubernetes.io/'],
  ...['pod-template-hash', 'controller-revision-hash', 'statefulset.kubernetes.io/pod-name', 'apps.kubernetes.io/pod-index'],
  ...['cni.projectcalico.org/', 'k8s.v1.cni.cncf.io/network-status', 'k8s.ovn.org/', 'autoscaling.alpha.kubernetes.io/'],
];

const HELM_MARKS: Labels = { 'app.kubernetes.io/managed-by': 'Helm', heritage: 'Helm' };

/** Of labels or of annotations: without marks of tools, records of the object, and anything of Detour's own. */
export function withoutMarks(entries: Labels): Labels {
  const isMark = ([name, value]: [string, string]) =>
    [PREFIX, ...OWNED_BY_TOOLS, ...RECORDS].some((mark) => (mark.endsWith('/') ? name.startsWith(mark) : name === mark)) ||
    HELM_MARKS[name] === value;
  return Object.fromEntries(Object.entries(entries).filter((entry) => !isMark(entry)));
}
