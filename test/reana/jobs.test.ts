import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { labUnavailable } from '../lab/lab.js';
import { StepsBench, workspace } from './helpers/bench.js';

const reason = labUnavailable();
const within = 90_000;

describe.skipIf(reason !== undefined)(
  `steps on a pool${reason ? ` (skipped: ${reason})` : ''}`,
  { timeout: within },
  () => {
    let bench: StepsBench;
    beforeAll(async () => {
      bench = await StepsBench.up();
    });
    afterAll(async () => {
      await bench?.down();
    });
    afterEach(async () => {
      await bench.here(`rm -rf ${workspace}`);
    });
    const here = (command: string) => bench.here(command);

    it('read what is in the workspace, and leave there what they made', async () => {
      await bench.files({ 'in.txt': 'hello', 'gone.txt': 'x' });
      await here(`cd ${workspace}; head -c 200000 /dev/urandom >large; mkdir -p a/b; ln -s ../in.txt a/link`);
      const command =
        'cat in.txt a/link; echo "$WHO" >&2; sha256sum <large; mkdir out; echo made >out/new; echo " more" >>in.txt; rm gone.txt';
      const { id, step } = await bench.run(command, { environment: { WHO: 'it\'s "me"\n$x' } });
      const node = expect.stringMatching(/^c[12]$/);
      expect(step, await bench.steps.log(id)).toMatchObject({ state: 'finished', exitCode: 0, attempts: 1, node });
      expect(await bench.steps.log(id)).toBe(
        `hellohelloit's "me"\n$x\n${await here(`sha256sum <${workspace}/large`)}\n`,
      );
      expect(await here(`cd ${workspace}; cat in.txt out/new; ls; readlink a/link`)).toBe(
        'hello more\nmade\na\nin.txt\nlarge\nout\n../in.txt',
      );
    });

    it('fail with their own status, and what they made is kept', async () => {
      await bench.files();
      const { step } = await bench.run('echo part >part; exit 3');
      const reason = 'its command ended with status 3';
      expect(step).toMatchObject({ state: 'failed', exitCode: 3, attempts: 1, reason });
      expect(await here(`cat ${workspace}/part`)).toBe('part');
    });

    it('are on record once, however often they are asked for', async () => {
      await bench.files();
      const id = 'b6d0b0e6-3f0c-4c0f-9d4e-6b6f6d9b0a11';
      const [one, two] = await Promise.all([bench.submit('echo once', {}, id), bench.submit('echo twice', {}, id)]);
      expect(one.id).toBe(two.id);
      await bench.steps.ended(id);
      await bench.submit('echo thrice', {}, id);
      expect(await bench.steps.log(id)).toBe('once\n');
      expect(await bench.jobsOf([id])).toEqual([1]);
    });

    it('show what they print while they run, and end when they are stopped', async () => {
      await bench.files();
      const { id } = await bench.submit('echo begun; echo complaint >&2; sleep 300');
      await bench.printed(id, 'begun\ncomplaint\n');
      expect(await bench.steps.get(id)).toMatchObject({ state: 'running', attempts: 1 });
      const began = Date.now();
      await bench.steps.stop(id);
      expect(Date.now() - began).toBeLessThan(15_000);
      expect(await bench.steps.get(id)).toMatchObject({ state: 'stopped' });
      await bench.steps.stop(id);
      await expect.poll(() => here('condor_q -af ClusterId'), { timeout: 60_000 }).toBe('');
    });

    it('are stopped before they were ever submitted, too', { tags: ['nightly'] }, async () => {
      await bench.files();
      const { id } = await bench.submit('sleep 300');
      await bench.steps.stop(id);
      expect(await bench.steps.get(id)).toMatchObject({ state: 'stopped' });
      await expect.poll(() => here('condor_q -af ClusterId'), { timeout: 60_000 }).toBe('');
    });

    it('that take longer than they may are ended', { tags: ['nightly'] }, async () => {
      await bench.files();
      const { step } = await bench.run('sleep 300', { resources: { memory: 100, time: 3 } });
      expect(step).toMatchObject({ state: 'failed', reason: 'it took longer than its limit of 3 s' });
      await expect.poll(() => here('condor_q -af ClusterId'), { timeout: 60_000 }).toBe('');
    });

    it('that write one file at a time lose nothing', { tags: ['nightly'] }, async () => {
      await bench.files({ shared: 'old\n' });
      const slow = await bench.submit('sleep 4; echo slow >shared', { name: 'slow' });
      const fast = await bench.submit('echo fast >shared', { name: 'fast/one' });
      await Promise.all([bench.steps.ended(slow.id), bench.steps.ended(fast.id)]);
      expect(await here(`cd ${workspace}; ls; cat shared 'shared.~fast_one~'`)).toBe(
        'shared\nshared.~fast_one~\nslow\nfast',
      );
      expect(await bench.steps.log(slow.id)).toContain('what was there is kept as shared.~fast_one~');
    });

    it("that can't be made ready fail with the reason", async () => {
      const { step } = await bench.run('true', { workspace: `${workspace}/nowhere` });
      expect(step).toMatchObject({ state: 'failed', reason: expect.stringContaining('ENOENT') });
      await expect(bench.submit('true', { resources: { cores: -1 } })).rejects.toThrow(
        'cores must be a number above 0',
      );
    });

    it('are forgotten with their files', async () => {
      await bench.files();
      const { id } = await bench.run('true', { workflow: 'other' });
      await bench.submit('sleep 300', { workflow: 'other' });
      await bench.steps.forget('other');
      expect(await bench.steps.of('other')).toEqual([]);
      expect(await bench.steps.get(id)).toBeUndefined();
      expect(await here(`ls ${workspace}/../../steps | grep -c ${id} || true`)).toBe('0');
    });

    it('run as many as there are', { tags: ['nightly'] }, async () => {
      await bench.files({ 'in.txt': 'hello' });
      const all = await Promise.all(
        Array.from({ length: 200 }, (_, i) => bench.submit(`echo ${i}; echo ${i} >out${i}`)),
      );
      const ended = await Promise.all(all.map(({ id }) => bench.steps.ended(id)));
      expect(ended.filter(step => step.state !== 'finished')).toEqual([]);
      expect(await here(`cat ${workspace}/out* | sort -n | uniq | wc -l`)).toBe('200');
      expect(new Set(ended.map(step => step.job)).size).toBe(200);
    });
  },
);
