/** What `/api/intercepts` and `/api/previews` of a replica say, read with care: it may be older or newer than this command. */
import { FieldReader, type Fields } from '../../model/field-reader.ts';
import { isProblemCode, PROBLEMS, type Severity } from '../../model/problem.ts';

export interface ProblemView {
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  readonly hint: string;
}

export interface ReceiptView {
  readonly state: string;
  readonly needed: number;
  readonly acked: number;
  /** By `node.id`: whether the Envoy has it. Empty where the replica names none. */
  readonly proxies: Readonly<Record<string, boolean>>;
}

export interface InterceptView {
  readonly id: string;
  readonly key: string;
  readonly namespace: string;
  /** `Deployment/api-pr-42`. */
  readonly workload: string;
  /** `namespace/service:port`. */
  readonly target: string;
  readonly state: string;
  readonly winner: string;
  readonly match: string;
  readonly whenUnavailable: string;
  readonly mode: string;
  readonly percent: number;
  /** RFC 3339; '' for never. */
  readonly expires: string;
  readonly endpoints: readonly string[];
  readonly urls: readonly string[];
  /** Of the baseline: requests that carry the key get to the preview there. */
  readonly baselineUrls: readonly string[];
  readonly problems: readonly ProblemView[];
  readonly receipt: ReceiptView;
}

export interface PreviewView {
  readonly key: string;
  readonly namespace: string;
  readonly workload: string;
  readonly pods: number;
  readonly ready: number;
  /** RFC 3339, of its oldest pod; ''. */
  readonly createdAt: string;
  readonly problems: readonly ProblemView[];
}

/** undefined: that is no answer of Detour's. */
export function readIntercepts(body: unknown): readonly InterceptView[] | undefined {
  return readAll(body, 'intercepts', (read, fields): InterceptView => {
    const preview = read.map(fields['preview'], 'preview');
    const receipt = read.map(fields['receipt'], 'receipt');
    return {
      id: read.text(fields['id'], 'id'),
      key: read.text(fields['key'], 'key'),
      namespace: read.text(preview['namespace'], 'preview.namespace'),
      workload: workloadOf(preview, read),
      target: read.text(fields['target'], 'target'),
      state: read.text(fields['state'], 'state'),
      winner: read.text(fields['winner'], 'winner'),
      match: read.text(fields['match'], 'match'),
      whenUnavailable: read.text(fields['whenUnavailable'], 'whenUnavailable'),
      mode: read.text(fields['mode'], 'mode'),
      percent: count(fields['percent']),
      expires: read.text(fields['expires'], 'expires'),
      endpoints: texts(fields['endpoints'], 'endpoints', read),
      urls: texts(fields['urls'], 'urls', read),
      baselineUrls: texts(fields['baselineUrls'], 'baselineUrls', read),
      problems: problemsOf(fields['problems'], read),
      receipt: {
        state: read.text(receipt['state'], 'receipt.state'),
        needed: count(receipt['needed']),
        acked: count(receipt['acked']),
        proxies: Object.fromEntries(
          Object.entries(read.map(receipt['proxies'], 'receipt.proxies')).map(([id, has]) => [id, has === true]),
        ),
      },
    };
  });
}

/** The header that carries the key; '' where the answer does not say. */
export function readCarrierHeader(body: unknown): string {
  const read = new FieldReader();
  return read.text(read.map(read.map(body, '')['carriers'], '')['header'], '');
}

/** undefined: that is no answer of Detour's. */
export function readPreviews(body: unknown): readonly PreviewView[] | undefined {
  return readAll(
    body,
    'previews',
    (read, fields): PreviewView => ({
      key: read.text(fields['key'], 'key'),
      namespace: read.text(fields['namespace'], 'namespace'),
      workload: workloadOf(fields, read),
      pods: count(fields['pods']),
      ready: count(fields['ready']),
      createdAt: read.text(fields['createdAt'], 'createdAt'),
      problems: problemsOf(fields['problems'], read),
    }),
  );
}

function readAll<T>(body: unknown, name: string, readOne: (read: FieldReader, fields: Fields) => T): readonly T[] | undefined {
  const read = new FieldReader();
  const fields = read.map(body, 'the answer');
  if (!Array.isArray(fields[name])) return undefined;
  const all = fields[name].map((each, index) => readOne(read, read.map(each, `${name}[${index}]`)));
  return read.failed ? undefined : all;
}

function workloadOf(preview: Fields, read: FieldReader): string {
  return `${read.text(preview['kind'], 'kind')}/${read.text(preview['name'], 'name')}`;
}

function problemsOf(value: unknown, read: FieldReader): readonly ProblemView[] {
  return read.list(value, 'problems').map((each) => {
    const problem = read.map(each, 'problem');
    const code = read.text(problem['code'], 'problem.code');
    return {
      code,
      severity: isProblemCode(code) ? PROBLEMS[code].severity : 'error',
      message: read.text(problem['message'], 'problem.message'),
      hint: read.text(problem['hint'], 'problem.hint'),
    };
  });
}

function texts(value: unknown, path: string, read: FieldReader): readonly string[] {
  return read.list(value, path).map((each) => read.text(each, path));
}

function count(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
