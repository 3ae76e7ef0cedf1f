/** Completion for fish 3 and later. */
import type { CompletableCommand, CompletableFlag } from './completable.ts';

export function fishCompletion(commands: readonly CompletableCommand[]): string {
  const lines = commands.flatMap((command) => [
    `complete -c detour -n __fish_use_subcommand -a ${command.name} -d ${quote(command.summary)}`,
    ...command.flags.map((flag) => `${within(command)} ${flagOptions(flag)}`),
    ...argumentLine(command),
  ]);
  return `# fish completion for detour: detour completion fish | source
function __detour_runs
  set -l words (commandline -opc)
  test "$words[2]" = "$argv[1]"
end
complete -c detour -f
${lines.join('\n')}
`;
}

/** Not `__fish_seen_subcommand_from`: a value may be called like a command. */
function within({ name }: CompletableCommand): string {
  return `complete -c detour -n ${quote(`__detour_runs ${name}`)}`;
}

function flagOptions(flag: CompletableFlag): string {
  const short = flag.short === undefined ? '' : `-s ${flag.short} `;
  return `${short}-l ${flag.name} ${valueOptions(flag)}-d ${quote(flag.summary)}`;
}

function valueOptions({ value, choices, files }: CompletableFlag): string {
  if (value === '') return '';
  if (files) return '-r -F ';
  return choices.length === 0 ? '-x ' : `-x -a ${quote(choices.join(' '))} `;
}

function argumentLine(command: CompletableCommand): readonly string[] {
  if (command.files) return [`${within(command)} -F`];
  return command.choices.length === 0 ? [] : [`${within(command)} -a ${quote(command.choices.join(' '))}`];
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
