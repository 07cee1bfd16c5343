import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { settingsFile } from '../../src/headnode/bosco/files.js';
import { templateText } from '../../src/templates.js';

/** Stands in for HTCondor's commands: an empty pool with one idle job of one core, whose submissions are written down. */
const doubles: Readonly<Record<string, string>> = {
  condor_status: '',
  condor_q: `case "$*" in *ScailfinBosco*) ;; *) printf '1\\t100\\t1.0\\t60\\tundefined\\ttrue\\n' ;; esac`,
  condor_submit: 'echo "$*" >>"$CONDOR_CONFIG.submitted"',
  condor_token_create: 'echo "$*"',
  condor_rm: 'echo "rm $*" >>"$CONDOR_CONFIG.submitted"',
};

describe('a pool that grows by itself', () => {
  let dir: string;
  let growth: ChildProcess;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'scailfin-grow-'));
    mkdirSync(join(dir, 'bin'));
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
    writeFileSync(join(path, '../gahp'), '#!/bin/sh\ncat >>"$CONDOR_CONFIG.carried"\n', { mode: 0o700 });
    writeFileSync(join(dir, 'bosco/token-make.sh'), templateText('headnode/token-make.sh'));
    writeFileSync(join(dir, 'bosco/weigh.awk'), templateText('bosco/weigh.awk'));
    writeFileSync(join(dir, 'bosco/grow.sh'), templateText('bosco/grow.sh'));
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
    await expect.poll(submitted, patience).toMatch(/^\S+glidein\.sub -queue 1\n/);
  });
});
