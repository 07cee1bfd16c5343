import type { Host, StartupNoise } from '../hosts/host.js';
import { keyValues, runScript } from '../hosts/script.js';
import { templateText } from '../templates.js';
import { type Finding, ok, type Stage, warning } from './stage.js';

/** Start-up files run before each command; more than this is felt. Seconds. */
const SLOW = 5;

/** The account's shell runs commands, and says nothing that it wasn't asked. */
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
    // nothing of a login shell yet, which has start-up files of its own
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
        `let them do less where nobody watches: ${guard(shell)}`,
      );
    return ok(`${shell} on ${one('host')}, as ${one('user')}; it prints nothing of its own`);
  },
};

async function noisy(host: Host, shell: string, { stdout, stderr }: StartupNoise): Promise<Finding> {
  const said = stdout || stderr;
  const lines = said.split('\n');
  // words that stand in the file as they were printed; what is put together there is not found
  const telling = lines.find(line => line.trim().length > 2)?.trim() ?? said;
  const out = await runScript(host, templateText('site/noise.sh'), [telling]);
  const at = keyValues(out.stdout).get('at')?.[0];
  const shown = lines.slice(0, 4).map(line => `  | ${line}`);
  const more = lines.length > 4 ? [`  | … ${lines.length - 4} lines more`] : [];
  const place = at ?? `a start-up file, such as ${startupFile(shell)}`;
  const stream = stdout ? 'prints' : 'complains';
  const harm = stdout
    ? 'scailfin reads past it, but scp, sftp, rsync and other programs break'
    : 'scailfin reads past it; other programs may not';
  return warning(
    [`${place} ${stream} before any command of yours:`, ...shown, ...more].join('\n'),
    `${harm}. In ${at ? at.replace(/:\d+$/, '') : startupFile(shell)}, before what prints, put: ${guard(shell)}`,
  );
}

function startupFile(shell: string): string {
  if (/csh$/.test(shell)) return '~/.cshrc';
  if (shell === 'zsh') return '~/.zshenv';
  return shell === 'fish' ? '~/.config/fish/config.fish' : '~/.bashrc';
}

/** What ends a start-up file where no person is at the other end. */
function guard(shell: string): string {
  if (/csh$/.test(shell)) return 'if ( ! $?prompt ) exit';
  if (shell === 'zsh') return '[[ -o interactive ]] || return';
  if (shell === 'fish') return 'status is-interactive; or exit';
  return 'case $- in *i*) ;; *) return ;; esac';
}
