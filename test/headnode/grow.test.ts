import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { settingsFile } from '../../src/headnode/bosco/files.js';
import { templateText } from '../../src/templates.js';

/** Stands in for HTCondor's commands: a pool with one idle job of one core, whose submissions are written down. */
const doubles: Readonly<Record<string, string>> = {
  condor_status: 'cat "$CONDOR_CONFIG.slots" 2>/dev/null; true',
  condor_q: `case "$*" in *'ScailfinBosco =!= undefined'*) cat "$CONDOR_CONFIG.grid" 2>/dev/null; true ;; *) printf '1\\t100\\t1.0\\t60\\tundefined\\ttrue\\n' ;; esac`,
  condor_submit: 'echo "$*" >>"$CONDOR_CONFIG.submitted"',
  condor_token_create: 'echo "$*"',
  condor_rm: 'echo "rm $*" >>"$CONDOR_CONFIG.submitted"',
};

/** Stands in for the way to the site: it takes tokens, and has what unfit nodes wrote down. */
const gahp = `#!/bin/sh
case $1 in refused) echo Welcome; cat "$CONDOR_CONFIG.refused" 2>/dev/null ;; *) cat >>"$CONDOR_CONFIG.carried" ;; esac
`;

describe('a pool that grows by itself', () => {
  let dir: string;
  let growth: ChildProcess;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'scailfin-grow-'));
    mkdirSync(join(dir, 'bin'));
    mkdirSync(join(dir, 'run'));
    for (const [name, text] of Object.entries(doubles))
      writeFileSync(join(dir, 'bin', name), `#!/bin/sh\n${text}\n`, { mode: 0o700 });
    writeFileSync(join(dir, 'found.config'), `BIN = ${join(dir, 'bin')}\n`);
    const size = {
      walltime: 3600,
      tokenLifetime: 90_000,
      asked: { cores: 8, memory: 16_000 },
      cores: 8,
      memory: 16_000,
    };
    const plan = { site: 'acme', bounds: { min: 0, max: 3 }, ...size };
    const { path, content } = settingsFile(dir, plan);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, content);
    writeFileSync(join(dir, 'condor_config'), 'TRUST_DOMAIN = acme.scailfin\n');
    writeFileSync(join(path, '../gahp'), gahp, { mode: 0o700 });
    writeFileSync(join(dir, 'bosco/token-make.sh'), templateText('headnode/token-make.sh'));
    writeFileSync(join(dir, 'bosco/weigh.awk'), templateText('bosco/weigh.awk'));
    // rounds are short, so that a test is
    writeFileSync(join(dir, 'bosco/grow.sh'), templateText('bosco/grow.sh').replace('pause=5 ', 'pause=1 '));
  });
  afterEach(() => {
    growth.kill('SIGTERM');
    rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  });

  const begin = () => {
    growth = spawn('bash', [join(dir, 'bosco/grow.sh'), dir], { stdio: 'ignore' });
  };
  const ends = (seconds: number) =>
    writeFileSync(join(dir, 'x509up.ends'), `${Math.floor(Date.now() / 1000) + seconds}\n`);
  const submitted = () => {
    const file = join(dir, 'condor_config.submitted');
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  };
  const reason = () => {
    const file = join(dir, 'bosco/at_acme/state');
    return existsSync(file) ? /^reason=(.*)$/m.exec(readFileSync(file, 'utf8'))?.[1] : undefined;
  };
  const patience = { timeout: 20_000, interval: 200 };

  it('submits nothing with a proxy that ends before its glide-ins would, until it is renewed', async () => {
    ends(3000);
    begin();
    await expect.poll(reason, patience).toMatch(/^the cluster's proxy ends before a glide-in would.*proxy renew$/);
    expect(submitted()).toBe('');
    ends(7200);
    await expect.poll(reason, patience).toBe('');
    await expect.poll(submitted, patience).toMatch(/^\S+glidein\.sub -append arguments = \d+-\$\(Process\) -queue 1\n/);
  });

  /** The glide-ins in HTCondor's queue: their ids in the batch system. */
  const queue = (...ids: number[]) => {
    const lines = ids.map(id => `acme\t${id}.0\t2\tbatch acme acme_1 slurm/20260101/${id}\t0\tundefined\tundefined\n`);
    writeFileSync(join(dir, 'condor_config.grid'), lines.join(''));
  };
  const refuse = (...said: { job: number; node: string; reason: string }[]) => {
    const texts = said.map(
      ({ job, node, reason }) => `job=${job}\nnode=${node}\nat=1\ncheck=place\nreason=${reason}\n`,
    );
    const lines = texts.map(text => `refused=${Buffer.from(text).toString('base64')}\n`);
    writeFileSync(join(dir, 'condor_config.refused'), lines.join(''));
  };
  const state = () => readFileSync(join(dir, 'bosco/at_acme/state'), 'utf8');

  it('does not wait for a glide-in that ended, although the pool still shows it', async () => {
    const now = Math.floor(Date.now() / 1000);
    writeFileSync(join(dir, 'condor_config.slots'), `${['acme', 7, 8, 16_000, 8, true, 5, 16_000, now].join('\t')}\n`);
    queue(7);
    begin();
    await expect.poll(() => existsSync(join(dir, 'bosco/at_acme/state')), patience).toBe(true);
    await expect.poll(state, patience).toMatch(/^joined=1$/m);
    expect(submitted()).toBe('');
    queue();
    await expect.poll(submitted, patience).toMatch(/-queue 1\n/);
    expect(state()).toMatch(/^failures=0$/m);
  });

  it('tells why a node was unfit, and stops after three nodes until its settings are written again', async () => {
    queue(7);
    begin();
    await expect.poll(() => existsSync(join(dir, 'bosco/at_acme/state')), patience).toBe(true);
    refuse({ job: 7, node: 'c1', reason: "no directory = of use\u001b[2J: /tmp: programs can't run there" });
    queue();
    const c1 = "c1: no directory = of use[2J: /tmp: programs can't run there";
    await expect.poll(reason, patience).toBe(`glide-in 7 did not join, because its node is unfit; ${c1}`);
    expect(state()).toMatch(/^stopped=$/m);
    // three jobs on two other nodes
    for (const jobs of [[8, 9], [10]]) {
      queue(...jobs);
      await expect.poll(state, patience).toMatch(new RegExp(`^running=${jobs.length}$`, 'm'));
      expect(state()).toMatch(/^stopped=$/m);
      refuse(...jobs.map(job => ({ job, node: job === 10 ? 'c3' : 'c2', reason: 'it is full' })));
      queue();
      await expect.poll(state, patience).toMatch(/^running=0$/m);
    }
    expect(state()).toMatch(/^stopped=yes$/m);
    expect(reason()).toBe(
      "3 nodes in a row can't be part of the pool, so no more glide-ins are submitted; c3: it is full",
    );
    rmSync(join(dir, 'condor_config.submitted'), { force: true });
    const settings = join(dir, 'bosco/at_acme/settings');
    utimesSync(settings, 2e9, 2e9);
    await expect.poll(submitted, patience).toMatch(/-queue 1\n/);
    await expect.poll(state, patience).toMatch(/^stopped=$/m);
  });
});
