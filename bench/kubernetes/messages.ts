/** How the programs of a benchmark talk to the one that started them: a line of JSON each. */

/** Milliseconds of the clock that all processes of a machine share (`CLOCK_MONOTONIC`). */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

export function say(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
