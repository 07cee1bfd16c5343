import { afterAll, describe, vi } from 'vitest';
import { openHost } from '../../src/hosts/open.js';
import { type Sshd, startSshd } from './sshd.js';
import { hostSuite } from './suite.js';

vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

const servers: Sshd[] = [];
afterAll(async () => {
  for (const server of servers) await server.stop();
});

hostSuite('this machine', () => openHost({ kind: 'local' }));

describe.each(['bash', 'dash', 'zsh', 'tcsh', 'fish'])('login shell %s', shell => {
  const noise = 'echo "noise on stdout"\n';
  const startup = {
    '.bashrc': `${noise}echo "noise on stderr" >&2; set -v\n`,
    '.zshenv': `${noise}echo "noise on stderr" >&2\n`,
    '.tcshrc': noise,
    '.config/fish/config.fish': `${noise}echo "noise on stderr" >&2\n`,
  };
  const open = async () => {
    const server = await startSshd(shell === 'bash' ? { startup } : { startup, shell: `/usr/bin/${shell}` });
    servers.push(server);
    return openHost({ kind: 'ssh', host: 'box' }, { env: server.env });
  };
  hostSuite('over ssh', open, { brief: shell !== 'bash' && shell !== 'tcsh' });
});
