/** Completion for zsh: to be sourced, or put as `_detour` into a folder of `fpath`. */
import { type CompletableCommand, type CompletableFlag, spellings } from './completable.ts';

export function zshCompletion(commands: readonly CompletableCommand[]): string {
  return `#compdef detour
# zsh completion for detour: source <(detour completion zsh)
_detour() {
  local -a commands
  commands=(
${commands.map(({ name, summary }) => `    ${quote(`${name}:${summary.replaceAll(':', '\\:')}`)}`).join('\n')}
  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  case $command in
${commands.map(commandCase).join('\n')}
  esac
}
if [ "$funcstack[1]" = _detour ]; then
  _detour "$@"
else
  compdef _detour detour
fi
`;
}

function commandCase(command: CompletableCommand): string {
  const specs = [...command.flags.map(flagSpec), ...argumentSpec(command)];
  return `    ${command.name})\n      _arguments -s ${specs.join(' \\\n        ')}\n      ;;`;
}

function flagSpec(flag: CompletableFlag): string {
  const names = spellings(flag);
  const about = `[${flag.summary.replace(/[[\]\\:]/g, '\\$&')}]`;
  const value = flag.value === '' ? '' : `:${flag.value.replace(/[\\:]/g, '\\$&')}:${action(flag)}`;
  // A flag with a short name stands for both; the braces stay outside of the quotes.
  const alone = flag.repeatable ? '*' : `(${names.join(' ')})`;
  return names.length === 1
    ? quote(`${alone}${names[0]}${about}${value}`)
    : `${quote(alone)}{${names.join(',')}}${quote(about + value)}`;
}

function argumentSpec(command: CompletableCommand): readonly string[] {
  return command.files || command.choices.length > 0 ? [quote(`*:argument:${action(command)}`)] : [];
}

function action({ choices, files }: { readonly choices: readonly string[]; readonly files: boolean }): string {
  if (choices.length > 0) return `(${choices.join(' ')})`;
  return files ? '_files' : ' ';
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
