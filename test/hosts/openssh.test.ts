import { afterAll, vi } from 'vitest';
import { openHost } from '../../src/hosts/open.js';
import { type Sshd, startSshd } from './sshd.js';
import { hostSuite } from './suite.js';

vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 });

const servers: Sshd[] = [];
afterAll(async () => {
  for (const server of servers) await server.stop();
});

hostSuite('over the system’s ssh', async () => {
  const server = await startSshd();
  servers.push(server);
  return openHost({ kind: 'ssh', host: 'box', transport: 'openssh' }, { env: server.env });
});
