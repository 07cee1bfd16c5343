import { afterAll, beforeAll, describe, expect } from 'vitest';
import { scailfin } from '../cluster/helpers/cluster.js';
import { Lab, labUnavailable } from '../lab/lab.js';
import { offerWheels } from '../reana/engines/wheels.js';
import { makeImage } from '../reana/helpers/image.js';
import { attack } from './attack.js';

const home = '/home/scail';
const pool = `${home}/.scailfin/lab-slurm/pool`;
const secret = 'a private key of the user';
const image = '/home/alice/image';

/** Directories of the account and of others on a node. */
const theirs = ['/home/alice', '/home/bob', '/root', '/srv', '/opt', '/scratch', '/data', '/home/alice/.scailfin'];

const wanted = [
  `${home}/.ssh/id_test`,
  `${pool}/keys/POOL`,
  `${pool}/tokens/owner`,
  `${pool}/edge/settings.json`,
  `${home}/.local/state/scailfin/clusters/lab-slurm/reana.token`,
];

/** What the author of a workflow has Python do where the workflow is read. */
const python = `
import glob, os, signal
loot = []
def take(path):
    try: loot.append("READ " + path + " " + open(path).read(200))
    except OSError as error: loot.append("no " + path + ": " + error.strerror)
for path in ${JSON.stringify(wanted)}: take(path)
for path in glob.glob("/proc/[0-9]*/root${wanted[0]}") + glob.glob("/proc/[0-9]*/cwd/.ssh/*"): take(path)
for kind in ("workspaces", "runs"):
    # one is its own
    if len(os.listdir("${pool}/edge/" + kind)) > 1: loot.append("SEES others' " + kind)
for pid in glob.glob("/proc/[0-9]*"):
    try: line = open(pid + "/cmdline").read().replace("\\0", " ")
    except OSError: continue
    if "condor" in line or "edge.mjs" in line: loot.append("PROCESS " + line)
for path in ("${home}/BY-WORKFLOW", "${home}/.ssh/authorized_keys", "${pool}/condor_config", "${pool}/edge/BY-WORKFLOW"):
    try: open(path, "a").write("planted"); loot.append("WROTE " + path)
    except OSError as error: loot.append("no " + path + ": " + error.strerror)
os.system("unshare --user --map-root-user --mount umount -l /proc /tmp 2>/dev/null; ls ${home}/.ssh >ls.txt 2>&1; cat ${wanted[0]} >>ls.txt 2>&1")
loot.append(open("ls.txt").read())
open("loot.txt", "w").write("\\n".join(loot))
`;

/** The same by JavaScript, which gets out of its sandbox by its own constructor. */
const javascript = `\${
  var loot = [];
  try { var process = this.constructor.constructor("return process")(); var fs = process.mainModule ? process.mainModule.require("fs") : process.getBuiltinModule("fs");
    ${JSON.stringify(wanted)}.forEach(function (path) {
      try { loot.push("READ " + path + " " + fs.readFileSync(path, "utf8")); } catch (e) { loot.push("no " + path + ": " + e.code); } });
    try { fs.writeFileSync("${home}/BY-WORKFLOW", "x"); loot.push("WROTE"); } catch (e) { loot.push("no write: " + e.code); }
  } catch (e) { loot.push("no way out: " + e); }
  return loot.join("|"); }`;

/** A step that looks for the way its wrapper has to the headnode. */
const looks = `
for f in $(find / -name .chirp.config -not -path '/proc/*' 2>/dev/null) /proc/[0-9]*/cwd/.chirp.config /proc/[0-9]*/root/.chirp.config; do
  [ ! -e "$f" ] || echo "FOUND $f"
done
echo looked`;

