import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Lab, labUnavailable } from '../lab/lab.js';
import { makeImage } from './helpers/image.js';
import { Workspace } from './helpers/wrapped.js';

const reason = labUnavailable();
const image = '/home/alice/image';
const chirp = '/opt/chirp';
/** As condor_chirp is called; it takes files from a directory in the place of the headnode's, and counts. */
const standIn = `#!/bin/sh
[ "$1" = fetch ] && [ $# = 3 ] || exit 64
echo "$2" >>/tmp/fetched
sleep 0.3
cat "/srv/headnode$2" >"$3"
`;

describe.skipIf(reason !== undefined)(
  `what a step finds, with a condor_chirp that is a stand-in${reason ? ` (skipped: ${reason})` : ''}`,
  () => {
    let lab: Lab;
    let workspace: Workspace;
    beforeAll(async () => {
      lab = await Lab.up({});
      await makeImage(lab, 'c1', image);
      await lab.write('c1', chirp, standIn, { user: 'root', mode: 0o755 });
    }, 300_000);
    afterAll(async () => {
      await lab?.down();
    });
    beforeEach(async () => {
      workspace = await Workspace.make(lab);
    });
    afterEach(async () => {
      await workspace?.remove();
      await onNode('chmod -R u+rwX /tmp/cache /srv/headnode; rm -rf /tmp/cache /tmp/fetched /srv/headnode');
    });
    const onNode = async (script: string) =>
      (await lab.exec('c1', ['sh', '-c', script], { user: 'root', timeoutMs: 60_000 })).stdout.trim();
    const site = { SCAILFIN_CHIRP: chirp };
    /** Makes a file in the workspace, which the node's stand-in finds, too. */
    const large = async (name: string, script: string) => {
      const make = 'mkdir -p "$(dirname "$1")"; cd "$(dirname "$1")"; name=$(basename "$1"); ';
      await workspace.sh(`set -- "$PWD/${name}"; ${make}${script} >"$name"`);
      await lab.exec(
        'c1',
        [
          'sh',
          '-ec',
          `${make}${script} >"$name"; chmod -R a+rX /srv/headnode`,
          'sh',
          `/srv/headnode${workspace.dir}/${name}`,
        ],
        { user: 'root', timeoutMs: 60_000 },
      );
    };
    const fetched = async () => (await onNode('cat /tmp/fetched 2>/dev/null || :')).split('\n').filter(Boolean);

    it('is fetched once for all steps of a node, and no step changes what others get', async () => {
      await large('big file', 'seq 200000');
      await large('-other', 'seq 100000');
      const command = 'wc -c <"big file"; stat -c %a "big file"; b2sum <./-other; echo more >>"big file"';
      const steps: string[] = [];
      for (let n = 0; n < 6; n++) steps.push(await workspace.send({ command, image }));
      const env = workspace.environment('', { site });
      const script =
        'for dir; do (cd "$dir" && _CONDOR_SCRATCH_DIR=$dir ./step.sh >out 2>err; echo $? >status) & done; wait';
      await lab.exec('c1', ['sh', '-c', script, 'sh', ...steps], { env, timeoutMs: 120_000 });
      const all = [];
      for (const dir of steps) {
        const said = await onNode(`cd ${dir}; cat status err out`);
        all.push({ said, ...(await workspace.collect('c1', dir)) });
      }
      for (const step of all) {
        expect(step.said).toBe(all[0]?.said);
        expect(step.said).toMatch(/^0\n1288895\n644\n/);
        expect(step.changed.map(item => item.path)).toEqual(['big file']);
      }
      expect(await fetched()).toHaveLength(2);
      const bytes = all.map(step => Number(step.report.values.get('bytes_fetched')));
      expect(bytes.reduce((sum, n) => sum + n)).toBe(1877790);
      expect(all[0]?.report.values.get('bytes_in')).toBe('1877790');
    });

    it('is a file of 1 GiB, for two steps fetched once', async () => {
      await large('huge', ':');
      await workspace.sh('truncate -s 1G huge');
      await onNode(`truncate -s 1G /srv/headnode${workspace.dir}/huge`);
      const command = 'stat -c %s huge; head -c 1048576 /dev/zero | tr "\\0" x >new';
      const one = await workspace.step({ command, image, site });
      const two = await workspace.step({ command, image, site });
      expect([one.stdout, two.stdout, one.stderr]).toEqual(['1073741824\n', '1073741824\n', '']);
      const told = [one, two].map(({ report: { values } }) => [values.get('bytes_fetched'), values.get('bytes_out')]);
      expect(told).toEqual([
        ['1073741824', '1048576'],
        ['0', '1048576'],
      ]);
      expect((await fetched()).length).toBe(1);
    });

    it('must be as it was when the step was submitted', async () => {
      await large('big', 'seq 100000');
      await onNode(`echo >>/srv/headnode${workspace.dir}/big`);
      const changed = await workspace.step({ command: 'true', image, site });
      expect(changed.status).toBe(162);
      expect(changed.report.exit).toBeUndefined();
      expect(changed.report.values.get('message')).toBe('big changed since the step was submitted');
      await onNode(`rm /srv/headnode${workspace.dir}/big`);
      const gone = await workspace.step({ command: 'true', image, site });
      expect(gone.status).toBe(162);
      expect(gone.report.values.get('message')).toMatch(/^big could not be fetched from the headnode: .*No such file/);
      expect(await onNode('ls -A /tmp/cache/objects /tmp/cache/tmp')).toBe('/tmp/cache/objects:\n\n/tmp/cache/tmp:');
    });

    it('makes room for what comes next: what was used last stays longest', async () => {
      for (const name of ['a', 'b', 'c']) await large(name, `head -c 1500000 /dev/zero | tr '\\0' ${name}`);
      const hash = async (name: string) => (await workspace.sh(`sha256sum <${name}`)).slice(0, 64);
      const hashes = [await hash('a'), await hash('b'), await hash('c')];
      const bounded = { ...site, SCAILFIN_CACHE_MAX: '4' };
      for (const gone of ['b c', 'a c']) {
        await workspace.sh(`mkdir -p ../away; mv ${gone} ../away`);
        await workspace.step({ command: 'true', image, site: bounded });
        await workspace.sh('mv ../away/* .');
      }
      await workspace.sh('mv b ../away');
      expect((await workspace.step({ command: 'cat a c | wc -c', image, site: bounded })).stdout).toBe('3000000\n');
      const left = (await onNode('ls /tmp/cache/objects')).split('\n').sort();
      expect(left).toEqual([hashes[0], hashes[2]].sort());
    });

    it('fills the disk: that is told apart from what the step itself says', async () => {
      await onNode(
        'mkdir -p /mnt/small; mountpoint -q /mnt/small || mount -t tmpfs -o size=12m tmpfs /mnt/small; chmod 1777 /mnt/small',
      );
      const full = { image, under: '/mnt/small', site: { ...site, SCAILFIN_CACHE: '/mnt/small/cache' } };
      const step = await workspace.step({ ...full, command: 'head -c 50000000 /dev/zero >out' });
      expect(step.status).toBe(165);
      expect(step.report.values.get('message')).toMatch(/^the disk of this node is full/);
      // room for the result, none for the archive of it
      const packed = await workspace.step({ ...full, command: 'head -c 9000000 /dev/urandom >out' });
      expect(packed.status).toBe(165);
      expect(packed.report.exit).toBe(0);
      expect(packed.changed).toEqual([]);
      await large('big', 'head -c 20000000 /dev/zero');
      const inputs = await workspace.step({ ...full, command: 'true' });
      expect(inputs.status).toBe(165);
      expect(inputs.report.exit).toBeUndefined();
      expect(await onNode('ls -A /mnt/small/cache/tmp; ls -A /mnt/small/cache/objects')).toBe('');
    });

    it('cannot be read: its output is lost, and this is reported', async () => {
      const step = await workspace.step({ command: 'echo x >out; chmod 000 out', image, site });
      expect(step.status).toBe(163);
      expect(step.report.values.get('message')).toMatch(/^the step's output could not be packed: .*Permission denied/);
      expect(step.report.exit).toBe(0);
    });
  },
);
