/**
 * Signed keys: `key.expiry.signature`, which gateways with `--carriers signed` take for keys. `envoy/signed-keys.lua`
 * reads them by the same rules; a table of vectors holds the two together.
 *
 * `expiry` is in seconds since the epoch; from then on the key counts no more. `signature` is base64url, without padding,
 * of HMAC-SHA256 over {@link SIGNED_TEXT}, key, dot and expiry.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { isKey } from '../model/names.ts';

/** Before what is signed: a signature that the secret has made for something else is none of a key. */
export const SIGNED_TEXT = 'detour.dev/signed-key/v1:';

export interface SignedKey {
  readonly key: string;
  /** Seconds since the epoch. */
  readonly expires: number;
}

/** Why a text is no signed key: it has not that form, its time is over, or nobody with a secret has signed it. */
export type Refusal = 'unsigned' | 'expired' | 'forged';

const TOKEN = /^(?<key>[^.]{1,63})\.(?<expires>[1-9]\d{0,10})\.(?<signature>[\w-]{43})$/;

/** @param expires seconds since the epoch, whole. @param secret of {@link readSecrets}. */
export function signKey({ key, expires }: SignedKey, secret: Uint8Array): string {
  return `${key}.${expires}.${signatureOf(`${key}.${expires}`, secret)}`;
}

/** What a text says, whoever signed it; undefined: it is of another form. */
export function readSignedKey(text: string): SignedKey | undefined {
  const { key = '', expires } = TOKEN.exec(text)?.groups ?? {};
  return isKey(key) ? { key, expires: Number(expires) } : undefined;
}

/** @param now ms since the epoch. */
export function verifySignedKey(text: string, secrets: readonly Uint8Array[], now: number): SignedKey | { refused: Refusal } {
  const said = readSignedKey(text);
  if (said === undefined) return { refused: 'unsigned' };
  const signature = Buffer.from(text.slice(-43));
  const isSigned = secrets.some((secret) =>
    timingSafeEqual(Buffer.from(signatureOf(`${said.key}.${said.expires}`, secret)), signature),
  );
  if (!isSigned) return { refused: 'forged' };
  return said.expires * 1000 > now ? said : { refused: 'expired' };
}

function signatureOf(text: string, secret: Uint8Array): string {
  return createHmac('sha256', secret).update(`${SIGNED_TEXT}${text}`).digest('base64url');
}
