import type { Host, StartupNoise } from '../hosts/host.js';
import { keyValues, runScript } from '../hosts/script.js';
import { templateText } from '../templates.js';
import { type Finding, ok, type Stage, warning } from './stage.js';

/** Start-up files run before each command; users notice if they take longer than this. Seconds. */
const SLOW = 5;

/** The account's shell runs commands, and prints nothing else. */
export const shell: Stage = {
  id: 'shell',
  title: 'Shell is clean',

  async run({ facts }) {
    const host = facts.get('host');
    let noise: StartupNoise = { stdout: '', stderr: '' };
    const began = performance.now();
    const onNoise = (heard: StartupNoise): void => {
      noise = heard;
    };
    // a login shell is not tested yet; it has its own start-up files
    await host.run(['true'], { onNoise });
    const seconds = (performance.now() - began) / 1000;
    const out = await runScript(host, templateText('site/shell.sh'), []);
    const values = keyValues(out.stdout);
    const one = (key: string): string => values.get(key)?.[0] ?? '';
    const shell = one('shell').split('/').at(-1) ?? 'sh';
    facts.learn({
      shell: {
        ...{ user: one('user'), home: one('home'), shell, host: one('host'), path: one('path') },
        ...{ loginPath: one('loginpath'), scratch: one('scratch') },
      },
    });
    if (noise.stdout !== '' || noise.stderr !== '') return noisy(host, shell, noise);
    if (seconds > SLOW)
      return warning(
        `${shell}'s start-up files take ${seconds.toFixed(0)} s before each command`,
        `let them do less without a terminal: ${guard(shell)}`,
      );
    return ok(`${shell} on ${one('host')}, as ${one('user')}; it prints nothing of its own`);
  },
};

async function noisy(host: Host, shell: string, { stdout, stderr }: StartupNoise): Promise<Finding> {
  const said = stdout || stderr;
  const lines = said.split('\n');
  // a line that is in the file as it was printed; text that is put together at run time can't be found
  const telling = lines.find(line => line.trim().length > 2)?.trim() ?? said;
  const out = await runScript(host, templateText('site/noise.sh'), [telling]);
  const at = keyValues(out.stdout).get('at')?.[0];
  const shown = lines.slice(0, 4).map(line => `  | ${line}`);
  const more = lines.length > 4 ? [`  | … ${lines.length - 4} lines more`] : [];
  const place = at ?? `a start-up file, such as ${startupFile(shell)}`;
  const stream = stdout ? 'prints' : 'complains';
  const harm = stdout
    ? 'scailfin ignores it, but scp, sftp, rsync and other programs break'
    : 'scailfin ignores it; other programs may not';
  return warning(
    [`${place} ${stream} before any command:`, ...shown, ...more].join('\n'),
    `${harm}. In ${at ? at.replace(/:\d+$/, '') : startupFile(shell)}, put this before the lines that print: ${guard(shell)}`,
  );
}

function startupFile(shell: string): string {
  if (/csh$/.test(shell)) return '~/.cshrc';
  if (shell === 'zsh') return '~/.zshenv';
  return shell === 'fish' ? '~/.config/fish/config.fish' : '~/.bashrc';
}

/** The line that ends a start-up file if there is no terminal. */
function guard(shell: string): string {
  if (/csh$/.test(shell)) return 'if ( ! $?prompt ) exit';
  if (shell === 'zsh') return '[[ -o interactive ]] || return';
  if (shell === 'fish') return 'status is-interactive; or exit';
  return 'case $- in *i*) ;; *) return ;; esac';
}
