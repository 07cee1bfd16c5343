// @module-tag nightly; each time: reana/backend with a stand-in of the schedd
import { readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labUnavailable } from '../lab/lab.js';
import { BackendBench } from './backend/cluster.js';
import { beside } from './backend/python.js';
import { makeImage } from './helpers/image.js';

const reason = labUnavailable();

describe.skipIf(reason !== undefined)(
  `the job controller's backend on a pool${reason ? ` (skipped: ${reason})` : ''}`,
  () => {
    let bench: BackendBench;
    beforeAll(async () => {
      bench = await BackendBench.up();
    }, 600_000);
    afterAll(async () => {
      await bench?.down();
    });
    const inPool = () => bench.here('condor_q -allusers -constraint "JobStatus != 3" -af ScailfinStep');

    it('runs a step in its container, quotes nothing again, and brings back what it made', async () => {
      await bench.files({ 'in.txt': 'hello', gone: 'x', "it's $a": 'odd' });
      await writeFile(join(bench.workspace, 'large'), Buffer.alloc(300_000, 7));
      await symlink('in.txt', join(bench.workspace, 'link'));
      const command = `cat link "it's \\$a"; printf '%s|' "$X" '\${Y}' "a\\\\b"; wc -c <large; echo complaint >&2
mkdir out; echo made >out/"new
line"; echo more >>in.txt; rm gone; ln -s out again; pwd; cat /etc/image`;
      const docker_img = await makeImage(bench.lab, 'login', '/home/alice/image');
      const more = { env_vars: { X: `"x'\n$(y) %` }, compute_backend: 'slurmcern', docker_img };
      const id = await bench.submit(command, more);
      const seen = await bench.becomes(id, 'finished', 'failed');
      expect(await bench.log(id)).toBe(
        `helloodd"x'\n$(y) %|\${Y}|a\\b|300000\ncomplaint\n${bench.workspace}\nthis is the image\n`,
      );
      expect(seen[0]).toBe('queued');
      expect(seen.at(-1)).toBe('finished');
      const names = (await readdir(bench.workspace)).sort();
      expect(names).toEqual(['again', 'in.txt', "it's $a", 'large', 'link', 'out']);
      expect(await readFile(join(bench.workspace, 'in.txt'), 'utf8')).toBe('hellomore\n');
      expect(await readFile(join(bench.workspace, 'out/new\nline'), 'utf8')).toBe('made\n');
      expect(await readlink(join(bench.workspace, 'again'))).toBe('out');
      await expect.poll(inPool, { timeout: 60_000 }).toBe('');
    });

    it('tells how a step failed, and keeps what it made', async () => {
      await bench.files({});
      const id = await bench.submit('echo said; echo part >part; exit 3');
      await bench.becomes(id, 'failed');
      expect(await bench.log(id)).toBe('said\nscailfin: its command ended with status 3\n');
      expect(await readFile(join(bench.workspace, 'part'), 'utf8')).toBe('part\n');
    });

    it('stops a step: it is out of the pool when that is answered, and its log is there', async () => {
      await bench.files({});
      const id = await bench.submit('echo begun; echo complaint >&2; sleep 300');
      await bench.becomes(id, 'running');
      await bench.printed('begun\ncomplaint');
      expect((await bench.ask('DELETE', `/jobs/${id}/`)).status).toBe(204);
      expect(await inPool()).toBe('');
      expect(await bench.state(id)).toBe('stopped');
      expect(await bench.log(id)).toBe('begun\ncomplaint\n');
    });

    it('fails a step that HTCondor held, for the reason that it gives', async () => {
      await bench.files({});
      const id = await bench.submit('echo on its way; sleep 300');
      await bench.becomes(id, 'running');
      await bench.printed('on its way');
      await bench.here('condor_hold -reason "the beam is off" -constraint "ScailfinStep =!= undefined"');
      await bench.becomes(id, 'failed');
      expect(await bench.log(id)).toBe('on its way\nscailfin: HTCondor held it: the beam is off (by user scail)\n');
      await expect.poll(inPool, { timeout: 60_000 }).toBe('');
    });

    it('fails a step that the owner removed', async () => {
      await bench.files({});
      const id = await bench.submit('echo in the middle; sleep 300');
      await bench.becomes(id, 'running');
      await bench.printed('in the middle');
      await bench.here('condor_rm -constraint "ScailfinStep =!= undefined"');
      await bench.becomes(id, 'failed');
      expect(await bench.log(id)).toMatch(/^in the middle\nscailfin: it was removed from the pool/);
    });

    it('merges what steps made at the same time; what one overwrote of the other is kept', async () => {
      await bench.files({ shared: 'before' });
      const command = (n: number) => `sleep 2; echo ${n} >own${n}; echo ${n} >shared`;
      const ids = await Promise.all([1, 2, 3].map(n => bench.submit(command(n), { job_name: `step${n}` })));
      for (const id of ids) await bench.becomes(id, 'finished');
      const names = (await readdir(bench.workspace)).sort();
      expect(names.filter(name => name.startsWith('own'))).toEqual(['own1', 'own2', 'own3']);
      expect(names.filter(name => /^shared\.~step\d~$/.test(name))).toHaveLength(2);
    });

    it('waits for a schedd that is away, and submits once', async () => {
      await bench.files({});
      const running = await bench.submit('sleep 8; echo done');
      await bench.becomes(running, 'running');
      await bench.here('pkill -KILL -u scail -x condor_schedd');
      const id = await bench.submit('echo once >>count');
      await bench.becomes(id, 'finished');
      expect(await readFile(join(bench.workspace, 'count'), 'utf8')).toBe('once\n');
      await bench.becomes(running, 'finished');
      expect(await bench.log(running)).toBe('done\n');
    });

    it('lets nothing be done with its token but steps', async () => {
      await bench.files({});
      const owners = await bench.here(
        'mkdir /tmp/own; cd /tmp/own; printf "executable = /bin/sleep\\narguments = 300\\nqueue\\n" | condor_submit -terse | cut -d" " -f1',
      );
      const said = JSON.parse(await bench.there([beside('intruder.py'), owners]));
      expect(said).toEqual({
        ...{ 'scheduler universe': 'refused', 'local universe': 'refused', 'grid universe': 'refused' },
        ...{ 'not spooled': 'refused', 'I/O proxy': 'refused', "a file of the headnode's": 'refused' },
        ...{ 'an event log': 'refused', 'other outputs': 'refused', "the owner's job": 'untouched' },
        ...{ changed: [], advertised: 'refused' },
      });
      // the owner is lord of all jobs, and of what protects these
      expect(await bench.here(`condor_qedit ${owners} Out '"/tmp/else"' && condor_q ${owners} -af Out`)).toContain(
        '/tmp/else',
      );
      await bench.here(`condor_rm ${owners}; condor_rm -constraint 'ScailfinIntruder =?= true'`);
    });

    it('stops all steps before its pod goes', async () => {
      await bench.files({});
      const ids = await Promise.all([1, 2].map(() => bench.submit('echo begun; sleep 300')));
      for (const id of ids) await bench.becomes(id, 'running');
      await bench.printed('begun', 2);
      expect((await bench.ask('GET', '/shutdown')).status).toBe(200);
      for (const id of ids) {
        expect(await bench.state(id)).toBe('stopped');
        expect(await bench.log(id)).toBe('begun\n');
      }
      expect(await inPool()).toBe('');
    });

    it('says why there are no steps where its token is refused, or no pool is', async () => {
      await bench.kill();
      await bench.start({ SCAILFIN_POOL_TOKEN: bench.token.replace(/.{8}$/, 'AAAAAAAA') });
      const refused = await bench.post('true');
      expect(refused.status).toBe(500);
      expect(refused.text).toMatch(/the pool at 10\.77\.0\.3:9618 refuses the token in the secret scailfin-pool-token/);
      expect(refused.text + bench.said).not.toContain(bench.token.slice(20, 60));
      await bench.kill();
      await bench.start({ SCAILFIN_COLLECTOR: '' });
      expect((await bench.post('true')).text).toContain('SCAILFIN_COLLECTOR is not set');
      expect(await inPool()).toBe('');
    });
  },
);
