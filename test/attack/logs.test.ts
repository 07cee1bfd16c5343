import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { templateText } from '../../src/templates.js';
import { attack } from './attack.js';

describe('logs of glide-ins in the home that a site shares', () => {
  attack(
    { by: 'a batch system', on: 'login', what: 'fills the home by logs of glide-ins without end' },
    count => {
      const dir = mkdtempSync(join(tmpdir(), 'scailfin-attack-'));
      try {
        mkdirSync(join(dir, 'logs'));
        mkdirSync(join(dir, 'elsewhere'));
        writeFileSync(join(dir, 'elsewhere/kept'), '');
        const days = (n: number): Date => new Date(Date.now() - n * 86_400_000);
        for (let n = 0; n < 3000; n++) {
          count();
          const made = join(dir, 'logs', `old $(touch owned) ${n}`);
          if (n % 3 === 0) symlinkSync('../elsewhere', made);
          else mkdirSync(made);
          if (n % 3 !== 0) utimesSync(made, days(10 + n / 3000), days(10 + n / 3000));
        }
        mkdirSync(join(dir, 'logs/young'));
        writeFileSync(join(dir, 'settings'), 'cluster=x\nsite=x\nidle=60\npayload_arch=none\n');
        for (const name of ['glidein.sh', 'check.sh', 'leave.sh'])
          writeFileSync(join(dir, name), templateText(`glidein/${name}`));
        const env = { ...process.env, SCAILFIN_JOB: '17_1' };
        const ran = spawnSync('bash', [join(dir, 'glidein.sh'), dir], { env, cwd: dir, encoding: 'utf8' });
        expect(ran.status, ran.stderr).toBe(12);
        const left = readdirSync(join(dir, 'logs'));
        // a thousand old ones, this one and the young one; links are as young as this test
        expect(left.filter(name => name.startsWith('old')).length).toBe(1000 + 999);
        expect(left).toContain('old $(touch owned) 1');
        expect(left).not.toContain('old $(touch owned) 2999');
        expect(left).toEqual(expect.arrayContaining(['17_1', 'young']));
        expect(existsSync(join(dir, 'elsewhere/kept'))).toBe(true);
        expect(existsSync(join(dir, 'owned'))).toBe(false);
      } finally {
        rmSync(dir, { recursive: true });
      }
    },
    60_000,
  );
});
