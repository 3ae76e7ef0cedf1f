import { describe, expect, test } from 'vitest';
import { tally, type VitestReport } from '../../../tools/tally.ts';

function report(...tests: readonly string[]): VitestReport {
  const assertionResults = tests.map((status, index) => ({ fullName: `test ${index}`, status }));
  return { testResults: [{ name: '/a.test.ts', status: tests.includes('failed') ? 'failed' : 'passed', assertionResults }] };
}

describe('tally', () => {
  test('counts tests that passed and tests that failed', () => {
    expect(tally(report('passed', 'passed', 'failed'), ['/a.test.ts'], 1)).toEqual({
      passed: 2,
      failed: 1,
      failures: ['/a.test.ts: test 2: failed'],
    });
  });

  test('a failure says why, without the stack', () => {
    const failureMessages = ['Error: expected 200\n  got 503\n    at file.ts:1:1\n    at other.ts:1:1'];
    const assertionResults = [{ fullName: 'it answers', status: 'failed', failureMessages }];
    const failed = { testResults: [{ name: '/a.test.ts', status: 'failed', assertionResults }] };
    expect(tally(failed, ['/a.test.ts'], 1).failures).toEqual([
      '/a.test.ts: it answers: failed\n  Error: expected 200\n    got 503',
    ]);
  });

  test('a skipped test is a failure', () => {
    expect(tally(report('passed', 'skipped'), ['/a.test.ts'], 0).failures).toEqual(['/a.test.ts: test 1: skipped']);
  });

  test('a file that cannot be loaded is a failure', () => {
    const broken = {
      testResults: [{ name: '/a.test.ts', status: 'failed', message: 'no such module\nat x', assertionResults: [] }],
    };
    expect(tally(broken, ['/a.test.ts'], 1).failures).toEqual(['/a.test.ts: no test ran (no such module)']);
  });

  test('a file that was to run and did not is a failure', () => {
    expect(tally(report('passed'), ['/a.test.ts', '/b.test.ts'], 0).failures).toEqual(['/b.test.ts: did not run']);
    expect(tally(undefined, ['/a.test.ts'], 1).failures).toEqual(['/a.test.ts: did not run']);
  });

  test('a run that ends badly is a failure although its tests passed', () => {
    expect(tally(report('passed'), ['/a.test.ts'], 1)).toMatchObject({ passed: 1, failed: 1 });
    expect(tally(report('passed'), ['/a.test.ts'], null)).toMatchObject({ passed: 1, failed: 1 });
  });

  test('an error outside the tests of a file is a failure', () => {
    const [file] = report('passed').testResults;
    if (file === undefined) throw new Error('the report has a file');
    const failed = { testResults: [{ ...file, status: 'failed', message: 'afterAll threw' }] };
    expect(tally(failed, ['/a.test.ts'], 1).failures).toEqual(['/a.test.ts: failed outside its tests (afterAll threw)']);
  });
});
