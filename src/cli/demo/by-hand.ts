/** What the demo says when everything runs: how to go on by hand. */
import { styleText } from 'node:util';
import { HOST, type Shop } from './shop.ts';

export interface ByHand {
  readonly shop: Shop;
  readonly manifests: string;
  readonly logs: string;
  /** Whether names below `localhost` are found on this machine; browsers and newer curls find them anyway. */
  readonly resolves: boolean;
  /** Of the app and the Envoy of the pod of `pr-42`. */
  readonly pids: readonly number[];
}

export function byHand({ shop, manifests, logs, resolves, pids }: ByHand): string {
  const { listen } = shop.gateway;
  const admin = `http://127.0.0.1:${shop.controlPlane.admin}`;
  const url = `http://${HOST}:${listen}/`;
  const curl = (...headers: readonly string[]): string => {
    const all = resolves ? headers : [`host: ${HOST}`, ...headers];
    const target = resolves ? url : `http://127.0.0.1:${listen}/`;
    return ['curl', ...all.map((header) => `-H '${header}'`), target].join(' ');
  };
  const head = (text: string): string => `\n${styleText('bold', text)}\n`;
  return [
    head('In a browser'),
    `  ${url}\n  http://pr-42--${HOST}:${listen}/\n  http://pr-7--${HOST}:${listen}/\n`,
    head('With curl'),
    `  ${curl()}\n  ${curl('x-detour: pr-42')}\n  ${curl('baggage: detour=pr-7')}\n`,
    head('Change something: the next request follows'),
    `  The manifests are in ${manifests}\n`,
    `  Delete pr-42.yaml there, give it another key, or add a rule to it: the file says how.\n`,
    `  End the preview's app and its Envoy:  kill -9 ${pids.join(' ')}\n`,
    head('Look inside'),
    `  ${admin}/api/intercepts   ${admin}/api/proxies   ${admin}/metrics\n`,
    `  http://127.0.0.1:${shop.gateway.envoyAdmin}/config_dump   (the gateway's Envoy)\n  Logs: ${logs}\n`,
    head('Ctrl-C ends everything and removes the folder.'),
  ].join('');
}
