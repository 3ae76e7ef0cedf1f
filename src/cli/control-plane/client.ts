/** Asks all replicas of the control plane, and makes one answer of theirs. */
import { isFields } from '../../model/field-reader.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { ControlPlaneValues } from '../cluster/cluster-flags.ts';
import { isTrouble, type Trouble } from '../trouble.ts';
import { type CensusView, readCensus, unaccounted } from './census.ts';
import { type MergedIntercept, mergeIntercepts, mergePreviews, type ReplicaReport } from './merge.ts';
import { podReplicas } from './pod-replicas.ts';
import type { FindReplicas, Replica } from './replica.ts';
import { type PreviewView, readCarrierHeader, readIntercepts, readPreviews } from './reports.ts';
import { urlReplicas } from './url-replicas.ts';

/** What the replicas know, at one moment. */
export interface Overview {
  readonly intercepts: readonly MergedIntercept[];
  readonly previews: readonly PreviewView[];
  /** The header that carries the key; '' where it is not known. */
  readonly header: string;
  /** Replicas that answered. */
  readonly replicas: readonly string[];
  /** Why others did not. */
  readonly troubles: readonly Trouble[];
  /** Why receipts may lack Envoys, a sentence part each. */
  readonly unaccounted: readonly string[];
}

/** `undefined`: of all. */
export interface Selection {
  readonly key: string | undefined;
  readonly namespace: string | undefined;
}

export class ControlPlaneClient {
  readonly #find: FindReplicas;

  constructor(find: FindReplicas) {
    this.#find = find;
  }

  /** @returns trouble where no replica answers. */
  async overview({ key, namespace }: Selection): Promise<Overview | Trouble> {
    const replicas = await this.#find();
    if (isTrouble(replicas)) return replicas;
    const query = new URLSearchParams();
    if (key !== undefined) query.set('key', key);
    if (namespace !== undefined) query.set('namespace', namespace);
    const answers = await Promise.all(replicas.map((replica) => report(replica, query)));
    const reports = answers.filter((each) => isAnswer(each));
    const troubles = answers.filter((each) => isTrouble(each));
    const [trouble] = troubles;
    if (reports.length === 0 && trouble !== undefined) return trouble;
    return {
      intercepts: mergeIntercepts(reports),
      previews: mergePreviews(reports),
      header: reports[0]?.header ?? '',
      replicas: reports.map(({ replica }) => replica),
      troubles,
      unaccounted: unaccounted(answers.flatMap((each) => (isAnswer(each) ? (each.census ?? []) : []))),
    };
  }

  /** Answers of all replicas that give one, in their order; trouble where none does. @param path with its query */
  async askAll(path: string): Promise<readonly { readonly replica: string; readonly body: unknown }[] | Trouble> {
    const replicas = await this.#find();
    if (isTrouble(replicas)) return replicas;
    const answers = await Promise.all(
      replicas.map(async (replica) => {
        const body = await ask(replica, path);
        return isTrouble(body) ? body : { replica: replica.name, ...body };
      }),
    );
    const good = answers.filter((each) => isAnswer(each));
    const trouble = answers.find((each) => isTrouble(each));
    return good.length > 0 || trouble === undefined ? good : trouble;
  }
}

function isAnswer<T extends object>(value: T | Trouble): value is T {
  return !isTrouble(value);
}

/** By URL where there is one, else through the API server. */
export function controlPlaneOf(values: ControlPlaneValues, cluster: Cluster): ControlPlaneClient {
  if (values.server.length > 0) return new ControlPlaneClient(async () => urlReplicas(values.server));
  return new ControlPlaneClient(() => podReplicas(cluster, values['system-namespace']));
}

interface Answer extends ReplicaReport {
  readonly census: CensusView | undefined;
}

async function report(replica: Replica, query: URLSearchParams): Promise<Answer | Trouble> {
  const [intercepts, previews] = await Promise.all([
    ask(replica, `/api/intercepts?${query}&proxies&census`),
    ask(replica, `/api/previews?${query}`),
  ]);
  if (isTrouble(intercepts)) return intercepts;
  if (isTrouble(previews)) return previews;
  const known = readIntercepts(intercepts.body);
  const declared = readPreviews(previews.body);
  const header = readCarrierHeader(intercepts.body);
  if (known !== undefined && declared !== undefined)
    return { replica: replica.name, intercepts: known, previews: declared, header, census: readCensus(intercepts.body) };
  const hint = 'use a `detour` of the version of the control plane';
  return { trouble: `${replica.name} answers with what this version of detour does not read`, hint };
}

async function ask(replica: Replica, path: string): Promise<{ readonly body: unknown } | Trouble> {
  const answer = await replica.get(path);
  if (isTrouble(answer)) return answer;
  const { status, body } = answer;
  if (status === 200) return { body };
  const said: Readonly<Record<string, unknown>> = isFields(body) ? body : {};
  const { error, hint, parameter } = said;
  if (status === 404) {
    const older = 'is it a control plane of an older version?';
    return { trouble: `${replica.name} has no ${path.replace(/\?.*/, '')}`, hint: older };
  }
  return {
    trouble: typeof error === 'string' ? error : `${replica.name} answers ${status}`,
    hint: typeof hint === 'string' ? hint : '',
    ...(typeof parameter === 'string' && { about: parameter }),
  };
}
