import type { Command } from 'commander';
import { UsageError } from '../errors.js';
import { topics } from './guide/topics.js';
import type { Ui } from './ui.js';

const shells = ['bash', 'zsh', 'fish'] as const;

export function register(program: Command, ui: Ui): void {
  program
    .command('completion')
    .description('print a completion script')
    .argument('<shell>', shells.join(', '))
    .addHelpText(
      'after',
      '\nbash: source <(scailfin completion bash)\nzsh:  source <(scailfin completion zsh)\nfish: scailfin completion fish | source',
    )
    .action((shell: string) => {
      const words = wordsOf(program);
      if (shell === 'bash') ui.printScript(bash(words));
      else if (shell === 'zsh') ui.printScript(`${ZSH}\n${bash(words)}`);
      else if (shell === 'fish') ui.printScript(fish(words));
      else
        throw new UsageError(`there is no completion for ${JSON.stringify(shell)}`, {
          hint: `choose one of ${shells.join(', ')}`,
        });
    });
}

/** bashcompinit needs compinit, which a bare .zshrc has not called. */
const ZSH = `(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
autoload -Uz +X bashcompinit && bashcompinit`;

interface Words {
  readonly command: string;
  readonly about: string;
  readonly words: readonly string[];
}

/** Each command with its subcommands and long options; help with what it can tell about. */
function wordsOf(program: Command): Words[] {
  return program.commands.map(command => ({
    command: command.name(),
    about: command.description(),
    words: [
      ...command.commands.map(c => c.name()),
      ...(command.name() === 'help' ? [...program.commands.map(c => c.name()), ...topics] : []),
      ...[command, ...command.commands].flatMap(c => c.options.flatMap(o => o.long ?? [])),
    ],
  }));
}

/**
 * Sites and clusters change, so they are asked for at each completion. compgen expands its words, so only plain names
 * pass.
 */
const DYNAMIC = {
  sites: 'scailfin sites list --json 2>/dev/null | sed -n \'s/^ *"name": "\\([A-Za-z0-9._-]*\\)".*/\\1/p\'',
  clusters: 'scailfin list --json 2>/dev/null | sed -n \'s/^ *"name": "\\([A-Za-z0-9._-]*\\)".*/\\1/p\'',
};

function bash(all: Words[]): string {
  const cases = all.map(w => `    ${w.command}) words='${[...new Set(w.words)].join(' ')}' ;;`).join('\n');
  return `_scailfin() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} words=
  if [ "$COMP_CWORD" = 1 ]; then COMPREPLY=($(compgen -W '${all.map(w => w.command).join(' ')}' -- "$cur")); return; fi
  if [ "$prev" = --site ]; then COMPREPLY=($(compgen -W "$(${DYNAMIC.sites})" -- "$cur")); return; fi
  case \${COMP_WORDS[1]} in
${cases}
  esac
  case $cur-\${COMP_WORDS[1]} in
    -*) ;;
    *-status|*-down|*-scale|*-exec|*-env|*-logs) words="$words $(${DYNAMIC.clusters})" ;;
    *-sites) case $prev in show|check) words=$(${DYNAMIC.sites}) ;; esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _scailfin scailfin`;
}

function fish(all: Words[]): string {
  const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = ['complete -c scailfin -f'];
  for (const { command, about, words } of all) {
    lines.push(`complete -c scailfin -n __fish_use_subcommand -a ${command} -d ${quote(about)}`);
    for (const word of new Set(words)) {
      const option = word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${word}`;
      lines.push(`complete -c scailfin -n '__fish_seen_subcommand_from ${command}' ${option}`);
    }
  }
  lines.push(
    `complete -c scailfin -n '__fish_seen_subcommand_from status down scale exec env logs' -a ${quote(`(${DYNAMIC.clusters})`)}`,
  );
  return lines.join('\n');
}
