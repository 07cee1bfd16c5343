import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listedFiles, ProjectCopy } from './copy.js';

const index = `import type { Framework } from '../framework.js';

export interface XyzSpec {
  readonly colour: string;
}

export interface XyzFacts {
  readonly port: number;
}

/** A framework that serves nothing but its colour. */
export const xyz: Framework<XyzSpec, XyzFacts> = {
  name: 'xyz',
  title: 'XYZ',
  about: 'xyz shows a colour',
  options: [{ name: 'xyz-colour', value: '<colour>', help: 'which colour; default: red', choices: ['red', 'green'] }],
  secrets: ['xyz.token'],
  facts: { port: 'number' },
  plan: ({ xyzColour }) => ({ colour: String(xyzColour ?? 'red') }),
  describe: ({ colour }) => \`in \${colour}\`,
  differences: ({ spec }, asked) => (spec.colour === asked.colour ? [] : [\`it is \${spec.colour}\`]),
  service: async () => (await import('./service.js')).xyzService,
};
`;

const service = `import { runScript } from '../../hosts/script.js';
import { render, templateText } from '../../templates.js';
import type { Service } from '../service.js';
import type { XyzFacts, XyzSpec } from './index.js';

export const xyzService: Service<XyzSpec, XyzFacts> = {
  components: [],
  ownScripts: /^xyz-/,

  async bringUp(at, { colour }) {
    at.announce(\`bring up XYZ on \${at.host.name}\`);
    await at.host.put([{ path: \`\${at.dir}/xyz.config\`, content: render('headnode/xyz.config', { colour }), mode: 0o600 }]);
    await runScript(at.host, templateText('headnode/xyz-start.sh'), [at.dir]);
    return { facts: { port: 31_000 }, said: \`in \${colour}\` };
  },

  status: async () => ({ state: 'alive' }),
  dial: (_facts, _here, dial) => dial,
  env: (_facts, _here, port) => [{ name: 'XYZ_PORT', value: String(port) }],
  next: (_facts, { cluster }) => [\`eval "$(scailfin env \${cluster})" && curl "localhost:$XYZ_PORT"\`],
  losses: async () => undefined,

  async render(_cluster, _dir, { colour }) {
    const content = render('headnode/xyz.config', { colour });
    return {
      configuration: [{ name: 'xyz.config', content, mode: 0o600, what: 'the colour' }],
      ...{ scripts: ['xyz-start'], more: [], folders: [], note: '' },
    };
  },
};
`;

const start = `# shellcheck shell=bash
# xyz-start DIR: starts XYZ. It is there to be read
cat "$1/xyz.config"
`;

/** The registry's last lines on frameworks, as a new one changes them. */
const edits: readonly (readonly [string, string])[] = [
  [
    "import { workqueue } from './workqueue/index.js';\n",
    "import { workqueue } from './workqueue/index.js';\nimport { xyz } from './xyz/index.js';\n",
  ],
  [
    'Framework[] = [htcondor, reana, workqueue, dask, spark, parsl, jupyter];',
    'Framework[] = [htcondor, reana, workqueue, dask, spark, parsl, jupyter, xyz];',
  ],
];

describe('a new framework', () => {
  let copy: ProjectCopy;
  beforeAll(() => {
    copy = new ProjectCopy();
    copy.write('src/frameworks/xyz/index.ts', index);
    copy.write('src/frameworks/xyz/service.ts', service);
    copy.write('templates/headnode/xyz-start.sh', start);
    copy.write('templates/headnode/xyz.config.ejs', 'COLOUR = <%= colour %>\n');
    for (const [old, text] of edits) copy.replace('src/frameworks/registry.ts', old, text);
    copy.build();
  });
  afterAll(() => copy?.remove());

  const up = (...more: string[]) => copy.scailfin('up', 'mine', '--site', 'local', '--dry-run', ...more);
  const dirIn = (text: string): string => /are in (\S+):/.exec(text)?.[1] ?? '';

  it('touches the files that CONTRIBUTING.md lists, and no other', () => {
    expect(copy.touched()).toEqual(listedFiles('A new framework', 'xyz'));
  });

  it('is offered, planned and rendered by `up --dry-run`', () => {
    const help = copy.scailfin('up', '--help').stdout.replaceAll(/\s+/g, ' ');
    expect(help).toContain(
      'jupyter (JupyterLab on a compute node); xyz shows a colour; several as in reana,dask; default: htcondor',
    );
    expect(help).toContain('--xyz-colour <colour> which colour; default: red (choices: "red", "green")');
    const said = up('--framework', 'xyz');
    expect(said).toMatchObject({ status: 0, stderr: '' });
    expect(said.stdout).toMatch(/^ {2}XYZ {8}in red$/m);
    const dir = dirIn(said.stdout);
    expect(readFileSync(join(dir, 'headnode/xyz.config'), 'utf8')).toBe('COLOUR = red\n');
    expect(readFileSync(join(dir, 'headnode/xyz-start.sh'), 'utf8')).toBe(start);
    expect(existsSync(join(dir, 'headnode/edge-start.sh'))).toBe(false);
    expect(readFileSync(join(dir, 'README'), 'utf8')).toMatch(/^ {2}xyz-start\.sh +starts XYZ$/m);
  });

  it('is asked for by its own options, also together with another', () => {
    const { plan } = JSON.parse(up('--xyz-colour', 'green', '--json').stdout);
    expect(plan.cluster.xyz).toEqual({ colour: 'green' });
    const both = up('--xyz-colour', 'green', '--reana', 'edge');
    expect(both).toMatchObject({ status: 0, stderr: '' });
    expect(both.stdout).toMatch(/^ {2}REANA {6}.*\n {2}XYZ {8}in green$/m);
    for (const file of ['xyz.config', 'edge.config'])
      expect(existsSync(join(dirIn(both.stdout), 'headnode', file))).toBe(true);
    const none = up('--xyz-colour', 'green', '--framework', 'htcondor');
    expect(none.stderr).toContain('--xyz-colour asks for XYZ, and --framework htcondor for none');
    expect(up('--xyz-colour', 'blue').stderr).toContain("argument 'blue' is invalid");
  });

  it('leaves the bare pool and REANA as they are', () => {
    for (const more of [[], ['--framework', 'reana']]) {
      const said = up(...more);
      expect(said).toMatchObject({ status: 0, stderr: '' });
      const dir = dirIn(said.stdout);
      expect(existsSync(join(dir, 'headnode/condor_config'))).toBe(true);
      expect(existsSync(join(dir, 'headnode/xyz-start.sh'))).toBe(false);
    }
  });

  it('has its words completed', () => {
    expect(copy.scailfin('completion', 'bash').stdout).toMatch(/ up\) words='[^']*--xyz-colour/);
  });
});
