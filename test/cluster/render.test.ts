import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const bin = fileURLToPath(new URL('../../bin/scailfin.js', import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'scailfin-render-'));
const env = { ...process.env, HOME: dir, XDG_CONFIG_HOME: '', XDG_STATE_HOME: '', XDG_CACHE_HOME: '', NO_COLOR: '1' };

function scailfin(...args: string[]): { stdout: string; stderr: string; status: number | null } {
  return spawnSync(process.execPath, [bin, ...args], { env, encoding: 'utf8', timeout: 30_000 });
}

function rendered(site: string, ...more: string[]): (name: string) => string {
  const out = join(dir, `${site}-${more.length}`);
  const run = scailfin('render', '--site', site, '--out', out, ...more);
  expect(run.stderr).toBe('');
  expect(run.status).toBe(0);
  return name => readFileSync(join(out, name), 'utf8');
}

const directives = (script: string): string[] => script.split('\n').filter(line => line.startsWith('#SBATCH'));

afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('scailfin render', () => {
  it('writes a complete Slurm job for Bridges-2', () => {
    const file = rendered('bridges', '--account', 'abc123', '--nodes', '3', '--walltime', '2h', '--user', 'jdoe');
    const script = file('site/job.slurm');
    expect(directives(script)).toEqual([
      '#SBATCH --job-name=sf-bridges',
      '#SBATCH --array=1-3',
      expect.stringMatching(/^#SBATCH --output=\/@\w+@\/\S*\.scailfin\/bridges\/site\/logs\/%A_%a\.out$/),
      '#SBATCH --open-mode=append',
      '#SBATCH --nodes=1',
      '#SBATCH --ntasks=1',
      '#SBATCH --cpus-per-task=128',
      '#SBATCH --time=02:00:00',
      '#SBATCH --partition=RM',
      '#SBATCH --account=abc123',
      '#SBATCH --no-requeue',
      '#SBATCH --mail-type=NONE',
    ]);
    expect(script).toMatch(/exec \\\n {2}bash \\\n.*glidein\.sh/);
    expect(file('site/settings')).toContain('walltime=7200');
  });

  it('writes what a framework needs, and no secret', () => {
    const site = ['--account', 'abc', '--walltime', '1h'];
    const file = rendered('stampede', ...site, '--framework', 'reana');
    expect(JSON.parse(file('headnode/edge/settings.json'))).toMatchObject({ cluster: 'stampede', token: '@TOKEN@' });
    expect(file('README')).toContain('step.sh');
    expect(rendered('stampede', ...site)('README')).not.toContain('step.sh');
    const names = readdirSync(join(dir, 'stampede-6'), { recursive: true }) as string[];
    expect(names.filter(name => /token|key/i.test(name) && !name.endsWith('.sh'))).toEqual([]);
  });

  it('checks the limits first', () => {
    const run = scailfin(
      'render',
      '--site',
      'nersc',
      '--account',
      'm1',
      '--queue',
      'debug',
      '--walltime',
      '2h',
      '--out',
      join(dir, 'no'),
    );
    expect(run.status).toBe(2);
    expect(run.stderr).toMatch(/debug.*30m[\s\S]*--walltime/);
  });
});

describe('scailfin up --dry-run', () => {
  it.skipIf(process.getuid?.() !== 0)('needs no network at all (as root: in a network namespace without one)', () => {
    const run = spawnSync('unshare', ['-n', process.execPath, bin, 'up', '--site', 'local', '--dry-run'], {
      env: { ...env, TMPDIR: dir },
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect(run.stderr).toBe('');
    expect(run.status).toBe(0);
    expect(run.stdout).toContain('Nothing was done.');
    expect(run.stdout).toContain('site/job.fork');
  });

  it('prints the plan as JSON', () => {
    const run = scailfin(
      'up',
      'mine',
      '--site',
      'bridges',
      '--account',
      'abc',
      '--nodes',
      '4',
      '--walltime',
      '90m',
      '--dry-run',
      '--json',
    );
    expect(JSON.parse(run.stdout)).toMatchObject({
      name: 'mine',
      nodeHours: 6,
      plan: { site: { queue: 'RM', account: 'abc' } },
    });
    rmSync(JSON.parse(run.stdout).dir, { recursive: true });
  });
});

describe('the package', () => {
  const prefix = join(dir, 'prefix');
  let packed: string;
  beforeAll(() => {
    const top = fileURLToPath(new URL('../..', import.meta.url));
    // dist is built before the tests; building it again would pull it away under other tests
    const out = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', dir], {
      cwd: top,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    packed = join(dir, JSON.parse(out)[0].filename);
    execFileSync('npm', ['install', '-g', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', prefix, packed], {
      stdio: 'ignore',
      timeout: 100_000,
    });
  });

  it('works when installed into an empty prefix: version, sites, help, templates', () => {
    const run = (...args: string[]) =>
      spawnSync(join(prefix, 'bin', 'scailfin'), args, { env, encoding: 'utf8', timeout: 30_000 });
    expect(run('--version').stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(run('sites', 'list').stdout).toContain('Bridges-2');
    expect(run('help', 'bosco').stdout).toContain('scailfin scale bridges --min 1 --max 4');
    const out = join(dir, 'installed');
    expect(run('render', '--site', 'bridges', '--account', 'a', '--out', out).status).toBe(0);
    expect(readFileSync(join(out, 'site/job.slurm'), 'utf8')).toContain('#SBATCH --job-name=sf-bridges');
  });

  it('holds no source, test or tooling', () => {
    const names = execFileSync('tar', ['-tzf', packed], { encoding: 'utf8' }).split('\n').filter(Boolean);
    const tops = new Set(names.map(name => name.split('/')[1]));
    const texts = ['CHANGELOG.md', 'LICENSE', 'README.md'];
    expect([...tops].sort()).toEqual([
      ...texts,
      'bin',
      'dist',
      'docs',
      'examples',
      'package.json',
      'sites',
      'templates',
    ]);
  });
});