const reason = labUnavailable();
describe.skipIf(reason)(`the author of a workflow against the headnode${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  const here = async (script: string) =>
    (await lab.exec('headnode', ['bash', '-c', script], { timeoutMs: 400_000, check: false })).stdout.trim();
  const runs = async (name: string, specification: object, files: Readonly<Record<string, string>> = {}) => {
    await lab.write('headnode', `${name}/reana.yaml`, JSON.stringify(specification));
    for (const [path, text] of Object.entries(files)) await lab.write('headnode', `${name}/${path}`, text);
    return here(`cd ${name} && scailfin run 2>&1`);
  };
  const state = () =>
    here(
      `cd; cat .ssh/authorized_keys; stat -c '%n %a' .ssh/*; sha256sum ${pool}/condor_config; ls -A ${pool}/edge | grep -v venvs; ls -A | grep BY-`,
    );

  beforeAll(async () => {
    lab = await Lab.up();
    await here(`mkdir -m 700 -p ~/.ssh; echo '${secret}' >~/.ssh/id_test; echo 'mine alone' >~/.ssh/authorized_keys`);
    await makeImage(lab, 'c1', image);
    await lab.exec('c1', [
      'sh',
      '-c',
      'mkdir -p ~/given ~/.ssh; echo given >~/given/data; echo "$1" >~/.ssh/id_site',
      'sh',
      secret,
    ]);
    await scailfin(lab, 'headnode', [
      'up',
      '--site',
      'lab-slurm',
      '--nodes',
      '1',
      '--reana',
      'edge',
      '--bind',
      '$HOME/given:/given:ro',
    ]);
    for (const kind of ['snakemake', 'cwl'] as const) await offerWheels(lab, 'headnode', kind);
    // somebody else's run
    await runs('other', serial('echo private >private.txt'));
  }, 240_000);
  afterAll(() => lab?.down());

  attack(
    {
      by: 'a workflow',
      on: 'headnode',
      what: "Snakemake's rules are Python: files, processes, other runs, namespaces",
    },
    async count => {
      const before = await state();
      const rule = `rule all:\n    output: "done.txt"\n    container: "${image}"\n    shell: "echo done >{output}"\n`;
      const said = await runs(
        'snake',
        {
          inputs: { files: ['Snakefile'] },
          workflow: { type: 'snakemake', file: 'Snakefile' },
          outputs: { files: ['loot.txt'] },
        },
        { Snakefile: `${python}\n${rule}` },
      );
      const loot = await here('cat snake/loot.txt');
      expect(loot, said).toContain(`no ${wanted[0]}`);
      expect(loot).not.toMatch(/^(READ|WROTE|PROCESS|SEES)/m);
      expect(loot).not.toContain(secret);
      expect(await state()).toBe(before);
      count(loot.split('\n').length);
    },
    400_000,
  );

  attack(
    { by: 'a workflow', on: 'headnode', what: "CWL's JavaScript gets out of its sandbox" },
    async count => {
      const before = await state();
      const tool = {
        ...{ cwlVersion: 'v1.0', class: 'CommandLineTool', baseCommand: 'echo', inputs: {} },
        requirements: [{ class: 'InlineJavascriptRequirement' }],
        hints: [{ class: 'DockerRequirement', dockerPull: image }],
        arguments: [javascript],
        ...{ stdout: 'loot.txt', outputs: { loot: { type: 'stdout' } } },
      };
      const workflow = { type: 'cwl', specification: tool };
      const said = await runs('cwl', {
        inputs: { parameters: {} },
        workflow,
        outputs: { files: ['outputs/loot.txt'] },
      });
      const loot = await here('cat cwl/outputs/loot.txt cwl/loot.txt 2>/dev/null');
      expect(loot, said).toContain('no ');
      expect(loot).not.toMatch(/READ|WROTE/);
      expect(`${loot}${said}`).not.toContain(secret);
      expect(await state()).toBe(before);
      count(loot.split('|').length);
    },
    400_000,
  );

  for (const [where, environment] of [
    ['without a container', ''],
    ['in a container', image],
  ] as const)
    attack(
      { by: 'a step', on: 'headnode', what: `looks for the way of its wrapper to the headnode, ${where}` },
      async () => {
        const name = environment ? 'inside' : 'outside';
        const all = { ...serial(`{ ${looks}; } >loot.txt`, environment), outputs: { files: ['loot.txt'] } };
        const said = await runs(name, all);
        const loot = await here(`cat ${name}/loot.txt`);
        expect(loot, said).toContain('looked');
        expect(loot).not.toContain('FOUND');
      },
      100_000,
    );

  attack(
    { by: 'a step', on: 'compute node', what: "reads and writes the site's files from its container" },
    async count => {
      const looks = `for p in ${theirs.join(' ')}; do cat $p/* $p/.ssh/* 2>/dev/null; ls -d $p/[a-z]* $p/.[a-z]* 2>/dev/null; done
        echo x >/given/new; cat /given/data; ls /cvmfs; :`;
      const step = serial(`{ ${looks}; } >loot.txt 2>&1`, image);
      const workflow = { ...step.workflow, resources: { cvmfs: [] } };
      const said = await runs('site', { ...step, workflow, outputs: { files: ['loot.txt'] } });
      const loot = await here('cat site/loot.txt');
      expect(loot, said).toMatch(/^.*new: Read-only file system\ngiven\n.*cvmfs.*$/);
      const paths = ['../etc', '/etc', 'a.b/../../etc'];
      for (const path of paths) {
        const wanted = { ...step, workflow: { ...step.workflow, resources: { cvmfs: [path] } } };
        expect(await runs('cvmfs', wanted)).toContain('is not a repository of CVMFS');
      }
      count(theirs.length + paths.length);
    },
    100_000,
  );

  attack(
    { by: 'a step', on: 'headnode', what: 'leaves a link where its log and its report belong' },
    async () => {
      // its own directory, by the wrapper's
      const command = `rm -f "$OLDPWD"/report; for d in /tmp/scailfin-*/execute/dir_*; do ln -sfn ${wanted[0]} $d/report; ln -sfn ${wanted[0]} $d/link; done; ln -s ${wanted[0]} stolen; echo tried`;
      const said = await runs('links', { ...serial(command), outputs: { files: ['stolen'] } });
      expect(said).not.toContain(secret);
      expect(await here('cat links/stolen')).not.toContain(secret);
    },
    100_000,
  );
});

function serial(command: string, environment = '') {
  return {
    inputs: {},
    workflow: {
      type: 'serial',
      specification: { steps: [{ name: 'one', environment, commands: [command.replaceAll('$', '$$$$')] }] },
    },
    outputs: {},
  };
}
