/** An explanation in sentences, a line each. */
import { formatRule } from '../annotations/header-rule.ts';
import type { Explanation, Outcome, Via } from '../explain/explanation.ts';
import { describeSource } from '../explain/key.ts';
import { type InterceptId, previewOfIntercept } from '../model/names.ts';

export function explanationText(explanation: Explanation): string {
  const { hop, key, carriers, target, outcome, mirror, servedBy, losers } = explanation;
  const lines = [
    ...(carriers === undefined ? [] : [CARRIERS[carriers]]),
    key === undefined
      ? 'The request carries no key.'
      : `The request carries the key ${key.text}, by ${describeSource(key.source)}; ${key.live ? 'it is live' : 'no live preview has it'}.`,
    ...(target === undefined ? [] : [`It is for ${target}.`]),
    outcomeText(outcome, hop),
    ...(mirror === undefined
      ? []
      : [`${share(mirror.percent)} copied to ${previewText(mirror.intercept)}, ${viaText(mirror.via)}.`]),
    ...(servedBy === undefined ? [] : [`The reply says x-detour-served-by: ${servedBy}.`]),
    ...losers.map(({ intercept, reason }) => `Not ${previewText(intercept)}: ${reason}`),
  ];
  return `${lines.join('\n')}\n`;
}

const CARRIERS: Readonly<Record<NonNullable<Explanation['carriers']>, string>> = {
  strip: 'This gateway takes all carriers away, and opens no preview by its URL.',
  signed:
    'This gateway takes signed keys alone. Only it knows the secrets: this is what it does if signature and expiry are good.',
};

function outcomeText(outcome: Outcome, hop: Explanation['hop']): string {
  switch (outcome.kind) {
    case 'preview': {
      const rest = outcome.percent === 100 ? '' : ` The others go to the ${outcome.otherwise}.`;
      return `${share(outcome.percent)} sent to ${previewText(outcome.intercept)}, ${viaText(outcome.via)}.${rest}${answeredText(outcome.answeredBy)}`;
    }
    case 'baseline':
      return outcome.answeredBy === 'nobody'
        ? 'It goes to the baseline, which has no endpoints: 503.'
        : 'It goes to the baseline.';
    case 'app':
      return `It goes to the pod's own app: ${APP[outcome.why]}.`;
    case 'no-preview':
      return `Envoy answers 404 with a page: no live preview has the key ${outcome.key}.`;
    case 'unsigned':
      return `Envoy answers 403 with a page: the request has no signed key of ${outcome.key}. \`detour sign ${outcome.key}\` makes one.`;
    case 'cookie':
      return `Envoy answers 303, to the same URL without the signed key of ${outcome.key}, and sets a cookie that has it.`;
    case 'preflight':
      return 'Envoy answers 204: it is a preflight for a carrier.';
    case 'onward':
      return 'It goes on as it is to where it was sent: nothing there has a live intercept.';
    case 'unknown':
      return `Envoy answers 404: ${unknownText(outcome.what, hop)}.`;
  }
}

function unknownText(what: 'host' | 'path', hop: Explanation['hop']): string {
  if (what === 'host' && hop === 'gateway') return 'no Service has this host in its detour.dev/host';
  return what === 'host' ? 'it knows no such Service' : 'it knows no such path of this host';
}

/** As problems name it. The port that it stands in for is told once, above. */
function previewText(intercept: InterceptId): string {
  const { namespace, key, kind, name } = previewOfIntercept(intercept);
  return `preview ${key} (${kind} ${namespace}/${name})`;
}

const APP: Readonly<Record<Extract<Outcome, { kind: 'app' }>['why'], string>> = {
  baseline: 'no intercept takes it, and the app is the baseline',
  decided: 'another hop has decided',
  own: 'the app is the preview that it is for',
  unrouted: 'the port belongs to no Service',
};

function answeredText(by: Extract<Outcome, { kind: 'preview' }>['answeredBy']): string {
  if (by === 'preview') return '';
  return by === 'nobody' ? ' The preview has no ready pod: 503.' : ` The preview has no ready pod: the ${by} answers.`;
}

function share(percent: number): string {
  return percent === 100 ? 'It is' : `${percent} % of such requests are`;
}

function viaText(via: Via): string {
  if (via.by === 'rule') return `by the rule ${formatRule({ alternatives: [via.alternative] })}`;
  return via.by === 'key' ? 'by its key' : 'by the address of the preview';
}
