/** Completion for bash 3.2 and later; it needs nothing else. */
import { type CompletableCommand, spellings } from './completable.ts';

export function bashCompletion(commands: readonly CompletableCommand[]): string {
  const names = commands.map(({ name }) => name).join(' ');
  return `# bash completion for detour: source <(detour completion bash)
_detour_files() {
  compopt -o filenames 2>/dev/null
  local IFS=$'\\n'
  COMPREPLY=($(compgen -f -- "$1"))
}
_detour_words() {
  COMPREPLY=($(compgen -W "$2" -- "$1"))
}
_detour() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  # bash takes --output=json for three words.
  if [[ "$current" == "=" ]]; then
    current=""
  elif [[ "$previous" == "=" ]]; then
    previous="\${COMP_WORDS[COMP_CWORD-2]}"
  fi
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    _detour_words "$current" "${names}"
    return
  fi
  case "\${COMP_WORDS[1]} $previous" in
${commands.flatMap(valueCases).join('\n')}
  esac
  case "\${COMP_WORDS[1]}" in
${commands.map(commandCase).join('\n')}
  esac
}
complete -F _detour detour
`;
}

function valueCases(command: CompletableCommand): readonly string[] {
  return command.flags
    .filter(({ value }) => value !== '')
    .map((flag) => {
      const patterns = spellings(flag).map((spelling) => `"${command.name} ${spelling}"`);
      return `    ${patterns.join(' | ')}) ${valuesOf(flag)}return ;;`;
    });
}

function valuesOf({ choices, files }: { readonly choices: readonly string[]; readonly files: boolean }): string {
  if (choices.length > 0) return `_detour_words "$current" "${choices.join(' ')}"; `;
  return files ? '_detour_files "$current"; ' : '';
}

function commandCase(command: CompletableCommand): string {
  const flags = command.flags.flatMap(spellings).join(' ');
  const values = valuesOf(command);
  const others = values === '' ? '' : ` else ${values}`;
  return `    ${command.name}) if [[ "$current" == -* ]]; then _detour_words "$current" "${flags}";${others} fi ;;`;
}
