/** Which ServiceAccount a pod runs as: a certificate of an account says nothing of the pod. */
import { isFailure } from '../kubernetes/api-client.ts';
import { type ApiSender, callForObject } from '../kubernetes/api-objects.ts';
import { FieldReader } from '../model/field-reader.ts';
import { type ObjectKey, splitObjectKey } from '../model/names.ts';

export interface PodAccounts {
  /** `account` undefined: there is no such pod. */
  accountOf(pod: ObjectKey): Promise<{ readonly account: ObjectKey | undefined } | { readonly trouble: string }>;
}

const ANSWER_MS = 10_000;

/** Asks the API server each time: Envoys come seldom, and pods of one name come and go. */
export function podAccounts(sender: ApiSender): PodAccounts {
  return {
    async accountOf(pod) {
      const { namespace, name } = splitObjectKey(pod);
      const answer = await callForObject(sender, {
        method: 'GET',
        path: `/api/v1/namespaces/${namespace}/pods/${name}`,
        query: {},
        resource: 'pods',
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      if (isFailure(answer)) {
        if (answer.status === 404) return { account: undefined };
        return { trouble: answer.fix === '' ? answer.reason : `${answer.reason}: ${answer.fix}` };
      }
      const read = new FieldReader();
      const account = read.text(read.map(answer['spec'], 'spec')['serviceAccountName'], 'spec.serviceAccountName', 'default');
      return { account: `${namespace}/${account}` };
    },
  };
}
