import { describe, expect, it } from 'vitest';
import { ProfileError } from '../../src/errors.js';
import { parseProfile } from '../../src/sites/profile.js';

/** The mistakes as `line:column message`. */
function mistakes(text: string, options: { name?: string } = {}): string[] {
  try {
    parseProfile(text, 'x.yaml', options);
    return [];
  } catch (error) {
    if (!(error instanceof ProfileError)) throw error;
    return error.issues.map(i => `${i.line}:${i.column} ${i.message}`);
  }
}

const good = `name: x
title: X
login: {hosts: [x.org]}
scheduler: {type: slurm}
`;

describe('parseProfile', () => {
  it('fills in defaults and turns units into seconds and MiB', () => {
    const profile = parseProfile(`${good}queues: {short: {walltime: 1d12h, memory: 4G}}\n`, 'x.yaml');
    expect(profile.queues.short).toEqual({ walltime: 129600, memory: 4096 });
    expect(profile).toMatchObject({
      status: 'active',
      account: 'optional',
      launcher: 'none',
      stepLauncher: 'none',
      containers: [],
      notes: [],
    });
    expect(profile.scheduler).toEqual({ type: 'slurm', arrays: true, memory: true, gpus: true, directives: [] });
  });

  it('shows all mistakes of shape at once, each where it is', () => {
    const text = `name: Bad
titel: x
scheduler:
  type: slrum
  memory: 4
queues:
  short: {walltime: 30, memory: 4, default: true, cores: 1.5, nodes: 0}
  long: {default: true, wal: 3h, memory: "4 gigs"}
  "": {}
htcondor: {source: tarbal, from: x}
notes:
  - {text: x, source: y, date: 2021}
account:
login: [a]
headnode: "-oProxyCommand"
`;
    expect(mistakes(text)).toEqual([
      '1:1 the key "title" is missing',
      '1:7 name: must be lower-case letters, digits and hyphens, a letter first',
      '2:1 unknown key "titel"; did you mean title?',
      '4:9 scheduler.type: "slrum" is not one of slurm, torque, pbs, lsf, sge, htcondor, fork; did you mean slurm?',
      '5:11 scheduler.memory: must be true or false, not 4',
      '7:21 queues.short.walltime: a number needs a unit here: write 30h, not 30',
      '7:33 queues.short.memory: a number needs a unit here: write 4G, not 4',
      '7:58 queues.short.cores: must be a whole number, not 1.5',
      '7:70 queues.short.nodes: must be 1 or more, not 0',
      '8:19 only one queue can be the default, and short is it already',
      '8:25 unknown key "wal" in queues.long',
      '8:42 queues.long.memory: "4 gigs" is not an amount of memory; write 4G or 512M',
      '9:3 the name "" must not be empty',
      `10:20 htcondor.source: "tarbal" can't be used here (one of system, tarball, module)`,
      '12:32 notes[0].date: must be text, but 2021 alone is a number; put it in quotes',
      '13:9 account: has no value; give it one, or remove the line',
      '14:8 login: must be a group of "key: value" lines, not a list',
      '15:11 headnode must be local, login or [user@]host, not "-oProxyCommand"',
    ]);
  });

  it('shows what does not fit together', () => {
    const text = `name: site
title: Site
retired: 2021-12
scheduler:
  type: torque
  queueOption: qos
  directives:
    - -l gres=shifter16,walltime=1:00:00
    - -N name
    - -q fast
    - "#PBS -V"
    - -W x=1
node: {cores: 8}
queues:
  big: {shared: true, cores: 16, directives: [-A abc]}
headnode: login
`;
    expect(mistakes(text, { name: 'other' })).toEqual([
      "1:7 the file is named other, but the profile's name is site",
      '3:1 a date of retirement needs status: retired',
      '5:9 a site with the scheduler torque needs "login" with the hosts to log in to',
      '6:3 "queueOption" is only for the scheduler slurm; remove it',
      '8:7 the directive "-l gres=shifter16,walltime=1:00:00" sets the walltime; give it with --walltime, its limit under "queues"',
      '9:7 the directive "-N name" repeats what scailfin sets itself; remove it',
      '10:7 the directive "-q fast" chooses a queue; name it under "queues" and choose it with --queue',
      '11:7 the directive "#PBS -V" must be written without its leading #…: only the option itself',
      `15:30 a job that shares a node can't have 16 cores: node.cores says nodes have 8`,
      '15:47 the directive "-A abc" names an account; give it with --account or in config.yaml',
      '16:11 headnode is "login", but the profile has no login',
    ]);
  });

  it('shows mistakes of YAML itself, duplicate keys together with the others', () => {
    expect(mistakes(`name: x\ntitle: X\nscheduler:\n\ttype: fork\n`)).toEqual([
      '4:1 lines must be indented with spaces, not with a tab',
    ]);
    expect(mistakes(`${good}title: Y\nacount: none\n`)).toEqual([
      '5:1 the key "title" occurs here a second time',
      '6:1 unknown key "acount"; did you mean account?',
    ]);
    expect(mistakes(`${good}---\nname: y\n`)).toEqual([
      '5:1 the file must contain only one document; remove the line ---',
    ]);
    expect(mistakes(`${good}node: *gone\n`)).toEqual(['5:7 the alias *gone has no anchor before it']);
    expect(mistakes('')).toEqual(['1:1 the file is empty']);
    expect(mistakes('just words')).toEqual(['1:1 must be a group of "key: value" lines, not "just words"']);
    expect(mistakes(`${good}title2: !secret x\n`)).toContain('5:9 not valid YAML: Unresolved tag: !secret');
  });

  it.each([
    ['slurm', '--time=4:00:00'],
    ['slurm', '-t4:00:00'],
    ['slurm', '-C haswell --partition=regular'],
    ['slurm', '--array 1-4'],
    ['slurm', '-J name'],
    ['pbs', '-l select=2:ncpus=4'],
    ['sge', '-pe smp 24'],
    ['sge', '-l h_rt=1:00:00'],
    ['lsf', '-nnodes 2'],
    ['lsf', '-W 1:00'],
    ['htcondor', 'Request_CPUs = 4'],
    ['fork', '-x'],
    ['slurm', 'haswell'],
    ['slurm', '-C $(id)'],
  ])('refuses for %s the directive %s', (type, directive) => {
    const login = type === 'fork' ? '' : 'login: {hosts: [h]}\n';
    const text = `name: x\ntitle: X\n${login}scheduler:\n  type: ${type}\n  directives: [${JSON.stringify(directive)}]\n`;
    expect(mistakes(text)).toHaveLength(1);
  });

  it.each([
    ['slurm', '-C EGRESS'],
    ['slurm', '-L SCRATCH'],
    ['slurm', '--gpus=v100-32:8'],
    ['torque', '-l gres=shifter16'],
    ['sge', '-l gpu_card=1'],
    ['lsf', '-alloc_flags gpumps'],
    ['htcondor', '+Nonessential = True'],
  ])('lets for %s the directive %s pass', (type, directive) => {
    const text = `name: x\ntitle: X\nlogin: {hosts: [h]}\nscheduler:\n  type: ${type}\n  directives: [${JSON.stringify(directive)}]\n`;
    expect(mistakes(text)).toEqual([]);
  });
});
