// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are the shell's
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from 'vitest';
import { LocalHost } from '../../src/hosts/local.js';
import { probe } from '../../src/hosts/probe.js';
import { profileSchema } from '../../src/sites/schema.js';
import { render, templateText } from '../../src/templates.js';
import { glideinValues } from '../cluster/helpers/glideinvalues.js';
import { attack } from './attack.js';

const uid = process.getuid?.() ?? 0;
const nobody = 65534;
let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'scailfin-planted-'));
});
afterEach(() => {
  spawnSync('chmod', ['-R', 'u+rwX', dir]);
  rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
});
const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

describe('what another user puts into /tmp of a node', () => {
  let headnode: net.Server;
  beforeAll(async () => {
    headnode = net.createServer(socket => socket.end()).listen(0, '127.0.0.1');
    await once(headnode, 'listening');
  });
  afterAll(() => headnode.close());

  /** A glide-in that joins nothing, and ends when it is told to. @returns the configuration that it wrote for HTCondor */
  async function glidein(local: string): Promise<string> {
    const payload = join(dir, 'payload');
    for (const part of [join(dir, 'logs'), join(payload, 'sbin')]) mkdirSync(part, { recursive: true });
    const { port } = headnode.address() as AddressInfo;
    const values = glideinValues({ port, payload, localDirectory: local });
    writeFileSync(join(dir, 'settings'), render('glidein/settings', values));
    writeFileSync(join(dir, 'token'), 'token');
    for (const name of ['glidein.sh', 'check.sh', 'leave.sh', 'glidein.conf'])
      writeFileSync(join(dir, name), templateText(`glidein/${name}`));
    const seen = join(dir, 'seen');
    const master = `#!/bin/bash\ncp "$CONDOR_CONFIG" ${seen}.new && mv ${seen}.new ${seen}\ntrap "exit 0" QUIT\nsleep 30 & wait\n`;
    writeFileSync(join(payload, 'sbin/condor_master'), master, { mode: 0o755 });
    const child = spawn('bash', [join(dir, 'glidein.sh'), dir], { stdio: 'ignore', detached: true });
    const ended = once(child, 'exit');
    try {
      await expect.poll(() => existsSync(seen), { timeout: 60_000 }).toBe(true);
    } finally {
      process.kill(-(child.pid as number), 'SIGTERM');
      await ended;
    }
    return readFileSync(seen, 'utf8');
  }

  attack(
    {
      by: 'another user',
      on: 'here',
      what: 'plants a link in /tmp by the name of an old cache, to have its target opened',
    },
    async count => {
      const local = join(dir, 'tmp');
      const victim = join(dir, 'home');
      mkdirSync(local);
      mkdirSync(join(victim, 'closed'), { recursive: true });
      writeFileSync(join(victim, 'held'), '');
      writeFileSync(join(victim, 'closed', 'file'), 'mine', { mode: 0o400 });
      chmodSync(join(victim, 'closed'), 0o500);
      for (const name of ['old.scailfin', 'x.scailfin']) {
        symlinkSync(victim, join(local, `scailfin-cache-${name}-${uid}`));
        count();
      }
      await glidein(local);
      await expect.poll(() => readdirSync(local).filter(name => !name.startsWith('scailfin-cache-'))).toEqual([]);
      expect([modeOf(join(victim, 'closed')), modeOf(join(victim, 'closed', 'file'))]).toEqual(['500', '400']);
      expect(readdirSync(victim).sort()).toEqual(['closed', 'held']);
    },
    60_000,
  );

  attack(
    { by: 'another user', on: 'here', what: "makes the directory of the cache first, to feed a glide-in's steps" },
    async () => {
      const local = join(dir, 'tmp');
      const planted = join(local, `scailfin-cache-x.scailfin-${uid}`);
      mkdirSync(planted, { recursive: true });
      chmodSync(planted, 0o777);
      if (uid !== 0) throw new Error('only root can make what belongs to another user');
      chownSync(planted, nobody, nobody);
      expect(await glidein(local)).not.toContain(`SCAILFIN_CACHE='${planted}'`);
      expect(readdirSync(planted)).toEqual([]);
    },
    60_000,
  );

  attack(
    { by: 'another user', on: 'here', what: 'makes the directory of the cache as one glide-in goes and another comes' },
    count => {
      // what a step does with a cache that was good when its glide-in began, and is another's by now
      const [own, planted, link] = [join(dir, 'own'), join(dir, 'planted'), join(dir, 'link')];
      mkdirSync(own);
      mkdirSync(planted);
      chmodSync(planted, 0o777);
      chownSync(planted, nobody, nobody);
      mkdirSync(join(dir, 'elsewhere'));
      symlinkSync(join(dir, 'elsewhere'), link);
      for (const cache of [planted, link]) {
        const script = `own=${own} scratch=${own} SCAILFIN_STEP=1.2 SCAILFIN_CACHE=${cache}\nfail() { exit 1; }\n${templateText('step/cache.sh')}\necho "$cache"`;
        const { stdout, stderr } = spawnSync('/bin/sh', ['-c', script], { encoding: 'utf8' });
        expect([stdout, stderr]).toEqual([`${own}/cache\n`, '']);
        count();
      }
      expect(readdirSync(join(dir, 'elsewhere'))).toEqual([]);
    },
  );

  attack(
    { by: 'a step', on: 'here', what: 'leaves a link where the wrapper tidies up, to have its target opened' },
    () => {
      const [tmp, victim] = [join(dir, 'tmp'), join(dir, 'home')];
      mkdirSync(tmp);
      mkdirSync(victim);
      chmodSync(victim, 0o500);
      symlinkSync(victim, join(tmp, 'link'));
      const wrapper = templateText('step/begin.sh');
      const remove = /^remove\(\) \{\n[\s\S]*?^\}$/m.exec(wrapper)?.[0];
      // rm fails, as it does where the directory around it is closed
      const script = `rm() { return 1; }\n${remove}\nremove ${tmp}/link`;
      expect(spawnSync('/bin/sh', ['-c', script], { encoding: 'utf8' }).stderr).toBe('');
      expect(modeOf(victim)).toBe('500');
    },
  );
});

