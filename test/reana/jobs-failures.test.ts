import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { labUnavailable } from '../lab/lab.js';
import { StepsBench, workspace } from './helpers/bench.js';

const reason = labUnavailable();
const within = 150_000;

describe.skipIf(reason !== undefined)(
  `steps in trouble${reason ? ` (skipped: ${reason})` : ''}`,
  { timeout: within },
  () => {
    let bench: StepsBench;
    beforeAll(async () => {
      bench = await StepsBench.up({ lease: 20, reconcileMs: 3000 });
    });
    afterAll(async () => {
      await bench?.down();
    });
    afterEach(async () => {
      await bench.here(`rm -rf ${workspace}; condor_rm -all >/dev/null 2>&1 || true`);
    });
    const here = (command: string) => bench.here(command);
    const queueIsEmpty = () => expect.poll(() => here('condor_q -af ClusterId'), { timeout: 60_000 }).toBe('');

    it('whose service is killed go on, none twice, none lost', async () => {
      await bench.files({ 'in.txt': 'hello' });
      const ids: string[] = [];
      const submitting = Promise.allSettled(
        Array.from({ length: 30 }, async (_, i) => {
          const step = await bench.submit(`sleep 1; echo ${i} >out${i}`);
          ids.push(step.id);
        }),
      );
      // on record are all of them at once; HTCondor has some by then, or is just getting them
      const onRecord = async (): Promise<number> => (await bench.steps.of('one')).length;
      await expect.poll(onRecord, { interval: 5 }).toBeGreaterThan(0);
      for (let n = 0; n < 4; n++) {
        await new Promise(resolve => setTimeout(resolve, [20, 150, 600, 1500][n]));
        await bench.restart();
      }
      await submitting;
      const kept = await bench.steps.of('one');
      expect(kept.map(step => step.id)).toEqual(expect.arrayContaining(ids));
      const ended = await Promise.all(kept.map(({ id }) => bench.steps.ended(id)));
      expect(ended.filter(step => step.state !== 'finished' || step.attempts !== 1)).toEqual([]);
      expect(await here(`ls ${workspace} | grep -c out`)).toBe(String(kept.length));
      expect(await bench.jobsOf(kept.map(step => step.id))).toEqual(kept.map(() => 1));
      await bench.steps.forget('one');
    });

    it('whose service is killed when their job was just submitted are adopted', async () => {
      await bench.files();
      const { id } = await bench.submit('echo 1 >>count');
      await expect
        .poll(() => here('condor_q -af ScailfinStep; condor_history -af ScailfinStep'), { timeout: 60_000 })
        .toContain(id);
      // it forgets that it ever submitted it, and never heard of it
      await bench.restart(() => here(`cd ${workspace}/../../steps; sed -i '/"job"/d' journal.jsonl; rm -f events/log`));
      expect(await bench.steps.ended(id)).toMatchObject({ state: 'finished', exitCode: 0 });
      expect(await here(`cat ${workspace}/count`)).toBe('1');
      expect(await bench.jobsOf([id])).toEqual([1]);
    });

    it('that end while nobody looks are known afterwards', async () => {
      await bench.files();
      const { id } = await bench.submit('sleep 2; echo done >out; exit 4');
      await expect.poll(async () => (await bench.steps.get(id)).state, { timeout: 60_000 }).toBe('running');
      await bench.restart(() => expect.poll(() => here('condor_q -af ClusterId'), { timeout: 60_000 }).toBe(''));
      expect(await bench.steps.ended(id)).toMatchObject({ state: 'failed', exitCode: 4, attempts: 1 });
      expect(await here(`cat ${workspace}/out`)).toBe('done');
    });

    it('outlive their schedd', async () => {
      await bench.files();
      const { id } = await bench.submit('echo begun; sleep 15; echo done; echo done >out');
      await bench.printed(id, 'begun');
      await here('condor_restart -daemon schedd >/dev/null');
      const later = await bench.submit('echo later >later');
      expect(await bench.steps.ended(id)).toMatchObject({ state: 'finished', attempts: 1 });
      // HTCondor sends the last piece again when it is back
      expect(await bench.steps.log(id)).toMatch(/^(begun\n)+done\n.*may appear twice\n$/);
      expect(await bench.steps.ended(later.id)).toMatchObject({ state: 'finished' });
      expect(await here(`cat ${workspace}/out ${workspace}/later`)).toBe('done\nlater');
      expect(await bench.jobsOf([id, later.id])).toEqual([1, 1]);
    });

    it('whose glide-in is killed run again, to the right result', async () => {
      await bench.files({ count: '' });
      const { id } = await bench.submit(
        'echo begun on $(hostname), a longer line than later; echo 1 >>count; sleep 8; echo end',
      );
      await bench.printed(id, 'begun');
      const { node } = await bench.steps.get(id);
      await bench.lab.exec(node as 'c1', ['sh', '-c', 'pkill -KILL -u alice'], { user: 'root', check: false });
      const step = await bench.steps.ended(id);
      expect(step, JSON.stringify(step)).toMatchObject({ state: 'finished', attempts: 2 });
      expect(step.node).not.toBe(node);
      expect(await here(`cat ${workspace}/count`)).toBe('1');
      expect(await bench.steps.log(id)).toBe(`begun on ${step.node}, a longer line than later\nend\n`);
      const reasons = bench.steps.changes.filter(({ step }) => step.id === id).map(({ step }) => step.reason);
      expect(reasons.join('\n')).toMatch(new RegExp(`its node ${node} (was lost|does not answer)`));
    });

    it('that lose their node again and again fail', async () => {
      await bench.files();
      const { id } = await bench.submit('echo begun; sleep 300');
      const { job } = (await expect
        .poll(() => bench.steps.get(id), { timeout: 60_000 })
        .toMatchObject({ state: 'running' })
        .then(() => bench.steps.get(id))) as { job: string };
      for (let attempt = 1; attempt <= 3; attempt++) {
        await expect
          .poll(() => bench.steps.get(id), { timeout: 60_000 })
          .toMatchObject({ state: 'running', attempts: attempt });
        await here(`condor_vacate_job -fast ${job}`);
        await expect.poll(async () => (await bench.steps.get(id)).state, { timeout: 60_000 }).not.toBe('running');
      }
      expect(await bench.steps.get(id)).toMatchObject({ state: 'failed', attempts: 3 });
      expect((await bench.steps.get(id)).reason).toMatch(/^its node c\d was lost: .*, for the 3rd time$/);
      await queueIsEmpty();
    });

    it('which HTCondor holds fail with its reason', async () => {
      await bench.files();
      const { id } = await bench.submit('echo begun; sleep 300');
      await bench.printed(id, 'begun');
      await here(`condor_hold -reason 'no more of this' ${(await bench.steps.get(id)).job}`);
      const reason = expect.stringMatching(/^HTCondor held it: no more of this/);
      expect(await bench.steps.ended(id)).toMatchObject({ state: 'failed', reason });
      await queueIsEmpty();
    });

    it('whose job somebody removes fail, and so do those whose job is gone without a word', async () => {
      await bench.files();
      const one = await bench.submit('echo begun; sleep 300');
      await bench.printed(one.id, 'begun');
      await here(`condor_rm ${(await bench.steps.get(one.id)).job}`);
      const removed = expect.stringMatching(/^it was removed from the pool: via condor_rm/);
      expect(await bench.steps.ended(one.id)).toMatchObject({ state: 'failed', reason: removed });
      const two = await bench.submit('echo begun; sleep 300');
      await bench.printed(two.id, 'begun');
      const { job } = await bench.steps.get(two.id);
      // a job whose end nobody wrote down
      await here(
        `condor_qedit ${job} UserLog '"/dev/null"' >/dev/null; condor_rm ${job}; condor_rm -forcex ${job} || true`,
      );
      expect(await bench.steps.ended(two.id)).toMatchObject({
        state: 'failed',
        reason: expect.stringContaining('pool'),
      });
    });

    it('that no glide-in can run say so, and what there is', async () => {
      await bench.files();
      const there = async (attribute: string) => Number((await here(`condor_status -af ${attribute}`)).split('\n')[0]);
      const many = await bench.submit('true', { resources: { cores: 64, memory: 100, disk: 10 } });
      const large = await bench.submit('true', { resources: { memory: 1 << 20, disk: 10 } });
      const vast = await bench.submit('true', { resources: { memory: 100, disk: 1 << 30 } });
      const reasonOf = async (id: string) => (await bench.steps.get(id)).reason ?? '';
      const cores = await there('TotalSlotCpus');
      await expect
        .poll(() => reasonOf(many.id), { timeout: 60_000 })
        .toBe(`no glide-in has 64 cores (the largest has ${cores} core${cores === 1 ? '' : 's'})`);
      await expect
        .poll(() => reasonOf(large.id), { timeout: 60_000 })
        .toMatch(/^no glide-in has 1024 GiB of memory \(the largest has [\d.]+ [MG]iB\)$/);
      await expect
        .poll(() => reasonOf(vast.id), { timeout: 60_000 })
        .toMatch(/^no glide-in has 1048576 GiB of disk \(the largest has [\d.]+ GiB\)$/);
      // the pool itself is of that mind
      const word = await here(`condor_q -better-analyze ${(await bench.steps.get(many.id)).job}`);
      expect(word).toMatch(/^ +0 are able to run your job$/m);
      await Promise.all([many, large, vast].map(({ id }) => bench.steps.stop(id)));
      expect(await bench.steps.get(many.id)).toMatchObject({ state: 'stopped', reason: 'stopped' });
    });

    it('wait while the pool is away', async () => {
      await bench.files();
      await here('condor_off -daemon schedd >/dev/null');
      await expect.poll(() => here('condor_q -af ClusterId 2>&1 || true'), { timeout: 60_000 }).toMatch(/Error|Failed/);
      const { id } = await bench.submit('echo done');
      await expect
        .poll(async () => (await bench.steps.get(id)).reason, { timeout: 60_000 })
        .toMatch(/the pool does not take it yet/);
      await here('condor_on -daemon schedd >/dev/null');
      expect(await bench.steps.ended(id)).toMatchObject({ state: 'finished', attempts: 1 });
      expect((await bench.steps.get(id)).reason ?? undefined).toBeUndefined();
    });
  },
);
