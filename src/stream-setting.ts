/** How streams are kept from those whom they do not concern: settings of the control plane. */
import { isIPv4 } from 'node:net';
import { many, one, optional, readChoice, readText } from './flag-values.ts';
import type { FlagTable, FlagValues, Reading } from './flags.ts';
import { isDnsLabel } from './model/names.ts';
import type { SocketAddress } from './model/proxy.ts';
import { formatSocketAddress } from './model/socket-address.ts';

export type StreamSetting =
  /** `isOpen`: others than this machine reach it. */
  | { readonly kind: 'plaintext'; readonly isOpen: boolean }
  | {
      readonly kind: 'tls';
      /** PEM files. */
      readonly cert: string;
      readonly key: string;
      /** Of clients' certificates; undefined: none are taken. */
      readonly clientCa: string | undefined;
      readonly tokens: boolean;
      readonly trustDomain: string;
      /** Empty: whoever runs in the control plane's own namespace. */
      readonly gateways: readonly string[];
    };

const SWITCH = ['on', 'off'] as const;

export const STREAM_FLAGS = {
  'tls-cert': optional(
    {
      value: 'FILE',
      summary: 'TLS for Envoys: the certificate, and those between it and its authority, as PEM. Read again when it changes.',
    },
    readText,
  ),
  'tls-key': optional({ value: 'FILE', summary: 'The key of --tls-cert, as PEM.' }, readText),
  'tls-client-ca': optional(
    {
      value: 'FILE',
      summary: 'Envoys may show a certificate that one of these authorities has signed, as PEM. Read again when it changes.',
    },
    readText,
  ),
  tokens: one(
    {
      value: SWITCH.join('|'),
      default: ['off'],
      summary: "For kubernetes: Envoys may show their pod's ServiceAccount token, for audience detour.",
    },
    readChoice(SWITCH),
  ),
  'trust-domain': one(
    { value: 'DOMAIN', default: ['cluster.local'], summary: 'Of which names in certificates count: SPIFFE ids, and DNS names.' },
    readDomain,
  ),
  gateways: many(
    {
      value: 'WHO',
      summary:
        "Who may be a gateway: NAMESPACE/SERVICEACCOUNT, NAMESPACE/*, a SPIFFE id, or a certificate's DNS name. Without it all ServiceAccounts of the control plane's namespace.",
    },
    readWho,
  ),
  plaintext: one(
    {
      value: SWITCH.join('|'),
      default: ['off'],
      summary: 'Whether Envoys of other machines are served without TLS, each as whoever it says it is.',
    },
    readChoice(SWITCH),
  ),
} as const satisfies FlagTable;

type Values = FlagValues<typeof STREAM_FLAGS>;

/** Of values without {@link streamMistakes}. */
export function streamSetting(values: Values, listen: SocketAddress): StreamSetting {
  const { 'tls-cert': cert, 'tls-key': key, 'tls-client-ca': clientCa, 'trust-domain': trustDomain, gateways } = values;
  if (cert === undefined || key === undefined) return { kind: 'plaintext', isOpen: !isLoopback(listen.host) };
  return { kind: 'tls', cert, key, clientCa, tokens: values.tokens === 'on', trustDomain, gateways };
}

/** What each value allows and all of them together do not. */
export function streamMistakes(
  values: Partial<Values>,
  source: string | undefined,
  listen: SocketAddress | undefined,
): readonly string[] {
  const { 'tls-cert': cert, 'tls-key': key, 'tls-client-ca': clientCa, tokens, gateways = [], plaintext } = values;
  const mistakes: string[] = [];
  if ((cert === undefined) !== (key === undefined)) mistakes.push('--tls-cert and --tls-key go together: give both or none.');
  if (tokens === 'on' && source === 'directory')
    mistakes.push('--tokens is for --source kubernetes: nobody else knows whose a token is.');
  if (cert === undefined) {
    const written = [clientCa !== undefined && 'tls-client-ca', tokens === 'on' && 'tokens', gateways.length > 0 && 'gateways'];
    for (const name of written) if (name !== false) mistakes.push(`--${name} is for TLS: give --tls-cert and --tls-key.`);
    if (plaintext === 'off' && listen !== undefined && !isLoopback(listen.host))
      mistakes.push(
        `--xds-listen ${formatSocketAddress(listen)} is open to other machines: give --tls-cert and --tls-key, or, if whoever reaches it may have everything, --plaintext on.`,
      );
    return mistakes;
  }
  if (plaintext === 'on') mistakes.push('--plaintext on contradicts --tls-cert: leave one of them out.');
  if (clientCa === undefined && tokens !== 'on')
    mistakes.push('--tls-cert without --tls-client-ca or --tokens on: nobody could say who it is; give one of them, or both.');
  return mistakes;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

function readDomain(text: string): Reading<string> {
  if (text.length <= 253 && text.split('.').every(isDnsLabel)) return { value: text };
  return { mistake: 'must be a DNS name in lower case, for example cluster.local' };
}

function readWho(text: string): Reading<string> {
  const mistake = 'must be NAMESPACE/SERVICEACCOUNT, NAMESPACE/*, spiffe://… or a DNS name, for example edge/gateway';
  if (/^spiffe:\/\/[^/*]+\/[^*]+$/.test(text)) return { value: text };
  const [first = '', second, ...rest] = text.split('/');
  const isName = (name: string) => name.split('.').every(isDnsLabel);
  if (second === undefined) return isName(first) && first.includes('.') ? { value: text } : { mistake };
  return isDnsLabel(first) && (second === '*' || isName(second)) && rest.length === 0 ? { value: text } : { mistake };
}
