/** X.509 certificates for tests: of authorities of their own, for any names and any time. ECDSA on P-256. */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

export interface CertificateOptions {
  /** `URI:spiffe://…`, `DNS:…`, `IP:…` (IPv4). */
  readonly names?: readonly string[];
  /** ms since the epoch; from yesterday to a month from now unless told. */
  readonly from?: number;
  readonly until?: number;
}

/** PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

const DAY = 86_400_000;

const tlv = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts);
  const size = content.length;
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
};
const sequence = (...parts: readonly Uint8Array[]): Buffer => tlv(0x30, ...parts);
const octets = (bytes: Uint8Array): Buffer => tlv(0x04, bytes);
const bits = (bytes: Uint8Array): Buffer => tlv(0x03, Buffer.from([0]), bytes);
const truth = tlv(0x01, Buffer.from([0xff]));
/** An object identifier as its DER has it. */
const oid = (hex: string): Buffer => tlv(0x06, Buffer.from(hex, 'hex'));
const ECDSA_WITH_SHA256 = sequence(oid('2a8648ce3d040302'));
const COMMON_NAME = oid('550403');
const BASIC_CONSTRAINTS = oid('551d13');
const ALTERNATIVE_NAMES = oid('551d11');
const KEY_IDENTIFIER = oid('551d0e');
const AUTHORITY_IDENTIFIER = oid('551d23');

const nameOf = (text: string): Buffer => sequence(tlv(0x31, sequence(COMMON_NAME, tlv(0x0c, Buffer.from(text)))));
const timeOf = (ms: number): Buffer => {
  const digits = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return tlv(0x18, Buffer.from(digits));
};
const pem = (kind: string, der: Uint8Array): string => {
  const lines = Buffer.from(der)
    .toString('base64')
    .replaceAll(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN ${kind}-----\n${lines}\n-----END ${kind}-----\n`;
};

function alternative(name: string): Buffer {
  const [kind = '', ...rest] = name.split(':');
  const value = rest.join(':');
  if (kind === 'URI') return tlv(0x86, Buffer.from(value));
  if (kind === 'DNS') return tlv(0x82, Buffer.from(value));
  return tlv(0x87, Buffer.from(value.split('.').map(Number)));
}

interface Pair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** Signs certificates. */
export class Authority {
  readonly cert: string;
  readonly #name: string;
  readonly #pair: Pair;

  constructor(name = 'authority') {
    this.#name = name;
    this.#pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.cert = this.#certificate(name, this.#pair.publicKey, {}, true);
  }

  /** A certificate that this authority has signed, and its key. */
  issue(options: CertificateOptions): Certificate {
    const pair: Pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const cert = this.#certificate('test', pair.publicKey, options, false);
    return { cert, key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
  }

  #certificate(subject: string, key: KeyObject, options: CertificateOptions, isAuthority: boolean): string {
    const { names = [], from = Date.now() - DAY, until = Date.now() + 30 * DAY } = options;
    const identifier = (of: KeyObject): Buffer =>
      createHash('sha1')
        .update(of.export({ type: 'spki', format: 'der' }))
        .digest();
    const extensions = [
      ...(isAuthority ? [sequence(BASIC_CONSTRAINTS, truth, octets(sequence(truth)))] : []),
      ...(names.length > 0 ? [sequence(ALTERNATIVE_NAMES, octets(sequence(...names.map(alternative))))] : []),
      sequence(KEY_IDENTIFIER, octets(octets(identifier(key)))),
      sequence(AUTHORITY_IDENTIFIER, octets(sequence(tlv(0x80, identifier(this.#pair.publicKey))))),
    ];
    const serial = randomBytes(8);
    serial[0] = 1;
    const body = sequence(
      tlv(0xa0, tlv(0x02, Buffer.from([2]))),
      tlv(0x02, serial),
      ECDSA_WITH_SHA256,
      nameOf(this.#name),
      sequence(timeOf(from), timeOf(until)),
      nameOf(subject),
      key.export({ type: 'spki', format: 'der' }),
      tlv(0xa3, sequence(...extensions)),
    );
    const signature = sign('sha256', body, this.#pair.privateKey);
    return pem('CERTIFICATE', sequence(body, ECDSA_WITH_SHA256, bits(signature)));
  }
}
