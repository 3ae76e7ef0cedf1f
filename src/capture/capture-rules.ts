/**
 * The rules that bring a pod's traffic to its sidecar, as text for `iptables-restore --noflush` (docs/sidecars.md). They
 * stand in chains of their own, so that they can be made again, and taken away, beside rules of others.
 */
import { CAPTURED_INBOUND_PORT, CAPTURED_OUTBOUND_PORT, type IpFamily, LOOPBACK, OWN_POD } from '../model/capture.ts';
import { type CaptureSettings, familyOf, type PortRange } from './capture-settings.ts';

const INBOUND = 'DETOUR_INBOUND';
const OUTBOUND = 'DETOUR_OUTBOUND';
const ORIGIN = 'DETOUR_ORIGIN';
const CHAINS = [INBOUND, OUTBOUND, ORIGIN];

export interface RuleOptions {
  /**
   * Capture only what the app listens for (the match `socket`): else the system refuses, as it would without a sidecar,
   * and a probe by TCP tells the truth. Some kernels have no such match.
   */
  readonly whereListening: boolean;
  /** What `iptables-save -t nat` says now. */
  readonly now: string;
}

/** @param family one of those of the pod's addresses. */
export function captureRules(settings: CaptureSettings, family: IpFamily, { whereListening, now }: RuleOptions): string {
  const rules = [
    ...CHAINS.map((chain) => `:${chain} - [0:0]`),
    ...jumps(now).map(deletion),
    `-A PREROUTING -p tcp -j ${INBOUND}`,
    `-A OUTPUT -p tcp -j ${OUTBOUND}`,
    `-A POSTROUTING -p tcp -j ${ORIGIN}`,
    ...inboundRules(settings, whereListening),
    ...outboundRules(settings, family),
    // To the sidecar these look like nobody else's: it tells the two directions apart by that.
    append(
      ORIGIN,
      `-o lo -d ${one(LOOPBACK[family])} -p tcp --dport ${CAPTURED_OUTBOUND_PORT}`,
      `SNAT --to-source ${LOOPBACK[family]}`,
    ),
  ];
  return table(rules);
}

/** @param now as in {@link RuleOptions}. @returns undefined where there is nothing to take away. */
export function undoRules(now: string): string | undefined {
  const chains = CHAINS.filter((chain) => now.split('\n').some((line) => line.startsWith(`:${chain} `)));
  const rules = [...jumps(now).map(deletion), ...chains.map((chain) => `-F ${chain}`), ...chains.map((chain) => `-X ${chain}`)];
  return rules.length === 0 ? undefined : table(rules);
}

function inboundRules({ excludeInboundPorts }: CaptureSettings, whereListening: boolean): readonly string[] {
  return [
    ...excludeInboundPorts.map((range) => append(INBOUND, `-p tcp ${portMatch(range)}`, 'RETURN')),
    append(INBOUND, `-p tcp${whereListening ? ' -m socket --nowildcard' : ''}`, `REDIRECT --to-ports ${CAPTURED_INBOUND_PORT}`),
  ];
}

function outboundRules(settings: CaptureSettings, family: IpFamily): readonly string[] {
  const { podIps, uid, excludeOutboundPorts, excludeOutboundCidrs, apiServer } = settings;
  const sidecar = `-m owner --uid-owner ${uid}`;
  const podIp = podIps.find((ip) => familyOf(ip) === family);
  const leave = (match: string): string => append(OUTBOUND, match, 'RETURN');
  return [
    // From the sidecar to the app of its pod, which every sidecar knows by the same address.
    ...(podIp === undefined
      ? []
      : [append(OUTBOUND, `${sidecar} -d ${one(OWN_POD[family])} -p tcp`, `DNAT --to-destination ${podIp}`)]),
    leave(sidecar),
    // Between the containers of the pod.
    leave('-o lo'),
    leave('-p tcp --dport 53'),
    ...(apiServer === undefined || familyOf(apiServer.host) !== family
      ? []
      : [leave(`-d ${one(apiServer.host)} -p tcp --dport ${apiServer.port}`)]),
    ...excludeOutboundPorts.map((range) => leave(`-p tcp ${portMatch(range)}`)),
    ...excludeOutboundCidrs.filter((cidr) => familyOf(cidr) === family).map((cidr) => leave(`-d ${cidr}`)),
    append(OUTBOUND, '-p tcp', `REDIRECT --to-ports ${CAPTURED_OUTBOUND_PORT}`),
  ];
}

function append(chain: string, match: string, target: string): string {
  return `-A ${chain} ${match} -j ${target}`;
}

function portMatch({ first, last }: PortRange): string {
  return first === last ? `--dport ${first}` : `--dport ${first}:${last}`;
}

function one(address: string): string {
  return `${address}/${familyOf(address) === 'ipv4' ? 32 : 128}`;
}

/** Rules of built-in chains that lead to ours. */
function jumps(now: string): readonly string[] {
  return now.split('\n').filter((line) => /^-A (PREROUTING|OUTPUT|POSTROUTING) .*-j DETOUR_[A-Z]+$/.test(line));
}

function deletion(rule: string): string {
  return rule.replace(/^-A /, '-D ');
}

function table(rules: readonly string[]): string {
  return ['*nat', ...rules, 'COMMIT', ''].join('\n');
}
