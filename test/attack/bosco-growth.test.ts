// @module-tag nightly; each time: attack/bosco-key
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect } from 'vitest';
import { settingsFile, wayFiles } from '../../src/headnode/bosco/files.js';
import { templateText } from '../../src/templates.js';
import { until } from '../lab/programs.js';
import { attack } from './attack.js';

/** `condor_q -af:t` prints what an expression comes to, and `formatTime(0, "%n")` comes to a line's end. */
const lines = {
  /** The schedd's answer about idle jobs: a job of which RequestCpus is such an expression. */
  idle: (evil: string) => `1\n1\t1\t${evil}\t100\t5\t5\t100\t7.0\ttrue\n`,
  grid: (evil: string) =>
    `acme\n${['acme', evil, '1', 'batch at_acme x slurm/20260101/7', '0', 'undefined', 'x'].join('\t')}\n`,
  /** The site's words about a glide-in that it refused. */
  held: (evil: string) =>
    `acme\t3.0\t5\tundefined\t1\tundefined\tno\n${['acme', evil, '5', '-', '9', 'undefined', 'x'].join('\t')}\n`,
};

const evils = [
  "1.0'; touch $CONDOR_CONFIG.owned; '",
  '1.0$(touch $CONDOR_CONFIG.owned)',
  '1.0`touch $CONDOR_CONFIG.owned`',
  '-all',
  '-constraint true',
  '1.0; touch owned',
];

