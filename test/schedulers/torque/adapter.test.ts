import { describe, expect, it } from 'vitest';
import type { BatchJobState, Output } from '../../../src/schedulers/job.js';
import { torque } from '../../../src/schedulers/torque/index.js';
import { outputOf, recorded, recordings } from '../../recordings/recordings.js';
import { job, query } from '../jobs.js';
import {
  answersToSubmissions,
  cancelling,
  header,
  neverSurprises,
  seen,
  submissions,
  unknowns,
  withPrograms,
} from '../pbs-family.js';
import { thrown } from '../thrown.js';

const all = recordings('torque');
/** Recorded documents, as our own command line ends them. */
const listed = (name: string): Output => {
  const out = outputOf(recorded(all, name));
  return { ...out, stdout: `${out.stdout}\n<!--that is all-->\n` };
};
const of = (name: string, ...ids: string[]) => torque.parseList([listed(name)], query({ ids }));

describe('what is submitted', () => {
  it('several glide-ins are one array', () => {
    const sent = torque.submit(
      job({ count: 7, queue: 'debug', account: 'm1234', gpusPerNode: 2, directives: ['-W x=a'] }),
    );
    expect(header(sent.script)).toEqual([
      '-N sf-test',
      '-t 1-7',
      '-r n',
      '-S /bin/bash',
      '-o /scratch/alice/scailfin/test/site/logs/',
      '-j oe',
      '-m n',
      '-l nodes=1:ppn=4:gpus=2',
      '-l mem=2048mb',
      '-l walltime=01:00:00',
      '-q debug',
      '-A m1234',
      '-W x=a',
    ]);
  });

  it('one is a plain job', () => {
    for (const changes of [{ count: 1 }, { count: 1, arrays: false }])
      expect(header(torque.submit(job(changes)).script).join('\n')).not.toContain('-t 1');
  });

  it("a site's own way to ask for nodes replaces ours, and a queue may be a QOS", () => {
    const asked = header(
      torque.submit(job({ directives: ['-l nodes=1:ppn=32:xk'], queue: 'low', queueOption: 'qos' })).script,
    );
    expect(asked.filter(line => line.includes('nodes='))).toEqual(['-l nodes=1:ppn=32:xk']);
    expect(asked).toContain('-l qos=low');
  });

  submissions(torque, { PBS_NUM_PPN: '8' }, '8');
});

describe('the answer to a submission', () => {
  answersToSubmissions(torque, all);

  const refused = (name: string) => thrown(() => torque.parseSubmit(outputOf(recorded(all, name))));
  it("of a site's submit filter is told with what the filter said before", () => {
    expect(refused('err.submit.filter-refuses').message).toBe(
      "Torque's qsub refused: your group has no time left; qsub: submit filter returned an error code, aborting job submission.",
    );
  });
  it('of a server that waits for its jobs before it ends is to try again later', () => {
    expect(refused('down.shutting.qsub').hint).toContain('try again when it is back');
  });
});

describe('the list', () => {
  it('asks for the arrays of one user, and for nobody when there are none', () => {
    const argv = torque.list(query())[0]?.argv ?? [];
    withPrograms({ qselect: 'exit 0', qstat: 'echo all of them' }, (run, dir) => {
      expect(torque.parseList([run(argv)], query())).toEqual([]);
      expect(seen(dir)).toEqual([['qselect', '-u', 'alice']]);
    });
    const xml = recorded(all, 'status.array-t.qstat-t-x').stdout.replaceAll('arr3', 'sf-test');
    const ids = 'echo hello; for n in 1 2 3; do echo "68[$n].torque01"; done; echo 9.torque01';
    withPrograms(
      { qselect: ids, qstat: `cat <<'X'\n${xml}\nX\necho "qstat: Unknown Job Id Error 9.torque01" >&2; exit 153` },
      (run, dir) => {
        expect(torque.parseList([run(argv)], query()).map(s => [s.id, s.jobId, s.state])).toEqual([
          ['68_1', '68', 'queued'],
          ['68_2', '68', 'queued'],
          ['68_3', '68', 'queued'],
        ]);
        expect(seen(dir)[1]).toEqual(['qstat', '-t', '-x', '68[].torque01', '9.torque01']);
      },
    );
    withPrograms({ qselect: 'echo "Unable to communicate with torque01" >&2; exit 111', qstat: '' }, run => {
      thrown(() => torque.parseList([run(argv)], query()));
    });
  });

  it.each<[string, string, BatchJobState, string, object]>([
    ['status.running.qstat-x', '34', 'running', 'R', { node: 'torque01', secondsLeft: 592 }],
    ['status.held.qstat-x', '32', 'held', 'H', { reason: 'Hold_Types = u' }],
    ['status.depend-held.qstat-x', '35', 'held', 'H', { reason: 'depend = afterok:34.torque01' }],
    ['status.suspended.qstat-x', '36', 'held', 'S', {}],
    ['status.waiting.qstat-x', '33', 'queued', 'W', {}],
    ['status.queued-stopped-queue.qstat-x', '30', 'queued', 'Q', { reason: 'Not Running: Queue not started.' }],
    ['status.finished-ok.qstat-x', '38', 'finished', 'C', { exitCode: 0 }],
    ['status.finished-exit3.qstat-x', '39', 'failed', 'C', { exitCode: 3 }],
    ['status.cancelled-running.qstat-x', '49', 'cancelled', 'C', { exitCode: 143 }],
    ['status.cancelled-pending.qstat-x', '48', 'cancelled', 'C', {}],
    ['status.array-noT.qstat-fx', '44', 'failed', 'C', { exitCode: -11, reason: 'walltime limit' }],
  ])('%s', (name, id, state, word, more) => {
    expect(of(name, id)).toEqual([expect.objectContaining({ id, jobId: id, state, word, ...more })]);
    expect(of(name)).toEqual([]);
  });

  it('several documents are one answer, and a job told twice is one', () => {
    expect(of('status.several.qstat-x', '30', '32', '34').map(s => s.id)).toEqual(['30', '34', '32']);
    const out = listed('status.running.qstat-x');
    expect(torque.parseList([{ ...out, stdout: out.stdout + out.stdout }], query({ ids: ['34'] }))).toHaveLength(1);
    expect(of('status.several-some-unknown.qstat-x', '30', '34')).toHaveLength(2);
  });

  it("everybody's jobs are not ours", () => {
    expect(of('status.array-running.parent.qstat-fx', '55').map(s => s.jobId)).toEqual(['55']);
  });

  it('nobody is there, or all have left', () => {
    expect(of('status.none.qstat-x')).toEqual([]);
    expect(of('status.forgotten.qstat-x', '63')).toEqual([]);
  });

  unknowns(torque, name => listed(name), ['down.qstat-x', 'down.trqauthd.qstat', 'status.query-other-off.qstat-x']);
});

describe('cancelling', () => {
  const fine = ['cancel.running', 'cancel.finished', 'cancel.forgotten', 'cancel.several-mixed'];
  it('asks as job and as array', () => {
    expect(torque.cancel(['17', '18_2'], query()).argv).toEqual(['qdel', '17', '17[]', '18[2]']);
  });
  cancelling(torque, all, fine, ['cancel.other-user', 'down.qdel', 'err.cancel.malformed-id', 'err.cancel.no-args']);
});

it('cut and garbled answers are unknown', () => {
  neverSurprises(torque, all, [listed('status.running.qstat-x'), listed('status.several.qstat-x')]);
});