describe('a profile of somebody else', () => {
  const hostile = (file: string): string[] => [
    `/tmp/$(touch ${file})`,
    `/tmp/\`touch ${file}\``,
    `/tmp/x"; touch ${file}; "`,
    `/tmp/x" "$(touch ${file})`,
    `/tmp/\${HOME:-$(touch ${file})}`,
    `/tmp/\${x:=\`touch ${file}\`}`,
    `/tmp/\\$(touch ${file})`,
    `/tmp/$\${HOME}$(touch ${file})`,
    `/tmp/\${a[$(touch ${file})]}`,
    `/tmp/$((a[$(touch ${file})]))`,
    `relative/$(touch ${file})`,
    `$SCAILFIN_NO_SUCH/"; touch ${file}; echo "`,
  ];

  attack(
    { by: 'a hostile folder', on: 'here', what: "runs commands on a login node by a profile's directories.work" },
    async count => {
      const file = join(dir, 'ran');
      for (const work of hostile(file)) {
        await probe(new LocalHost(), work, 'x').catch(() => {});
        expect([work, existsSync(file)]).toEqual([work, false]);
        count();
      }
      // and variables are put in all the same
      for (const work of ['$HOME/x', '${HOME}/x', `${'$'}HOME/${'$'}{USER}x/..`]) {
        expect((await probe(new LocalHost(), work, 'x')).base.startsWith(`${process.env.HOME}/`)).toBe(true);
      }
    },
    60_000,
  );

  attack(
    { by: 'a hostile folder', on: 'here', what: "runs commands on a node by a profile's directories.local" },
    count => {
      const file = join(dir, 'ran');
      const local = (localDirectory: string): string => {
        const script = `${render('glidein/settings', glideinValues({ localDirectory }))}\nprintf '%s' "$local_dir"`;
        return spawnSync('bash', ['-c', script], { encoding: 'utf8', env: { PATH: process.env.PATH, HOME: '/h' } })
          .stdout;
      };
      for (const text of hostile(file)) {
        local(text);
        expect([text, existsSync(file)]).toEqual([text, false]);
        count();
      }
      expect(['$HOME/x', '${HOME}/x', '/a b/$HOME', "/it's"].map(local)).toEqual(['/h/x', '/h/x', '/a b//h', "/it's"]);
    },
  );

  attack({ by: 'a hostile folder', on: 'here', what: 'is taken, with a command in a directory' }, count => {
    const place = profileSchema.shape.directories;
    // many variables, and then a mistake: each has one way to be read
    expect(place.safeParse({ work: `${'$abc'.repeat(5_000)}\`` }).success).toBe(false);
    for (const key of ['work', 'local', 'home', 'scratch']) {
      for (const text of hostile('/x')) {
        expect([text, place.safeParse({ [key]: text }).success]).toEqual([text, false]);
        count();
      }
      for (const text of ['$SCRATCH/.scailfin', '${SCRATCH}/x', '/users/$USER/it is'])
        expect(place.safeParse({ [key]: text }).success).toBe(true);
    }
  });
});
