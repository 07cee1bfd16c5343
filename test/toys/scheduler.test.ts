import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listedFiles, ProjectCopy } from './copy.js';

/** A batch system whose job ids are bare numbers, and which lists `ID STATE` for each job of a name. */
const ADAPTER = `import { SchedulerError } from '../../errors.js';
import { render } from '../../templates.js';
import { directiveLine, directiveValue } from '../directives.js';
import type { Output } from '../job.js';
import { optionProblem, own } from '../ownoptions.js';
import type { Scheduler } from '../scheduler.js';

/** A toy. */
export const xyz: Scheduler = {
  name: 'xyz',

  submit(job) {
    const script = render('batch/xyz', { job, directiveValue, directiveLine });
    return { argv: ['xsub'], stdin: script, script };
  },

  parseSubmit(out) {
    const id = /^\\d+$/m.exec(out.stdout)?.[0];
    if (out.exitCode === 0 && id) return id;
    throw refusal('xsub', out);
  },

  list: ({ tag, user }) => [{ argv: ['xstat', '-u', user, '-n', tag] }],

  parseList([out]) {
    if (out?.exitCode !== 0) throw refusal('xstat', out);
    return [...out.stdout.matchAll(/^(\\d+) (\\w+)$/gm)].map(([, id = '', word = '']) => ({
      ...{ id, jobId: id, word },
      state: word === 'RUN' ? 'running' : word === 'DONE' ? 'finished' : 'queued',
    }));
  },

  absence: { seconds: 60, source: 'xyz.conf(5) cache: 60 s' },

  cancel: ids => ({ argv: ['xdel', ...ids] }),
  parseCancel(out) {
    if (out.exitCode !== 0) throw refusal('xdel', out);
  },

  survey: {
    title: 'XYZ',
    programs: ['xsub', 'xstat', 'xdel'],
    version: { command: { argv: ['xsub', '-V'] }, parse: out => /^XYZ (\\S+)/.exec(out.stdout)?.[1] },
  },

  directiveProblem: optionProblem({ '-q': own.queue }),
};

const refusal = (program: string, out: Output | undefined): SchedulerError =>
  new SchedulerError(\`XYZ's \${program} refused: \${out?.stderr.trim() || 'it answered nothing'}\`);
`;

const TEMPLATE = `#!/bin/bash
#XYZ -N <%- directiveValue('the job name', job.tag) %>
#XYZ -a 1-<%- job.count %>
<% if (job.queue !== undefined) { -%>
#XYZ -q <%- directiveValue('the queue', job.queue) %>
<% } -%>
<% for (const directive of job.directives) { -%>
#XYZ <%- directiveLine(directive) %>
<% } -%>
export SCAILFIN_JOB="$XYZ_JOB"
exec<% for (const word of job.command) { %> <%= word %><% } %>
`;

const SITE = `name: acme
title: A site of a test
login: { hosts: [login.acme.test] }
scheduler: { type: xyz, directives: ['-G tesla'] }
queues:
  short: { walltime: 1h, default: true }
`;

/** Adds the toy as CONTRIBUTING.md says. */
function add(copy: ProjectCopy): void {
  copy.write('src/schedulers/xyz/index.ts', ADAPTER);
  copy.write('templates/batch/xyz.ejs', TEMPLATE);
  const registry = 'src/schedulers/registry.ts';
  copy.replace(registry, 'import type { Reader }', "import { xyz } from './xyz/index.js';\nimport type { Reader }");
  copy.replace(registry, ', fork };', ', fork, xyz };');
}

describe('a new scheduler', () => {
  let copy: ProjectCopy;
  let site = '';
  beforeAll(() => {
    copy = new ProjectCopy();
    add(copy);
    copy.build();
    site = join(copy.home, 'acme.yaml');
    writeFileSync(site, SITE);
  });
  afterAll(() => copy?.remove());

  it('touches the files that CONTRIBUTING.md lists, and no other', () => {
    expect(copy.touched()).toEqual(listedFiles('A new scheduler', 'xyz'));
  });

  it('is known to the profiles of sites', () => {
    expect(copy.scailfin('sites', 'validate', site)).toMatchObject({ status: 0, stderr: '' });
    writeFileSync(join(copy.home, 'typo.yaml'), SITE.replace('type: xyz', 'type: xyx').replace('-G tesla', '-q long'));
    expect(copy.scailfin('sites', 'validate', join(copy.home, 'typo.yaml')).stderr).toMatch(/did you mean xyz\?/);
    writeFileSync(join(copy.home, 'own.yaml'), SITE.replace('-G tesla', '-q long'));
    expect(copy.scailfin('sites', 'validate', join(copy.home, 'own.yaml')).stderr).toMatch(/"-q long" chooses a queue/);
  });

  it('has its jobs planned and written by up --dry-run', () => {
    const run = copy.scailfin('up', 'toy', '--site', site, '--nodes', '3', '--dry-run', '--json');
    expect(run).toMatchObject({ status: 0, stderr: '' });
    const { dir, files, plan } = JSON.parse(run.stdout) as { dir: string; files: string[]; plan: object };
    expect(plan).toMatchObject({ site: { nodes: 3, queue: 'short', profile: { scheduler: { type: 'xyz' } } } });
    expect(files).toContain('site/job.xyz');
    const lines = readFileSync(join(dir, 'site/job.xyz'), 'utf8').split('\n');
    expect(lines).toEqual(expect.arrayContaining(['#XYZ -N sf-toy', '#XYZ -a 1-3', '#XYZ -q short', '#XYZ -G tesla']));
    expect(readFileSync(join(dir, 'README'), 'utf8')).toMatch(/job\.xyz.*submitted once by: xsub$/m);
  });

  it('is submitted to directly, as BOSCO does not know it', () => {
    const run = copy.scailfin('up', 'toy', '--site', site, '--submit', 'bosco', '--dry-run');
    expect([run.status, run.stderr]).toEqual([2, expect.stringContaining('BOSCO does not submit to xyz')]);
  });
});
