/** Sets the rules of a pod's network, or takes them away: the thin shell around `capture-rules.ts`. */
import type { IpFamily } from '../model/capture.ts';
import { captureRules, undoRules } from './capture-rules.ts';
import { type CaptureSettings, familiesOf } from './capture-settings.ts';

export interface ProgramResult {
  readonly ok: boolean;
  readonly output: string;
  /** What went wrong, on one line. */
  readonly error: string;
}

/** Runs a program with this text as its input. A program that is not there is a result too. */
export type RunProgram = (program: string, args: readonly string[], input: string) => Promise<ProgramResult>;

const PROGRAM: Readonly<Record<IpFamily, string>> = { ipv4: 'iptables', ipv6: 'ip6tables' };

/** By nf_tables, else as it was before it, else whatever there is by the name. */
const KINDS = ['-nft', '-legacy', ''];

/** Another rules' user may be at it. */
const WAIT = ['-w', '5'];

/** @returns what was done, a line each. @throws Error that says what was tried, when a family's rules could not be set. */
export async function applyCapture(settings: CaptureSettings, run: RunProgram): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const family of familiesOf(settings)) lines.push(await applyFamily(settings, family, run));
  return lines;
}

async function applyFamily(settings: CaptureSettings, family: IpFamily, run: RunProgram): Promise<string> {
  const failures: string[] = [];
  for (const kind of KINDS) {
    const program = `${PROGRAM[family]}${kind}`;
    const saved = await run(`${program}-save`, ['-t', 'nat'], '');
    if (!saved.ok) {
      failures.push(`${program}-save: ${saved.error}`);
      continue;
    }
    for (const whereListening of [true, false]) {
      const rules = captureRules(settings, family, { whereListening, now: saved.output });
      const { ok, error } = await run(`${program}-restore`, ['--noflush', ...WAIT], rules);
      if (ok)
        return `${program}: captured${whereListening ? '' : ', probes by TCP too, since this kernel has no match `socket`'}`;
      failures.push(`${program}-restore: ${error}`);
    }
  }
  throw new Error(`The rules for ${family === 'ipv4' ? 'IPv4' : 'IPv6'} could not be set:\n  ${failures.join('\n  ')}`);
}

/** Takes away the rules of either family and kind. @returns what was done, a line each. */
export async function undoCapture(run: RunProgram): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const program of Object.values(PROGRAM).flatMap((name) => KINDS.map((kind) => `${name}${kind}`))) {
    const saved = await run(`${program}-save`, ['-t', 'nat'], '');
    const rules = saved.ok ? undoRules(saved.output) : undefined;
    if (rules === undefined) continue;
    const { ok, error } = await run(`${program}-restore`, ['--noflush', ...WAIT], rules);
    if (!ok) throw new Error(`${program}-restore: ${error}`);
    lines.push(`${program}: no longer captured`);
  }
  return lines;
}
