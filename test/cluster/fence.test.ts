import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lab, labUnavailable } from '../lab/lab.js';
import { scailfin } from './helpers/cluster.js';
import { verified } from './helpers/cycle.js';

const reason = labUnavailable();
const up = ['up', '--site', 'lab-slurm', '--nodes', '1', '--walltime', '1h'];

describe.skipIf(reason)(`the fence of a headnode${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  const here = async (script: string) =>
    (await lab.exec('headnode', ['bash', '-c', script], { timeoutMs: 90_000 })).stdout.trim();
  /** Submits what lies in `job.sub` below the home directory's DIR, and waits for its end. */
  const run = (dir: string) =>
    here(`cd ${dir} && scailfin exec -- condor_submit job.sub && scailfin exec -- timeout 60 condor_wait log`);

  beforeAll(async () => {
    lab = await Lab.up();
  });
  afterAll(() => lab?.down());

  it('shows a job what it names, wherever that is', async () => {
    const said = await scailfin(lab, 'headnode', up);
    expect(said.stderr).not.toContain('no fence');
    await here(`mkdir -p a/job 'b b' results logs data; echo one >data/one; echo two >'b b/two'; echo one >a/job/one; ln -s one a/job/link
      printf '#!/bin/sh\\ncat link two three; echo made >made; echo said' >bin.sh; chmod +x bin.sh; echo three >a/three`);
    const description = [
      ...['executable = /home/scail/bin.sh', 'should_transfer_files = yes', 'request_memory = 50'],
      'transfer_input_files = link, /home/scail/b b/two, ../three',
      ...['output = /home/scail/results/out', 'error = err', 'log = log'],
      'transfer_output_remaps = "made = /home/scail/results/made"',
      'queue',
    ];
    await lab.write('headnode', 'a/job/job.sub', description.join('\n'));
    await run('a/job');
    expect(await here('cat results/out results/made')).toBe('one\ntwo\nthree\nsaid\nmade');
  });

  it("lets a job's node write into its directory, and none of its inputs elsewhere", async () => {
    await here(`mkdir -p io; printf '#!/bin/sh\\n/home/alice/chirp put "$0" /home/scail/io/by-node; /home/alice/chirp truncate /home/scail/data/one 0; true' >io/job.sh
      chmod +x io/job.sh`);
    const chirp =
      'printf \'#!/bin/sh\\nexec "$(ls -d /home/alice/.scailfin/payload/*/libexec | head -n 1)/condor_chirp" "$@"\\n\' >chirp; chmod +x chirp';
    await lab.exec('login', ['sh', '-c', `cd; ${chirp}`], { user: 'alice' });
    const description = ['executable = job.sh', 'transfer_input_files = /home/scail/data/one', '+WantIOProxy = True'];
    const more = ['should_transfer_files = yes', 'request_memory = 50', 'error = err', 'log = log', 'queue', ''];
    await lab.write('headnode', 'io/job.sub', [...description, ...more].join('\n'));
    await run('io');
    expect(await here('ls io; cat data/one')).toContain('by-node');
    expect(await here('cat data/one')).toBe('one');
  });

  it('follows no link that leads out of its directory, and reports it', async () => {
    await here(
      'mkdir -p trap/sub ~/.hidden; echo hidden >~/.hidden/file; ln -sf ~/.hidden/file trap/link; ln -sfn ~/.hidden trap/sub/dir; ln -sf ~/data/one data/other; ln -sfn ~/.hidden seen',
    );
    const all = ['link', 'sub/dir/file', '/home/scail/trap/link', '/home/scail/seen/file'];
    for (const input of all) {
      const description = [
        'executable = /bin/true',
        `transfer_input_files = ${input}`,
        'should_transfer_files = yes',
        'request_memory = 50',
        'queue',
        '',
      ];
      await lab.write('headnode', 'trap/job.sub', description.join('\n'));
      await here('cd trap; scailfin exec -- condor_submit job.sub');
    }
    const held = () =>
      here("scailfin exec -- condor_q -hold -af HoldReason | grep -c 'name the link.s target in transfer_input_files'");
    await expect.poll(held, { timeout: 60_000, interval: 1000 }).toBe(String(all.length));
    await here('scailfin exec -- condor_rm -all');
  });

  it('lets no node put a link in the place of the log that HTCondor writes', async () => {
    await here(`mkdir -p own; printf '#!/bin/sh\\n/home/alice/chirp remove /home/scail/own/log; /home/alice/chirp link -s /home/scail/.profile /home/scail/own/log; true' >own/job.sh
      chmod +x own/job.sh; : >~/.profile`);
    const more = [
      'should_transfer_files = yes',
      'request_memory = 50',
      'log = log',
      '+WantIOProxy = True',
      'queue',
      '',
    ];
    await lab.write('headnode', 'own/job.sub', ['executable = job.sh', ...more].join('\n'));
    await run('own');
    expect(await here('stat -c %F own/log; cat ~/.profile')).toBe('regular file');
    await here(
      'rm own/log; ln -s ~/.profile own/planted; sed -i "s/^log =.*/log = planted/" own/job.sub; cd own; scailfin exec -- condor_submit job.sub',
    );
    const held = () => here("scailfin exec -- condor_q -hold -af HoldReason | grep -c 'is a link'");
    await expect.poll(held, { timeout: 60_000, interval: 1000 }).toBe('1');
    await here('scailfin exec -- condor_rm -all');
  });

  it('holds a job that works where no job may, and says why', async () => {
    const refused = await here(
      'echo executable = /bin/true >home.sub; echo queue >>home.sub; scailfin exec -- condor_submit home.sub 2>&1 || :',
    );
    expect(refused).toContain('submit the job from a directory of its own');
    for (const dir of ['.hidden', '.scailfin/lab-slurm/pool', '/tmp']) {
      await here(
        `mkdir -p ${dir}; cd ${dir}; printf 'executable = /bin/true\\nlog = log\\nqueue\\n' >job.sub; scailfin exec -- condor_submit job.sub`,
      );
    }
    const held = () => here("scailfin exec -- condor_q -hold -af HoldReason | grep -c 'directory of its own'");
    await expect.poll(held, { timeout: 60_000, interval: 1000 }).toBe('3');
    await here('rm -f /tmp/job.sub /tmp/log');
    expect((await scailfin(lab, 'headnode', ['down', 'lab-slurm', '--yes'])).stdout).toContain(verified);
  });

  it('is reported as missing if the kernel or its programs allow none, and can be required', async () => {
    await lab.exec('headnode', ['mv', '/usr/bin/unshare', '/usr/bin/unshare.away'], { user: 'root' });
    const said = await scailfin(lab, 'headnode', up);
    expect(said.stderr).toMatch(/warning: there is no fence on .*unshare/);
    expect((await scailfin(lab, 'headnode', ['status'])).stdout).toContain('no fence');
    const status = JSON.parse((await scailfin(lab, 'headnode', ['status', '--json'])).stdout);
    expect(status.headnode.unfenced).toContain('unshare');
    await here(
      "mkdir -p open; cd open; printf 'executable = /bin/true\\nlog = log\\nrequest_memory = 50\\nqueue\\n' >job.sub",
    );
    await run('open');
    await scailfin(lab, 'headnode', ['down', 'lab-slurm', '--yes']);

    await scailfin(lab, 'headnode', ['config', 'set', 'fence', 'required']);
    const refused = await scailfin(lab, 'headnode', up, { check: false });
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toMatch(/error: .*no fence can be built/);
    expect(refused.stderr).toMatch(/→ .*scailfin config set fence auto/);
    await expect.poll(() => lab.leftovers(), { timeout: 60_000 }).toEqual([]);
  });
});