describe('what the growth of a pool reads', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'scailfin-attack-'));
    mkdirSync(join(dir, 'bin'));
    mkdirSync(join(dir, 'run'));
    writeFileSync(join(dir, 'found.config'), `BIN = ${join(dir, 'bin')}\n`);
    const asked = { cores: 8, memory: 16_000 };
    const plan = { site: 'acme', bounds: { min: 0, max: 0 }, walltime: 3600, ...asked, tokenLifetime: 7200, asked };
    const { path, content } = settingsFile(dir, plan);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, content);
    for (const name of ['weigh.awk', 'grow.sh']) writeFileSync(join(dir, 'bosco', name), templateText(`bosco/${name}`));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }));

  const double = (name: string, text: string) =>
    writeFileSync(join(dir, 'bin', name), `#!/bin/sh\n${text}\n`, { mode: 0o700 });

  /** A few rounds of the growth with what HTCondor answers. @returns what it had HTCondor do */
  const grows = async (grid: string, idle: string): Promise<string> => {
    writeFileSync(join(dir, 'answer.grid'), grid);
    writeFileSync(join(dir, 'answer.idle'), idle);
    const answer = (name: string) => `cat ${join(dir, `answer.${name}`)}`;
    double('condor_status', `printf 'acme\\t7\\t8\\t16000\\t8\\ttrue\\t60\\t16000\\n'`);
    double('condor_q', `case "$*" in *ScailfinBosco*) ${answer('grid')} ;; *) ${answer('idle')} ;; esac`);
    for (const name of ['condor_rm', 'condor_release', 'condor_submit'])
      double(name, `echo "${name} $*" >>"$CONDOR_CONFIG.done"`);
    double('sleep', 'exec /bin/sleep 0.05');
    const round = join(dir, 'bosco/round');
    const growth = spawn('bash', [join(dir, 'bosco/grow.sh'), dir], { stdio: 'ignore', cwd: dir });
    try {
      // it takes some rounds until what nobody needs is removed
      for (let n = 0; n < 9; n++) {
        rmSync(round, { force: true });
        await until('a round', 60_000, async () => existsSync(round));
      }
    } finally {
      growth.kill('SIGTERM');
    }
    const done = join(dir, 'condor_config.done');
    const said = existsSync(done) ? readFileSync(done, 'utf8') : '';
    rmSync(done, { force: true });
    return said;
  };
  const isOwned = () => existsSync(join(dir, 'condor_config.owned')) || existsSync(join(dir, 'owned'));

  attack(
    {
      by: 'a client with the token',
      on: 'headnode',
      what: "runs commands by a job's RequestCpus that has lines in it",
    },
    async count => {
      for (const evil of evils) {
        count();
        await grows('', lines.idle(evil));
        expect(isOwned(), evil).toBe(false);
      }
    },
    120_000,
  );

  attack(
    {
      by: 'a client with the token',
      on: 'headnode',
      what: 'runs commands, removes all jobs by a text with lines in it',
    },
    async count => {
      for (const [evil, of] of evils.flatMap(e => [[e, lines.grid] as const, [e, lines.held] as const])) {
        count();
        const done = await grows(of(evil), '1\t100\t1.0\t60\tundefined\ttrue\n');
        expect(isOwned(), evil).toBe(false);
        expect(done.match(/-\w+|constraint/g), `${evil}: ${done}`).toBeNull();
      }
    },
    240_000,
  );

  /** What HTCondor runs to talk to the site, with an `ssh` that is the hostile login node. */
  const gahp = (ssh: string): { readonly said: string; readonly status: number | null } => {
    const login = { host: 'login', port: 22, user: 'alice', hostKeys: ['ssh-ed25519 AAAA'] };
    for (const { path, content, mode } of wayFiles(dir, { site: 'acme', siteDir: '/x' }, login, false))
      writeFileSync(path, content, { mode });
    double('ssh', ssh);
    const env = { PATH: `${join(dir, 'bin')}:${process.env.PATH}` };
    const options = { env, encoding: 'utf8', maxBuffer: 2 ** 28, timeout: 60_000, input: '' } as const;
    try {
      return { said: execFileSync(join(dir, 'bosco/at_acme/gahp'), [], options), status: 0 };
    } catch (error) {
      const { stdout, status } = error as { stdout: string; status: number | null };
      return { said: stdout, status };
    }
  };

  attack(
    {
      by: 'a compute node',
      on: 'headnode',
      what: 'fills the disk by names of glide-ins that never were, and by reasons',
    },
    async count => {
      const own = join(dir, 'bosco/at_acme');
      const many = Array.from({ length: 60_000 }, (_, n) => `made-up-${n}`);
      writeFileSync(join(own, 'joined'), `${many.sort().join('\n')}\n`);
      for (const name of ['held', 'removed', 'unfit']) writeFileSync(join(own, name), '1\t1.0\n'.repeat(600_000));
      writeFileSync(join(dir, 'bosco/grow.out'), 'x'.repeat(3_000_000));
      count(4 * 600_000);
      const book = 'no\u001b '.repeat(100_000);
      await grows(`acme\t3.0\t5\t-\t9\tundefined\t${book}\n`, '1\t100\t1.0\t60\tundefined\ttrue\n');
      for (const name of ['joined', 'held', 'removed', 'unfit', 'memory', 'state', '../grow.out'])
        expect(statSync(join(own, name)).size, name).toBeLessThan(1_100_000);
      expect(readFileSync(join(own, 'state'), 'utf8').length).toBeLessThan(2000);
    },
    60_000,
  );

  attack(
    { by: 'a login node', on: 'headnode', what: "fills the disk by what ssh prints to the growth's error log" },
    count => {
      count();
      gahp(`echo first words >&2; head -c 60000000 /dev/zero | tr '\\0' 'x' >&2; exit 1`);
      const log = join(dir, 'bosco/at_acme/gahp.err');
      expect(statSync(log).size).toBeLessThan(200_000);
      expect(readFileSync(log, 'utf8')).toContain('first words');
    },
    60_000,
  );

  attack(
    { by: 'a login node', on: 'headnode', what: 'says endless things before the first word of blahpd' },
    count => {
      count();
      const noise = `head -c 60000000 /dev/zero | tr '\\0' 'x'`;
      const version = `printf '\\n$GahpVersion: 1 $\\n'`;
      expect(gahp(`${noise}; ${version}`).said).toBe('');
      count();
      // nor does HTCondor's gridmanager get a line without end
      expect(gahp(`${version}; ${noise}`).said.length).toBeLessThan(100_000);
      expect(gahp(`echo Welcome; ${version}; printf 'S a\\\\ b\\r\\n'`).said).toBe('$GahpVersion: 1 $\nS a\\ b\r\n');
    },
    60_000,
  );
});
