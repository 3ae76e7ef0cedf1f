/** `detour wait` returns when every worker thread of an Envoy goes by the preview, not only its main thread. */
import { expect, test } from 'vitest';
import { runWait } from '../../src/cli/wait.ts';
import { runApp } from '../support/running-app.ts';
import { startApp } from '../support/world/app.ts';
import { detour, endpointSlice, pod, service } from '../support/world/objects.ts';
import { WorkerGateway } from '../support/xds/worker-gateway.ts';

const HOST = 'shop.example.com';
const PREVIEWS = 6;

test.each([false, true])(
  'after wait the first request on every worker reaches the preview (other requests beside: %s)',
  async (isShared) => {
    await using stack = new AsyncDisposableStack();
    const baseline = stack.use(await startApp({ service: 'api', copy: 'baseline' }));
    const copy = stack.use(await startApp({ service: 'api', copy: 'preview' }));
    const running = stack.use(await runApp());
    const { manifests, app } = running;
    await manifests.put(
      service({ namespace: 'shop', name: 'api', annotations: detour({ host: HOST }) }),
      endpointSlice({ namespace: 'shop', service: 'api', pod: 'api-1', port: baseline.port }),
    );
    const gateway = stack.use(
      await WorkerGateway.open({
        xds: { host: '127.0.0.1', port: app.xds.port },
        workers: 4,
        connections: 2,
        isShared,
        host: HOST,
      }),
    );
    const said: string[] = [];
    const say = (text: string): void => void said.push(text);
    const io = { out: say, err: say, environment: {} };
    for (let index = 0; index < PREVIEWS; index += 1) {
      const key = `pr-${index}`;
      const annotations = detour({ intercept: 'api' });
      await manifests.put(pod({ namespace: 'shop', name: `api-${key}`, key, annotations, port: copy.port }));
      const code = await runWait([key, '--server', `http://127.0.0.1:${app.admin.port}`], io);
      const answers = await (index % 2 === 0 ? gateway.ask(HOST, { 'x-detour': key }) : gateway.ask(`${key}--${HOST}`, {}));
      expect([code, said.join('')]).toEqual([0, expect.stringContaining(`${key} is live`)]);
      expect(answers.filter((answer) => answer.copy !== 'preview')).toEqual([]);
      expect(new Set(answers.map(({ worker }) => worker)).size).toBe(4);
    }
  },
  120_000,
);
