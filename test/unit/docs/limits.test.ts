/** docs/limits.md: each bound is reached by the test that its row names, and is as high as it says. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ADMIN_LIMITS } from '../../../src/admin/http.ts';
import { BOOK_SIZE } from '../../../src/identity/review-book.ts';
import { LEDGER_LIMITS } from '../../../src/status/event-ledger.ts';
import { DEFAULT_LIMITS } from '../../../src/xds/xds.ts';

const root = new URL('../../../', import.meta.url);
const rows = readFileSync(new URL('docs/limits.md', root), 'utf8')
  .split('\n')
  .flatMap((line) => {
    const [, what, bound, , proof = ''] = line.split(' | ').length === 4 ? ['', ...line.slice(2, -2).split(' | ')] : [];
    const [, file = '', name = ''] = /^`(test\/[^`]+)`: (.+)$/.exec(proof.trim()) ?? [];
    return file === '' || what === undefined || bound === undefined ? [] : [{ what, bound, file, name }];
  });

test('has its rows', () => {
  expect(rows.length).toBeGreaterThan(25);
});

test.each(rows)('$what: there is a test of that name', ({ file, name }) => {
  expect(readFileSync(new URL(file, root), 'utf8')).toContain(`'${name}'`);
});

describe('the bounds are those of the code', () => {
  const { maxConnections, maxStreams, maxWaiting, waitMs, maxSyncing, maxNames, maxNameBytes, idleViewMs } = DEFAULT_LIMITS;
  test.each([
    ['connections', [maxConnections]],
    ['streams of a connection', [maxStreams]],
    ['streams that are not read yet', [maxWaiting, waitMs / 1000]],
    ['streams that are brought up to date at once', [maxSyncing]],
    ['names that a stream is subscribed to', [maxNames, maxNameBytes]],
    ['a request', [DEFAULT_LIMITS.maxMessageBytes / 2 ** 20]],
    ['requests that are not complete, over all connections', [DEFAULT_LIMITS.maxReceivingBytes / 2 ** 20]],
    ['resources that one answer about the state of clients (CSDS) tells of', [DEFAULT_LIMITS.maxStatusResources]],
    ['views that nobody reads', [idleViewMs / 1000]],
    ['topics of Events', [LEDGER_LIMITS.topics]],
    ['tokens that are known', [BOOK_SIZE.most]],
    ['connections to the admin address', [ADMIN_LIMITS.connections]],
    ['an answer that is not read', [ADMIN_LIMITS.idleMs / 1000]],
  ])('%s', (of, numbers) => {
    const bound = rows.find(({ what }) => what === of)?.bound ?? '';
    for (const number of numbers) expect(bound).toMatch(new RegExp(`(^|\\s)${number.toLocaleString('en')}(\\s|$|,)`));
  });
});
