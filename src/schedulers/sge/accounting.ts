import { blocks, type Row, strip } from './answers.js';

/**
 * `qacct -j`: the jobs that ended; if a job ran several times, the last time.
 * @returns undefined if the last record is incomplete
 */
export function accountRows(text: string): Row[] | undefined {
  const records = blocks(text);
  const rows = new Map<string, Row>();
  for (const [n, record] of records.entries()) {
    const value = (key: string): string | undefined =>
      new RegExp(`^${key}[ \\t](.*)\\n`, 'm').exec(record)?.[1]?.trim();
    const [job, task, exit] = [value('jobnumber'), value('taskid'), value('exit_status')];
    const [, code, words] = /^(\d+)(?:\s*:(.*))?$/s.exec(value('failed') ?? '') ?? [];
    if (!job || !/^\d+$/.test(job) || code === undefined || !exit || !/^\d+/.test(exit)) {
      if (n === records.length - 1) return undefined;
      continue;
    }
    const tasks = task && /^\d+$/.test(task) ? task : undefined;
    const ended = outcome(Number(code), words?.trim(), Number.parseInt(exit, 10), value('deleted_by'));
    const row = { job, tasks, name: value('jobname'), isWholeName: true, owner: value('owner'), ...ended };
    rows.set(`${job}.${tasks ?? ''}`, strip({ ...row, node: value('hostname') }));
  }
  return [...rows.values()];
}

/**
 * The meaning of `failed`, accounting(5), sge_status(5): up to 11 the job never began and returns to the queue; at 24 and
 * 25 it was rescheduled; from 26 to 36 it waits in error state. Only 0, 37, 100 and failures after the job's start mean
 * an end.
 */
function outcome(
  code: number,
  words: string | undefined,
  exit: number,
  deletedBy: string | undefined,
): Pick<Row, 'state' | 'word' | 'reason' | 'exit'> {
  const [word, reason] = [`failed ${code}`, words || undefined];
  if (code === 0) return { state: exit === 0 ? 'finished' : 'failed', word: `exit_status ${exit}`, exit };
  if (code === 37 || code === 100 || (code >= 12 && code <= 18)) {
    if (deletedBy && !/^(NONE|undefined)$/.test(deletedBy))
      return { state: 'cancelled', word, reason: `deleted by ${deletedBy}`, exit };
    // 100 means any signal to the whole job: qdel, kill and the kernel can't be distinguished
    const signal = code === 100 && exit > 128 ? ` (signal ${exit - 128}: deleted, killed, or over a limit)` : '';
    return strip({ state: 'failed', word, reason: `${reason ?? word}${signal}`, exit });
  }
  if (code <= 11 || code === 24 || code === 25) return strip({ state: 'queued', word, reason });
  if (code >= 26 && code <= 36) return strip({ state: 'held', word, reason });
  return strip({ state: 'unknown', word, reason });
}
