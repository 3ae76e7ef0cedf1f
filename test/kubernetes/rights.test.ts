/** The chart's rights, on a real API server: all together they suffice, and without any one of them something breaks. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TokenReviewer } from '../../src/identity/token-reviewer.ts';
import type { Access } from '../../src/kubernetes/access.ts';
import { HttpApiClient, isFailure } from '../../src/kubernetes/api-client.ts';
import type { KubernetesObject } from '../support/kubernetes/api-client.ts';
import { type ApiServer, startApiServer } from '../support/kubernetes/api-server.ts';
import { chartObjects, theObject } from '../support/kubernetes/chart.ts';
import {
  ask,
  type Duty,
  follow,
  lead,
  meet,
  POD,
  reap,
  SHOP,
  SYSTEM,
  service,
  tell,
  workload,
} from '../support/kubernetes/duties.ts';
import { until } from '../support/until.ts';

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** One verb on one resource. */
interface Right {
  readonly name: string;
  readonly verb: string;
  readonly resource: string;
  readonly rule: Rule;
}

const RBAC = 'rbac.authorization.k8s.io';

const objects = await chartObjects('--set', 'plaintext=true,watchNamespaces={shop}');
const SHOP_RIGHTS = rightsOf('detour:detour-system');
const LEADER_RIGHTS = rightsOf('detour-leader');
const USER_RIGHTS = rightsOf('detour-user');

function rulesOf(role: KubernetesObject): readonly Rule[] {
  // What the API server took it for, in the test of the installation.
  return role['rules'] as readonly Rule[];
}

function rightsOf(role: string): readonly Right[] {
  return rulesOf(theObject(objects, 'Role', role)).flatMap((rule) =>
    rule.resources.flatMap((resource) =>
      rule.verbs.map((verb) => ({
        name: `${verb} ${resource}`,
        verb,
        resource,
        rule: { ...rule, resources: [resource], verbs: [verb] },
      })),
    ),
  );
}

let api: ApiServer;
let accounts = 0;

beforeAll(async () => {
  api = await startApiServer();
  for (const name of [SHOP, SYSTEM]) await api.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }]);
  await api.apply([
    service('api'),
    workload('apps/v1', 'Deployment', 'web'),
    workload('apps/v1', 'StatefulSet', 'web'),
    workload('apps/v1', 'DaemonSet', 'web'),
    workload('apps/v1', 'ReplicaSet', 'web'),
    workload('batch/v1', 'Job', 'web'),
    { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: SHOP }, spec: POD.spec },
    { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'detour-1', namespace: SYSTEM }, spec: { ...POD.spec, nodeName: 'node' } },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'web', namespace: SHOP },
      addressType: 'IPv4',
      endpoints: [],
      ports: [],
    },
  ]);
}, 90_000);
afterAll(() => api[Symbol.asyncDispose]());

/** A ServiceAccount with these rights and no other, and its way to the server. */
async function accountWith(namespace: string, rights: readonly Right[]): Promise<Access> {
  accounts += 1;
  const name = `account-${accounts}`;
  const token = await api.serviceAccountToken(SYSTEM, name);
  const metadata = { name, namespace };
  await api.apply([
    { apiVersion: `${RBAC}/v1`, kind: 'Role', metadata, rules: rights.map(({ rule }) => rule) },
    {
      apiVersion: `${RBAC}/v1`,
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: RBAC, kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace: SYSTEM }],
    },
  ]);
  const ca = await readFile(api.caFile, 'utf8');
  const none = { certificate: undefined, key: undefined, serverName: undefined, isInsecure: false };
  return { name, connect: async () => ({ server: new URL(api.url), token, ca, ...none }), forget: () => undefined };
}

