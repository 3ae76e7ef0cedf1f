/** What there is to GET. */
import { explain } from '../explain/explain.ts';
import { scopeKey } from '../translate/scope.ts';
import type { ControlPlane } from './control-plane.ts';
import { envoysThatHave } from './explain-envoys.ts';
import { misfit, readExplainQuery } from './explain-query.ts';
import { explanationText } from './explanation-text.ts';
import { readyAnswer } from './health.ts';
import { json, type Routes, text } from './http.ts';
import { previewReport } from './preview-report.ts';

/** @param metrics the whole answer of `/metrics`. */
export function adminRoutes(
  plane: ControlPlane,
  metrics: () => Promise<{ readonly type: string; readonly body: string }>,
): Routes {
  const { engine, server, carriers, census } = plane.parts;
  return {
    '/healthz': { summary: '200 while the process works.', answer: () => text('ok\n') },
    '/readyz': {
      summary: '200 when Envoys may come, else 503 and what is waited for; ?verbose tells all conditions.',
      answer: (query) => readyAnswer(plane.conditions(), query.has('verbose')),
    },
    '/metrics': { summary: 'Metrics, for Prometheus.', answer: async () => ({ status: 200, ...(await metrics()) }) },
    '/api/intercepts': {
      summary:
        'Every intercept with its state, problems and receipt; ?key=, ?namespace= (of the preview), ?target= narrow it down; &proxies names the Envoys, &census those that have lost their replica.',
      answer: async (query) => {
        // First: an Envoy that comes meanwhile is in both.
        const looked = query.has('census') ? { census: await census.look() } : {};
        const is = (name: string, value: string) => !query.has(name) || query.get(name) === value;
        const intercepts = plane.intercepts(
          ({ key, preview, target }) => is('key', key) && is('namespace', preview.namespace) && is('target', target),
          { withProxies: query.has('proxies') },
        );
        return json({ intercepts, carriers, ...looked });
      },
    },
    '/api/previews': {
      summary: 'Every preview: its pods, and what is wrong with its annotations; ?key=, ?namespace= narrow it down.',
      answer: (query) => {
        const is = (name: string, value: string) => !query.has(name) || query.get(name) === value;
        const previews = [...engine.previews()].map(previewReport);
        return json({ previews: previews.filter(({ key, namespace }) => is('key', key) && is('namespace', namespace)) });
      },
    },
    '/api/proxies': {
      summary: 'Every connected Envoy: who it is, and which versions it was sent and has accepted.',
      answer: () => json({ proxies: [...server.proxies()] }),
    },
    '/api/replica': {
      summary: 'This replica, and the Envoys that it serves or waits for: what replicas ask each other.',
      answer: () => json(census.attendance()),
    },
    '/api/problems': {
      summary: "Users' mistakes and conflicts, as they are now; ?code= narrows it down.",
      answer: (query) =>
        json({ problems: plane.problems().filter(({ code }) => !query.has('code') || query.get('code') === code) }),
    },
    '/api/explain': {
      summary: 'What happens to a request, and why: ?to=SERVICE|URL, &header=NAME:VALUE …',
      answer: (query) => {
        const proxies = server.proxies();
        const question = readExplainQuery(
          query,
          engine.model,
          proxies.map(({ proxy }) => proxy),
        );
        if ('error' in question) return json(question, 400);
        const explanation = explain(engine.model, question.scope, question.request, { carriers });
        if ('error' in explanation) return json(misfit(explanation.error, question), 400);
        const sources = { proxies, holders: server.holders.bind(server) };
        const envoys = envoysThatHave(explanation, scopeKey(question.scope), sources);
        return json({ ...question, explanation, envoys, text: explanationText(explanation) });
      },
    },
  };
}
