/**
 * One app of the shop, a process of its own: `shop-app.ts SERVICE COPY PORT [NEXT-SERVICE OUTBOUND-PORT]`.
 * It calls the next service through its Envoy, passes on the headers that say whose request it is, as every traced app
 * does, and answers with the way that the request took. It knows nothing of Detour.
 */
import { createServer, type IncomingHttpHeaders, request, type ServerResponse } from 'node:http';
import type { Hop } from './hop.ts';

const [service = '', copy = '', port = '', next, outbound] = process.argv.slice(2);
const PASSED_ON = ['x-detour', 'baggage', 'tracestate', 'traceparent'];

function callNext(to: string, headers: IncomingHttpHeaders): Promise<Hop[]> {
  const passedOn = Object.fromEntries(PASSED_ON.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])));
  return new Promise((resolve) => {
    const failed = (what: string): void => resolve([{ service: to, copy: what }]);
    const call = request({ host: '127.0.0.1', port: Number(outbound), headers: { host: to, ...passedOn } }, (reply) => {
      let text = '';
      reply.setEncoding('utf8');
      reply.on('data', (chunk: string) => {
        text += chunk;
      });
      reply.on('error', (error) => failed(error.message));
      reply.on('end', () => {
        if (reply.statusCode !== 200) return failed(`answered ${reply.statusCode}`);
        const servedBy = reply.headers['x-detour-served-by'];
        // Only apps of the shop answer 200 in the shop.
        const [first, ...rest] = (JSON.parse(text) as { readonly hops: readonly Hop[] }).hops;
        if (first === undefined) return failed('answered without a hop');
        resolve([{ ...first, ...(servedBy === undefined ? {} : { servedBy: String(servedBy) }) }, ...rest]);
      });
    });
    call.on('error', (error) => failed(error.message));
    call.end();
  });
}

function answer(response: ServerResponse, hops: readonly Hop[], html: boolean): void {
  const path = hops.map((hop) => (hop.copy === 'baseline' ? hop.service : `${hop.service} (${hop.copy})`)).join(' → ');
  const json = `${JSON.stringify({ path, hops }, undefined, 2)}\n`;
  response.setHeader('content-type', html ? 'text/html; charset=utf-8' : 'application/json');
  response.end(html ? `<!doctype html><title>${path}</title><h1>${path}</h1><pre>${json}</pre>` : json);
}

createServer(async (incoming, response) => {
  const rest = next === undefined ? [] : await callNext(next, incoming.headers);
  answer(response, [{ service, copy }, ...rest], incoming.headers.accept?.includes('text/html') === true);
}).listen(Number(port), '127.0.0.1');