const KINDS: Readonly<Record<string, { readonly apiVersion: string; readonly kind: string }>> = {
  services: { apiVersion: 'v1', kind: 'Service' },
  pods: { apiVersion: 'v1', kind: 'Pod' },
  endpointslices: { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice' },
  deployments: { apiVersion: 'apps/v1', kind: 'Deployment' },
  statefulsets: { apiVersion: 'apps/v1', kind: 'StatefulSet' },
  daemonsets: { apiVersion: 'apps/v1', kind: 'DaemonSet' },
  replicasets: { apiVersion: 'apps/v1', kind: 'ReplicaSet' },
  jobs: { apiVersion: 'batch/v1', kind: 'Job' },
};

/** As the API server says it. */
function deniedBy({ verb, resource }: Right): RegExp {
  return new RegExp(`^403 .*cannot ${verb} resource "${resource}"`);
}

interface Need {
  readonly duty: Duty;
  /** What is said without the right. */
  readonly without: RegExp;
}

/** Which duty a right is for. undefined: nobody needs it. */
function needOf(right: Right): Need | undefined {
  const { verb, resource } = right;
  const denied = deniedBy(right);
  if (resource === 'events') return { duty: tell('Deployment'), without: denied };
  const { apiVersion, kind } = KINDS[resource] ?? {};
  if (apiVersion === undefined || kind === undefined) return undefined;
  if (verb === 'get') return { duty: tell(kind), without: new RegExp(`has no uid of the ${kind}`) };
  if (['services', 'pods', 'endpointslices'].includes(resource) && verb !== 'delete')
    return { duty: follow(api), without: new RegExp(`cannot ${verb} ${resource} in namespace shop: 403 .*`) };
  if (verb === 'list' || verb === 'delete') return { duty: reap(api, apiVersion, kind), without: denied };
  return undefined;
}

const WELL = /^$/;

/** A new Role counts a moment later. */
async function untilSaid(duty: Duty, access: Access, wanted: RegExp): Promise<void> {
  await until(`${wanted}`, async () => {
    const said = await duty(access);
    if (!wanted.test(said)) throw new Error(said === '' ? 'all was well' : said);
    return true;
  });
}

describe('what is read, said and deleted', () => {
  test('is the same with watchNamespaces and without', async () => {
    const cluster = theObject(await chartObjects(), 'ClusterRole', 'detour:detour-system');
    expect(rulesOf(cluster)).toEqual(rulesOf(theObject(objects, 'Role', 'detour:detour-system')));
  });

  test('without deleteExpired nothing may be deleted', async () => {
    const roles = await chartObjects('--set', 'plaintext=true,watchNamespaces={shop}', '--set', 'deleteExpired=false');
    const verbs = rulesOf(theObject(roles, 'Role', 'detour:detour-system')).flatMap((rule) => rule.verbs);
    expect(new Set(verbs)).toEqual(new Set(['get', 'list', 'watch', 'create', 'update']));
  });

  test.each(SHOP_RIGHTS)('$name: with it all is well, without it something breaks', async (right) => {
    const need = needOf(right);
    if (need === undefined) throw new Error(`nobody needs the right to ${right.name}`);
    const all = await accountWith(SHOP, SHOP_RIGHTS);
    await untilSaid(need.duty, all, WELL);
    const rest = await accountWith(
      SHOP,
      SHOP_RIGHTS.filter((each) => each !== right),
    );
    await untilSaid(need.duty, rest, need.without);
  });
});

describe('who leads', () => {
  test.each(LEADER_RIGHTS)('$name: with it all is well, without it something breaks', async (right) => {
    const duty = right.resource === 'pods' ? meet : lead(api);
    const all = await accountWith(SYSTEM, LEADER_RIGHTS);
    await untilSaid(duty, all, WELL);
    const rest = await accountWith(
      SYSTEM,
      LEADER_RIGHTS.filter((each) => each !== right),
    );
    await untilSaid(duty, rest, deniedBy(right));
  });

  test('another Lease is out of reach', async () => {
    const access = await accountWith(SYSTEM, LEADER_RIGHTS);
    const signal = AbortSignal.timeout(10_000);
    const path = `/apis/coordination.k8s.io/v1/namespaces/${SYSTEM}/leases/other`;
    const answer = await new HttpApiClient(access).get({ path, query: {}, resource: 'leases', signal });
    expect(isFailure(answer) && answer.reason).toMatch(/^403 /);
  });
});

describe('the Role detour-user', () => {
  test.each(USER_RIGHTS)('$name: with it all is well, without it something breaks', async (right) => {
    await untilSaid(ask, await accountWith(SYSTEM, USER_RIGHTS), WELL);
    const rest = await accountWith(
      SYSTEM,
      USER_RIGHTS.filter((each) => each !== right),
    );
    // Of a WebSocket without the right to create the server says no more than this; the fix says the verbs.
    const without = right.verb === 'create' ? /^403 pods "detour-1" is forbidden.*: .*needs get and create on/ : deniedBy(right);
    await untilSaid(ask, rest, without);
  });
});

describe('whose a token is', () => {
  const review = async (access: Access): Promise<string> => {
    const reviewer = new TokenReviewer({ sender: new HttpApiClient(access), now: Date.now });
    const reviewed = await reviewer.review(await api.serviceAccountToken(SHOP, 'api', { audience: 'detour' }));
    return 'trouble' in reviewed ? reviewed.trouble : 'message' in reviewed ? reviewed.message : reviewed.identity.kind;
  };

  test('is told to whoever has the right of the chart, and to nobody else', async () => {
    const rules = rulesOf(theObject(await chartObjects(), 'ClusterRole', 'detour:detour-system:tokens'));
    expect(rules.map(({ resources, verbs }) => [resources, verbs])).toEqual([[['tokenreviews'], ['create']]]);
    const access = await accountWith(SYSTEM, []);
    expect(await review(access)).toMatch(
      /^403 tokenreviews.* is forbidden: .* cannot create resource "tokenreviews".*needs create on/,
    );
    const name = `account-${accounts}`;
    await api.apply([
      { apiVersion: `${RBAC}/v1`, kind: 'ClusterRole', metadata: { name, namespace: '' }, rules },
      {
        apiVersion: `${RBAC}/v1`,
        kind: 'ClusterRoleBinding',
        metadata: { name, namespace: '' },
        roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name },
        subjects: [{ kind: 'ServiceAccount', name, namespace: SYSTEM }],
      },
    ]);
    await untilSaid(review, access, /^token$/);
  });

  test('is asked by nobody where it is not needed', async () => {
    for (const set of ['plaintext=true', 'tls.tokens=off,tls.clientCaSecret=a,gateway.certificateSecret=b']) {
      const names = (await chartObjects('--set', set)).map(({ metadata }) => metadata.name);
      expect(names.filter((name) => name.endsWith(':tokens'))).toEqual([]);
    }
  });
});
