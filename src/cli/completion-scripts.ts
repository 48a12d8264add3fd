import type { CompletedCommand, CompletedOption } from './completion.ts';

/**
 * Completion scripts with everything in them: pressing Tab starts no program and asks no cluster. Each completes commands,
 * their options, and the values that are known beforehand.
 */
export const completionScripts = {
  /** https://www.gnu.org/software/bash/manual/html_node/Programmable-Completion.html; nothing in it is newer than the bash 3.2 of macOS. */
  bash: (commands: readonly CompletedCommand[]): string => `# bash completion for kaito-ts. Load it with: source <(kaito-ts completion bash)
_kaito_ts() {
  local IFS=$' \\t\\n' command=\${COMP_WORDS[1]} current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} words= word
  COMPREPLY=()
  # What comes after -- is another program's.
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do [[ $word == -- ]] && return; done
  # Bash takes --option=value apart at the equals sign.
  if [[ $current == = ]]; then current=; elif [[ $previous == = ]]; then previous=\${COMP_WORDS[COMP_CWORD-2]}; fi
  if ((COMP_CWORD == 1)); then
    words='${[...commands.map(({ name }) => name), '--help', '--version'].join(' ')}'
  else
    case $command:$previous in
${bashValueCases(commands)}
      *)
        case $command in
${commands.map(({ name, options, argumentValues }) => `          ${name}) words='${[...argumentValues, ...options.flatMap(({ flags }) => flags.slice(-1))].join(' ')}' ;;`).join('\n')}
        esac ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _kaito_ts kaito-ts
`,

  /** https://zsh.sourceforge.io/Doc/Release/Completion-System.html#Completion-Functions, `_arguments` and `_describe`. */
  zsh: (commands: readonly CompletedCommand[]): string => `#compdef kaito-ts
# zsh completion for kaito-ts. Load it with: source <(kaito-ts completion zsh)
_kaito_ts() {
  local context state state_descr line
  typeset -A opt_args
  _arguments -C '(- *)-h[print this help]' '(- *)--help[print this help]' '(- *)-V[print the version]' '(- *)--version[print the version]' '1:command:->command' '*::argument:->argument'
  case $state in
    command)
      local -a commands
      commands=(
${commands.map(({ name, summary }) => `        ${zshQuote(`${name}:${zshText(summary)}`)}`).join('\n')}
      )
      _describe command commands ;;
    argument)
      case $words[1] in
${commands.map((command) => `        ${command.name}) _arguments ${zshSpecs(command).map(zshQuote).join(' ')} ;;`).join('\n')}
      esac ;;
  esac
}
if [[ $funcstack[1] == _kaito_ts ]]; then _kaito_ts "$@"; else compdef _kaito_ts kaito-ts; fi
`,

  /** https://fishshell.com/docs/current/cmds/complete.html */
  fish: (commands: readonly CompletedCommand[]): string => `# fish completion for kaito-ts. Load it with: kaito-ts completion fish | source
complete -c kaito-ts -f
complete -c kaito-ts -n __fish_use_subcommand -s h -l help -d 'print this help'
complete -c kaito-ts -n __fish_use_subcommand -s V -l version -d 'print the version'
${commands.flatMap(fishLines).join('\n')}
`,

  /** https://learn.microsoft.com/powershell/module/microsoft.powershell.core/register-argumentcompleter */
  powershell: (commands: readonly CompletedCommand[]): string => `# PowerShell completion for kaito-ts. Load it with: kaito-ts completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName kaito-ts -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $commands = '${JSON.stringify(toPowershellModel(commands)).replaceAll("'", "''")}' | ConvertFrom-Json
  $words = @($commandAst.CommandElements | ForEach-Object { $_.ToString() })
  if ($wordToComplete -ne '') { $words = @($words | Select-Object -SkipLast 1) }
  if ($words -contains '--') { return }
  if ($words.Count -le 1) {
    $candidates = @($commands.PSObject.Properties.Name) + '--help' + '--version'
  } else {
    $command = $commands.($words[1])
    $candidates = if ($command.values.PSObject.Properties.Name -contains $words[-1]) { $command.values.($words[-1]) } else { $command.words }
  }
  $candidates | Where-Object { $_ -like "$wordToComplete*" } | ForEach-Object { [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_) }
}
`,
};

/** One case for all options with the same values, which keeps the list of presets from being there many times. */
const bashValueCases = (commands: readonly CompletedCommand[]): string => {
  const patterns = commands.flatMap(({ name, options }) => options.filter(({ placeholder }) => placeholder !== undefined).flatMap((option) => option.flags.map((flag) => ({ pattern: `${name}:${flag}`, action: bashValues(option) }))));
  return [...Map.groupBy(patterns, ({ action }) => action)].map(([action, same]) => `      ${same.map(({ pattern }) => pattern).join('|')})\n        ${action} ;;`).join('\n');
};

const bashValues = ({ values, isFile }: CompletedOption): string => {
  if (isFile) return 'COMPREPLY=($(compgen -f -- "$current")); compopt -o filenames 2>/dev/null; return';
  // Nobody can guess it: better nothing than something wrong.
  return values.length === 0 ? 'return' : `words='${values.join(' ')}'`;
};

const zshSpecs = ({ options, argumentValues }: CompletedCommand): string[] => [
  ...options.flatMap(({ flags, description, placeholder, values, isFile, isRepeatable }) =>
    flags.map((flag) => {
      const value = placeholder === undefined ? '' : `:${zshText(placeholder)}:${isFile ? '_files' : values.length > 0 ? `(${values.join(' ')})` : ''}`;
      const others = isRepeatable ? '*' : flags.length > 1 ? `(${flags.join(' ')})` : '';
      return `${others}${flag}${placeholder === undefined ? '' : flag.startsWith('--') ? '=' : '+'}[${zshText(description)}]${value}`;
    }),
  ),
  ...(argumentValues.length > 0 ? [`1:argument:(${argumentValues.join(' ')})`] : ['*::argument:_default']),
];

const zshText = (text: string): string => text.replaceAll(/[\\[\]:]/g, (character) => `\\${character}`);
const zshQuote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

const fishLines = ({ name, summary, options, argumentValues }: CompletedCommand): string[] => {
  const within = `complete -c kaito-ts -n '__fish_seen_subcommand_from ${name}'`;
  return [
    `complete -c kaito-ts -n __fish_use_subcommand -a ${name} -d ${fishQuote(summary)}`,
    ...options.map(({ flags, description, placeholder, values, isFile }) => {
      const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`)).join(' ');
      const value = placeholder === undefined ? '' : isFile ? ' -r -F' : ` -x${values.length > 0 ? ` -a ${fishQuote(values.join(' '))}` : ''}`;
      return `${within} ${names}${value} -d ${fishQuote(description)}`;
    }),
    ...(argumentValues.length > 0 ? [`${within} -a ${fishQuote(argumentValues.join(' '))}`] : []),
  ];
};

const fishQuote = (text: string): string => `'${text.replaceAll(/[\\']/g, (character) => `\\${character}`)}'`;

const toPowershellModel = (commands: readonly CompletedCommand[]) =>
  Object.fromEntries(
    commands.map(({ name, options, argumentValues }) => [
      name,
      {
        words: [...argumentValues, ...options.flatMap(({ flags }) => flags.slice(-1))],
        values: Object.fromEntries(options.filter(({ placeholder, isFile }) => placeholder !== undefined && !isFile).flatMap(({ flags, values }) => flags.map((flag) => [flag, values] as const))),
      },
    ]),
  );
