/**
 * Signed keys by a third hand (`openssl dgst -sha256 -hmac`), for both readers of them: TypeScript's and the filter's.
 * Those that count do until 2286.
 */
import type { Refusal } from '../../src/keys/signed-key.ts';

export interface SignedVector {
  readonly promise: string;
  /** A line of the file. */
  readonly secret: string;
  readonly text: string;
  /** The key that it is a signed form of. */
  readonly key?: string;
  readonly refused?: Refusal;
}

const S32 = '0123456789abcdef0123456789abcdef';

export const SIGNED_VECTORS: readonly SignedVector[] = [
  {
    promise: 'a secret of 32 bytes',
    secret: S32,
    text: 'pr-42.9999999999.8fn6kOloIl64OTtnw7xvCcD9kwKbpnVMh1nZ5JUFSlY',
    key: 'pr-42',
  },
  {
    promise: 'of a whole block',
    secret: '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',
    text: 'pr-42.9999999999.q50V3cYPvqgnhz-4XHu4KSC--g_35iy5W0JJpCXJazY',
    key: 'pr-42',
  },
  {
    promise: 'of more than a block, which is hashed',
    secret: '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdefx',
    text: 'pr-42.9999999999.UtPQVf9f4IzLHBo5TOCKoaspmUIag0uM7wYA3SvZ5q0',
    key: 'pr-42',
  },
  {
    promise: 'of many blocks',
    secret:
      'long-secret-long-secret-long-secret-long-secret-long-secret-long-secret-long-secret-long-secret-long-secret-long-secret-long-secret-long-secret-long-secret-long-secret-long-secret-long-secret-long-secret-',
    text: 'pr-42.9999999999.n7T5foAlIUXa_fRXOgUi6rcs4YqLwLA8o-h01I374-k',
    key: 'pr-42',
  },
  { promise: 'the shortest key', secret: S32, text: 'a.9999999999.pdZ0jhTxSrx83cX3KgPi9BZUXdipn8gHQgbViikNlj4', key: 'a' },
  {
    promise: 'the longest key',
    secret: S32,
    text: 'kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk.9999999999.ACGG3LqZSf2BeQ73X0ZSGVt_7YkK7HzPGJBCz4ExOu0',
    key: 'kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk',
  },
  {
    promise: 'a text of 54 bytes',
    secret: S32,
    text: 'qqqqqqqqqqqqqqqqqq.9999999999.UIl1gLbZKJycMSbzup6jgGJ4gJUo7005lmuJ1KWLKFs',
    key: 'qqqqqqqqqqqqqqqqqq',
  },
  {
    promise: 'a text of 55 bytes',
    secret: S32,
    text: 'qqqqqqqqqqqqqqqqqqq.9999999999.MCijqT26IR9DzxTqqi3dNkklzHfqn-5uaRTLNR63FhE',
    key: 'qqqqqqqqqqqqqqqqqqq',
  },
  {
    promise: 'a text of 56 bytes',
    secret: S32,
    text: 'qqqqqqqqqqqqqqqqqqqq.9999999999.JhvbvBDI3z4m07aLH8YNjcFpoSXdRQBlySUp1ifH5Q4',
    key: 'qqqqqqqqqqqqqqqqqqqq',
  },
  {
    promise: 'a text of 62 bytes',
    secret: S32,
    text: 'qqqqqqqqqqqqqqqqqqqqqqqqqq.9999999999.8hZW8T4O61WL_1glvJWtAB8H55vNg3MqMfQFCO25TAA',
    key: 'qqqqqqqqqqqqqqqqqqqqqqqqqq',
  },
  {
    promise: 'a text of 63 bytes',
    secret: S32,
    text: 'qqqqqqqqqqqqqqqqqqqqqqqqqqq.9999999999.ZiN6GG9eY_L_jd3MCiURx4ECKssbVIkeiWHK1VFOJXY',
    key: 'qqqqqqqqqqqqqqqqqqqqqqqqqqq',
  },
  {
    promise: 'a text of 64 bytes',
    secret: S32,
    text: 'qqqqqqqqqqqqqqqqqqqqqqqqqqqq.9999999999.J4Ds5cpYB9rve8U8OwPMIK4MDJcWJZOFiIjMm1qCXxo',
    key: 'qqqqqqqqqqqqqqqqqqqqqqqqqqqq',
  },
  {
    promise: 'an expiry of eleven digits',
    secret: S32,
    text: 'pr-42.99999999999.9Fui8zaPD0ZN0dpv2zfxLXrcOE7KIIJx0STBvBWPLpA',
    key: 'pr-42',
  },
  { promise: 'expired', secret: S32, text: 'pr-42.1600000000.8xcwt7r-ChsxLhNS0v3ld7Rpx2qDHNpO2I8zHkVT2ZY', refused: 'expired' },
  {
    promise: 'another expiry than was signed',
    secret: S32,
    text: 'pr-42.9999999998.8fn6kOloIl64OTtnw7xvCcD9kwKbpnVMh1nZ5JUFSlY',
    refused: 'forged',
  },
  {
    promise: 'another key than was signed',
    secret: S32,
    text: 'pr-43.9999999999.8fn6kOloIl64OTtnw7xvCcD9kwKbpnVMh1nZ5JUFSlY',
    refused: 'forged',
  },
  {
    promise: 'another secret',
    secret: '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',
    text: 'pr-42.9999999999.8fn6kOloIl64OTtnw7xvCcD9kwKbpnVMh1nZ5JUFSlY',
    refused: 'forged',
  },
  {
    promise: 'without what stands before it',
    secret: S32,
    text: 'pr-42.9999999999.khXcAi9S6QCuf85V-xfG88dr8G7EnRCz17yvvqGjgjI',
    refused: 'forged',
  },
  {
    promise: 'other bits behind the last byte',
    secret: S32,
    text: 'pr-42.9999999999.8fn6kOloIl64OTtnw7xvCcD9kwKbpnVMh1nZ5JUFSlZ',
    refused: 'forged',
  },
  {
    promise: 'forged and expired says forged alone',
    secret: S32,
    text: 'pr-42.1600000000.8fn6kOloIl64OTtnw7xvCcD9kwKbpnVMh1nZ5JUFSlY',
    refused: 'forged',
  },
  { promise: 'a plain key', secret: S32, text: 'pr-42', refused: 'unsigned' },
  { promise: 'nothing', secret: S32, text: '', refused: 'unsigned' },
  { promise: 'no signature', secret: S32, text: 'pr-42.9999999999.', refused: 'unsigned' },
  { promise: 'padding', secret: S32, text: 'pr-42.9999999999.8fn6kOloIl64OTtnw7xvCcD9kwKbpnVMh1nZ5JUFSlY=', refused: 'unsigned' },
  {
    promise: 'a signature that is cut off',
    secret: S32,
    text: 'pr-42.9999999999.8fn6kOloIl64OTtnw7xvCcD9kwKbpnVMh1nZ5JUFSl',
    refused: 'unsigned',
  },
  {
    promise: 'the other base64',
    secret: S32,
    text: 'pr-4.9999999999.BDVakCwy/dRETEy4rOVsLbHFni5eQLzC4t+GSigGxSk',
    refused: 'unsigned',
  },
  {
    promise: 'a zero before the expiry',
    secret: S32,
    text: 'pr-42.09999999999.V9BstzrIvfGmvP3SpsrUQG-cAvAt4_y8kKH0ZQQyNWU',
    refused: 'unsigned',
  },
  {
    promise: 'an expiry without an end',
    secret: S32,
    text: 'pr-42.999999999999.h4BpHWl-B7DPHpew8_--hlUt02FugH3MKOgcvXet0T8',
    refused: 'unsigned',
  },
  { promise: 'no expiry', secret: S32, text: 'pr-42..8fn6kOloIl64OTtnw7xvCcD9kwKbpnVMh1nZ5JUFSlY', refused: 'unsigned' },
  { promise: 'a sign', secret: S32, text: 'pr-42.-1.2slphl5Xw4mraWf8ynaU9weALkcMw5CixtUAJ5e8IWs', refused: 'unsigned' },
  {
    promise: 'a key in capitals',
    secret: S32,
    text: 'PR-42.9999999999.AJeSMi_QzgaXbl8tHaTAisjj9ded_F9MulGcFZZ0uZc',
    refused: 'unsigned',
  },
  { promise: 'no key', secret: S32, text: '.9999999999.fjkBiRX_nz8rjV08kwLezTQrxXdOkbJEjLcXbVoacvY', refused: 'unsigned' },
  {
    promise: 'a key with two dashes in a row',
    secret: S32,
    text: 'pr--42.9999999999.hztsDa2Zc65d8KJjykDjwPf9GHK2ioSMAiJvNMM7ULk',
    refused: 'unsigned',
  },
  {
    promise: 'a dot more',
    secret: S32,
    text: 'pr.42.9999999999.FiqrVYE3fpwR9g3AZ401lANvz9ryfYDmGw7J69bQ4f8',
    refused: 'unsigned',
  },
  {
    promise: 'too long a key',
    secret: S32,
    text: 'kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk.9999999999.nuXjxc36jyhdwpakGwlrSRU7-SlGxR7wAaMcG6V7GKY',
    refused: 'unsigned',
  },
];
