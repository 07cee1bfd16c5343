import { rmSync } from 'node:fs';
import net from 'node:net';
import { dirname } from 'node:path';
import type { Answer, Question } from '../hosts/openssh/asking.js';

// This is a separate program: ssh runs it with a question (SSH_ASKPASS in ssh(1)) and reads the answer from its standard
// output. It passes both between ssh and the process that runs that ssh.

const [socket = '', text = ''] = process.argv.slice(2);
const link = net.connect(socket);
let said = '';

/** Without this, ssh would continue with an empty answer, which the server counts as a failed login. */
function endSsh(): never {
  // the process that made the directory may be gone, too
  rmSync(dirname(socket), { recursive: true, force: true });
  if (process.ppid > 1) process.kill(process.ppid, 'SIGTERM');
  process.exit(1);
}

link.setEncoding('utf8');
link.write(`${JSON.stringify({ text, kind: process.env.SSH_ASKPASS_PROMPT ?? '' } satisfies Question)}\n`);
link.on('data', (piece: string) => {
  said += piece;
});
link.on('error', endSsh);
link.on('end', () => {
  if (said === '') endSsh();
  process.stdout.write(`${(JSON.parse(said) as Answer).answer}\n`, () => process.exit(0));
});
