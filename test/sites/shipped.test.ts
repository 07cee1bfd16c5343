import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/paths.js';
import { describeSite } from '../../src/sites/describe.js';
import { defaultQueue } from '../../src/sites/limits.js';
import { parseProfile } from '../../src/sites/profile.js';
import { recorded, recordings } from '../recordings/recordings.js';
import { builtIn } from './builtin.js';
import { queueJobs } from './jobs.js';

const folder = join(packageRoot, 'sites');
const files = readdirSync(folder)
  .filter(name => name !== 'README.md')
  .map(name => join(folder, name));
const read = (name: string) => parseProfile(readFileSync(join(folder, `${name}.yaml`), 'utf8'), name, { name });

describe('the sites that come with the package', () => {
  it('are these', () => {
    const names = files.map(f => basename(f, '.yaml'));
    expect(names).toEqual(builtIn);
  });

  it.each(files)('%s parses, has sources and a default queue', file => {
    const profile = parseProfile(readFileSync(file, 'utf8'), file, { name: basename(file, '.yaml') });
    expect(profile.notes.length).toBeGreaterThan(0);
    for (const note of profile.notes) expect(note.source).toMatch(/^https:\/\//);
    if (Object.keys(profile.queues).length > 0) expect(defaultQueue(profile)).toBeDefined();
    const text = describeSite({ profile, file });
    for (const queue of Object.keys(profile.queues)) expect(text).toContain(queue);
  });

  it('carry what each machine is known for', () => {
    const bluewaters = read('bluewaters');
    expect(bluewaters.status).toBe('retired');
    expect(bluewaters.retired).toBe('2021-12-31');
    expect(bluewaters.scheduler).toMatchObject({ type: 'torque', directives: ['-l gres=shifter16'] });
    expect(bluewaters.launcher).toBe('aprun');
    expect(read('nersc').scheduler).toMatchObject({ type: 'slurm', queueOption: 'qos', directives: [] });
    expect(read('nersc').queues.regular).toMatchObject({ directives: ['-C cpu'] });
    expect(read('nersc').queues['regular-gpu']).toMatchObject({ name: 'regular', gpus: 4 });
    expect(read('nersc').login?.certificates).toEqual({ sshproxy: 'https://sshproxy.nersc.gov', key: '~/.ssh/nersc' });
    expect(read('nersc').node).toMatchObject({ cores: 128, memory: 512 * 1024 });
    expect(read('bridges').queues.EM).toMatchObject({ walltime: 5 * 86400, shared: true });
    expect(read('notredame').scheduler).toMatchObject({ type: 'sge', parallelEnvironment: 'smp' });
    expect(read('stampede').scheduler).toMatchObject({ type: 'slurm', memory: false });
    expect(read('stampede').containers).toEqual([{ runtime: 'apptainer', module: 'tacc-apptainer' }]);
    expect(read('local')).toMatchObject({ scheduler: { type: 'fork' }, account: 'none', headnode: 'local' });
    expect(read('local').login).toBeUndefined();
    expect(read('frontera').scheduler).toMatchObject({ type: 'slurm', arrays: false, memory: false });
    expect(read('polaris').scheduler).toMatchObject({ type: 'pbs', directives: ['-l filesystems=home:eagle'] });
    expect(read('cern').queues.longlunch).toMatchObject({ walltime: 7200, directives: ['+JobFlavour = "longlunch"'] });
    expect(read('frontier').login).toMatchObject({ mfa: true, auth: ['keyboard-interactive'] });
  });
});

describe('the jobs for queues that are two names for one', () => {
  it.each([
    ['nersc', 'regular', /^#SBATCH --qos=regular$/m, /^#SBATCH -C cpu$/m],
    ['nersc', 'regular-gpu', /^#SBATCH --qos=regular$/m, /^#SBATCH -C gpu$/m],
    ['frontier', 'debug', /^#SBATCH --partition=batch$/m, /^#SBATCH -q debug$/m],
  ])('at %s in %s name the queue as the site does', (site, queue, name, directive) => {
    const script = queueJobs(read(site)).find(job => job.queue === queue)?.script;
    expect(script).toMatch(name);
    expect(script).toMatch(directive);
  });
});

describe('the jobs of ALCF', () => {
  // qsub of PBS as recorded; file systems are a resource that the site has defined
  const taken = [
    ...[/^-N \S+$/, /^-r n$/, /^-J 1-\d+$/, /^-S \/bin\/bash$/, /^-o \/\S+\/$/, /^-j oe$/, /^-m n$/],
    ...[
      /^-l select=(1:ncpus=\d+|\d{2,}:ncpus=\d+:mpiprocs=1)$/,
      /^-l walltime=\d+:\d\d:\d\d$/,
      /^-q \w[\w-]*$/,
      /^-A \w+$/,
    ],
    ...[/^-l filesystems=home:\w+$/, /^-l place=scatter$/],
  ];
  const jobs = ['polaris', 'aurora'].flatMap(site => queueJobs(read(site)).map(job => [site, job.queue, job] as const));
  it.each(jobs)('at %s in queue %s have whole nodes, and name their file systems', (_, __, { script }) => {
    const lines = script.split('\n').flatMap(line => (line.startsWith('#PBS ') ? [line.slice(5)] : []));
    expect(lines.filter(line => line.startsWith('-l filesystems='))).toHaveLength(1);
    for (const line of lines) expect([line, taken.filter(t => t.test(line)).length]).toEqual([line, 1]);
  });
});

describe('the jobs of Blue Waters', () => {
  // no Torque server runs here: qsub(1B), and what a recorded Torque made of each option
  const torque = recordings('torque');
  const grammar: readonly { readonly option: RegExp; readonly taken?: readonly [string, RegExp] }[] = [
    { option: /^-N [A-Za-z][\w.-]{0,14}$/, taken: ['submit.running', / -N run1 /] },
    { option: /^-r n$/, taken: ['status.running.qstat-x', /<Rerunable>False</] },
    { option: /^-S \/bin\/bash$/, taken: ['status.running.qstat-x', /<Shell_Path_List>\/bin\/bash</] },
    { option: /^-o \/\S+\/$/, taken: ['submit.cmdline', / -o \//] },
    { option: /^-j oe$/, taken: ['submit.cmdline', / -j oe /] },
    { option: /^-m n$/, taken: ['status.running.qstat-x', /<Mail_Points>n</] },
    { option: /^-l nodes=1:ppn=\d+$/, taken: ['submit.cmdline', / -l nodes=1:ppn=2 /] },
    { option: /^-l walltime=\d+:\d\d:\d\d$/, taken: ['submit.running', / -l walltime=00:10:00 /] },
    { option: /^-q \w+$/, taken: ['submit.cmdline', / -q batch /] },
    { option: /^-A \w+$/, taken: ['submit.cmdline', / -A acct1 /] },
    // a resource in Torque's own table (resc_def_all.c), for Moab; no recorded server had one to give
    { option: /^-l gres=\w+$/ },
  ];

  const rendered = readFileSync(new URL('../render/expected/bluewaters/site/job.torque', import.meta.url), 'utf8');
  const jobs = [...queueJobs(read('bluewaters')), { queue: 'normal, as rendered', script: rendered }];
  it.each(jobs.map(job => [job.queue, job] as const))(
    'have in queue %s only directives that recorded Torque servers took, and gres, which is documented',
    (_, { script }) => {
      const lines = script.split('\n').flatMap(line => (line.startsWith('#PBS ') ? [line.slice(5)] : []));
      expect(lines).toContain('-l gres=shifter16');
      for (const line of lines) expect([line, grammar.filter(g => g.option.test(line)).length]).toEqual([line, 1]);
    },
  );

  it.each(grammar.flatMap(g => (g.taken ? [[String(g.option), ...g.taken] as const] : [])))(
    '%s was taken in %s',
    (_, name, pattern) => {
      const { cmd, stdout, exit } = recorded(torque, name);
      expect(exit).toBe(0);
      expect(`${cmd}\n${stdout}`).toMatch(pattern);
    },
  );
});
