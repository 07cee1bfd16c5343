// V8 compiles a function when it first runs. So the program is run, as a user would: without anybody's settings, and to a server
// that lets it in and answers nothing.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';

const site = 'nobody.yaml';
const profile = `name: nobody
title: Nobody's site
login: { hosts: [nobody] }
scheduler: { type: slurm }
queues: { all: { walltime: 1h, nodes: 1 } }
htcondor: { source: system }
`;

/** One after the other: what each compiles is added. All but the first fail, as late as they can. */
const commands = [
  ['up', '--site', 'local', '--dry-run'],
  ['up', 'none', '--site', site],
  ['down', 'none', '--site', site],
  ['status'],
];

/** Makes what bin/compiled.js looks for. */
export async function compile() {
  const home = mkdtempSync(join(tmpdir(), 'scailfin-compile-'));
  const key = ssh2.utils.generateKeyPairSync('ed25519');
  const server = new ssh2.Server({ hostKeys: [key.private] }, serve).listen(0, '127.0.0.1');
  await new Promise(resolve => server.once('listening', resolve));
  const { port } = server.address();
  mkdirSync(join(home, '.ssh'), { mode: 0o700 });
  writeFileSync(join(home, '.ssh/config'), `Host nobody\n  HostName 127.0.0.1\n  Port ${port}\n  User nobody\n`);
  writeFileSync(join(home, '.ssh/known_hosts'), `[127.0.0.1]:${port} ${key.public}\n`);
  writeFileSync(join(home, '.ssh/id_ed25519'), key.private, { mode: 0o600 });
  writeFileSync(join(home, site), profile);
  for (const words of commands) await run(words, home);
  server.close();
  rmSync(home, { recursive: true });
}

/** @param {import('ssh2').Connection} client */
function serve(client) {
  client.on('error', () => {});
  client.on('authentication', context =>
    context.method === 'publickey' ? context.accept() : context.reject(['publickey']),
  );
  client.on('session', accept =>
    accept().on('exec', accept => {
      const channel = accept();
      channel.resume();
      channel.exit(1);
      channel.end();
    }),
  );
}

/** @param {string[]} words @param {string} home */
function run(words, home) {
  const compiled = new URL('bin/compiled.js', import.meta.url).pathname;
  const program = `require(${JSON.stringify(compiled)}).compiled(true)()`;
  // without a PATH there is no ssh, which would look into the user's own settings
  const env = { HOME: home, TMPDIR: home, PATH: home };
  const options = { cwd: home, env, stdio: 'ignore', timeout: 60_000 };
  return new Promise(resolve =>
    spawn(process.execPath, ['-e', program, 'scailfin', ...words], options).on('close', resolve),
  );
}
