import { describe, expect, test } from 'vitest';
import { ReviewBook } from '../../../src/identity/review-book.ts';
import { readClaims, readReview } from '../../../src/identity/token-claims.ts';
import { TokenReviewer } from '../../../src/identity/token-reviewer.ts';
import type { ApiCall } from '../../../src/kubernetes/api-client.ts';
import { unreachable } from '../../../src/kubernetes/failure.ts';

const NOW = 1_000_000_000;
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
let made = 0;
/** @param seconds until it expires */
const jwt = (seconds: number, aud: unknown = ['detour']) => {
  made += 1;
  return `${part({ alg: 'RS256' })}.${part({ aud, exp: NOW / 1000 + seconds, made })}.c2ln`;
};

describe('what a token says of itself', () => {
  test('is when it expires', () => {
    expect(readClaims(jwt(60), NOW)).toEqual({ expiresAt: NOW + 60_000 });
    expect(readClaims(jwt(60, 'detour'), NOW)).toEqual({ expiresAt: NOW + 60_000 });
  });

  test.each([
    ['nonsense', 'token', 'is no JSON web token'],
    ['a.b.c', 'token', 'is no JSON web token'],
    [`${part({})}.${part([])}.x`, 'token', 'is no JSON web token'],
    [`x.${'y'.repeat(1024 * 1024)}.z`, 'token', 'is no JSON web token'],
    [jwt(60, ['api', 'vault']), 'audience', 'for audience api, vault, not for detour'],
    [jwt(60, []), 'audience', 'for no audience, not for detour'],
    [jwt(60, 7), 'audience', 'not for detour'],
    [jwt(-5), 'expired', 'has expired 5 s ago'],
    [`${part({})}.${part({ aud: 'detour' })}.x`, 'token', 'never expires'],
  ])('refuses it before anybody is asked: %.40s', (token, reason, message) => {
    const claims = readClaims(token, NOW);
    expect(claims).toMatchObject({ reason });
    expect(JSON.stringify(claims)).toContain(message);
  });
});

const extra = { 'authentication.kubernetes.io/pod-name': ['api-0'], 'authentication.kubernetes.io/pod-uid': ['1'] };
const user = { username: 'system:serviceaccount:shop:api', extra };
const GOOD = { authenticated: true, audiences: ['detour'], user };

describe('what the API server says of a token', () => {
  test('is the ServiceAccount, and the pod that it is bound to', () => {
    expect(readReview(GOOD)).toEqual({ kind: 'token', account: 'shop/api', pod: 'shop/api-0' });
    expect(readReview({ ...GOOD, user: { ...user, extra: {} } })).toMatchObject({ pod: undefined });
  });

  test.each([
    [undefined, 'token'],
    [{ ...GOOD, authenticated: false, error: 'revoked' }, 'token'],
    [{ ...GOOD, audiences: ['api'] }, 'audience'],
    [{ ...GOOD, audiences: undefined }, 'audience'],
    [{ ...GOOD, user: { username: 'kubernetes-admin' } }, 'token'],
    [{ ...GOOD, user: { username: 'system:serviceaccount:shop' } }, 'token'],
  ])('may be that it is nobody: %j', (status, reason) => {
    expect(readReview(status)).toMatchObject({ reason });
  });
});

/** Answers by what `say` returns, and counts. */
function server(say: (token: string) => unknown) {
  const asked: string[] = [];
  const send = async (call: ApiCall) => {
    const body = call.body as { readonly spec: { readonly token: string; readonly audiences: readonly string[] } };
    expect(body.spec.audiences).toEqual(['detour']);
    asked.push(body.spec.token);
    const status = await say(body.spec.token);
    if (status === 'away') return unreachable('away');
    const text = Buffer.from(JSON.stringify({ status }));
    return {
      contentType: 'application/json',
      body: (async function* () {
        yield text;
      })(),
    };
  };
  return { asked, sender: { send } };
}

describe('a reviewer of tokens', () => {
  test('asks once for a while, and again after it', async () => {
    let now = NOW;
    const { asked, sender } = server(() => GOOD);
    const reviewer = new TokenReviewer({ sender, now: () => now });
    const token = jwt(3600);
    const first = await Promise.all([reviewer.review(token), reviewer.review(token)]);
    expect(first[0]).toMatchObject({ identity: { pod: 'shop/api-0' }, expiresAt: NOW + 3_600_000 });
    now += 59_000;
    await reviewer.review(token);
    expect(asked).toHaveLength(1);
    now += 2_000;
    await reviewer.review(token);
    expect(asked).toHaveLength(2);
  });

  test('never lets in whose token has expired, whatever it remembers', async () => {
    let now = NOW;
    const { sender } = server(() => GOOD);
    const reviewer = new TokenReviewer({ sender, now: () => now });
    const token = jwt(30);
    expect(await reviewer.review(token)).toHaveProperty('identity');
    now += 30_000;
    expect(await reviewer.review(token)).toMatchObject({ reason: 'expired' });
  });

  test('without an API server lets in whom it knew, and nobody else', async () => {
    let [now, isAway] = [NOW, false];
    const { sender } = server((token) => (isAway ? 'away' : token.endsWith('x') ? { authenticated: false } : GOOD));
    const reviewer = new TokenReviewer({ sender, now: () => now });
    const [known, bad, other] = [jwt(3600), `${jwt(3600)}x`, jwt(3600)];
    await reviewer.review(known);
    expect(await reviewer.review(bad)).toMatchObject({ reason: 'token' });
    isAway = true;
    now += 600_000;
    expect(await reviewer.review(known)).toHaveProperty('identity');
    expect(await reviewer.review(bad)).toEqual({ trouble: 'away' });
    expect(await reviewer.review(other)).toEqual({ trouble: 'away' });
  });

  test('asks for few at once, and sends away whom it could not come to', async () => {
    let answer: (() => void) | undefined;
    const held = new Promise<void>((resolve) => {
      answer = resolve;
    });
    let [atOnce, most] = [0, 0];
    const { sender } = server(async () => {
      atOnce += 1;
      most = Math.max(most, atOnce);
      await held;
      atOnce -= 1;
      return GOOD;
    });
    const reviewer = new TokenReviewer({ sender, now: () => NOW });
    const reviews = Array.from({ length: 3_000 }, () => reviewer.review(jwt(60)));
    await reviews.at(-1);
    expect(most).toBe(32);
    answer?.();
    const answers = await Promise.all(reviews);
    expect(most).toBe(32);
    expect(answers.filter((each) => 'identity' in each)).toHaveLength(2_032);
    expect(answers.filter((each) => 'trouble' in each)).toHaveLength(968);
  });
});

test('what is known of tokens is of a bounded number, and says nothing of the token', () => {
  const book = new ReviewBook({ goodMs: 1000, badMs: 1000, most: 100 });
  const identity = { kind: 'token', account: 'a/b', pod: undefined } as const;
  for (let index = 0; index < 1000; index += 1) book.note(`token-${index}`, identity, NOW + 5000, NOW);
  expect(book.size).toBeLessThanOrEqual(100);
  expect(book.fresh('token-999', NOW)).toEqual(identity);
  expect(book.fresh('token-1', NOW)).toBeUndefined();
  for (let index = 0; index < 90; index += 1) book.note(`later-${index}`, identity, NOW + 9000, NOW + 6000);
  expect([book.fresh('later-0', NOW + 6000), book.fresh('token-999', NOW + 4000)]).toEqual([identity, undefined]);
});
