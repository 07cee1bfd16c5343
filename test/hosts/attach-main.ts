/* Runs a command on the host `box` with this process's terminal: attach-main.ts WORD… */
import { openHost } from '../../src/hosts/open.js';

const host = await openHost({ kind: 'ssh', host: 'box' });
const { stdin, stdout, stderr } = process;
const status = await host.attach(process.argv.slice(2), { stdin, stdout, stderr, tty: true });
await host.close();
process.exit(status);
