import { stripVTControlCharacters } from 'node:util';

const REASON_LINES = 20;

/** What a test run comes to, from vitest's own JSON report. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  /** For each thing that failed its name and why, for the summary: what is left of a run is often its end alone. */
  readonly failures: readonly string[];
}

/** The parts of vitest's JSON report that are read. */
export interface VitestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages?: readonly string[];
    }[];
  }[];
}

/**
 * Counts what ran. Whatever is not a test that passed is a failure: a skipped test, a file that could not be loaded or
 * holds no test, a listed file that never ran, and a run that ended badly though its tests passed.
 * `files`: the test files that should have run, absolute as in the report.
 */
export function tally(report: VitestReport | undefined, files: readonly string[], exitCode: number | null): Tally {
  const failures: string[] = [];
  let passed = 0;
  for (const file of report?.testResults ?? []) {
    for (const test of file.assertionResults) {
      if (test.status === 'passed') passed += 1;
      else failures.push([`${file.name}: ${test.fullName}: ${test.status}`, ...reasons(test.failureMessages)].join('\n'));
    }
    if (file.assertionResults.length === 0) failures.push(`${file.name}: no test ran ${firstLine(file.message)}`);
    else if (file.status !== 'passed' && file.assertionResults.every((test) => test.status === 'passed')) {
      failures.push(`${file.name}: failed outside its tests ${firstLine(file.message)}`);
    }
  }
  const ran = new Set(report?.testResults.map((file) => file.name));
  for (const file of files) if (!ran.has(file)) failures.push(`${file}: did not run`);
  if (exitCode !== 0 && failures.length === 0)
    failures.push(`the run ended with ${exitCode ?? 'a signal'}, although its tests passed`);
  return { passed, failed: failures.length, failures };
}

/** Of each message the text without the stack, and of that the beginning: a diff of two values takes some lines. */
function reasons(messages: readonly string[] = []): readonly string[] {
  return messages.flatMap((message) => {
    const lines = stripVTControlCharacters(message).split('\n');
    const stack = lines.findIndex((line) => /^\s+at /.test(line));
    return lines.slice(0, Math.min(stack === -1 ? lines.length : stack, REASON_LINES)).map((line) => `  ${line.slice(0, 200)}`);
  });
}

function firstLine(message: string | undefined): string {
  return message === undefined || message === '' ? '' : `(${message.split('\n', 1)[0]})`;
}
