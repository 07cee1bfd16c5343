import { ConnectionError, ScailfinError } from '../errors.js';
import { inLine, printable } from '../printable.js';
import type { ReanaClient, RunReport, StepReport } from '../reana/client.js';
import { isRunOver } from '../reana/run.js';
import { formatDuration } from '../units.js';
import type { Ui } from './ui.js';

const everyMs = 500;
const patienceMs = 60_000;

/** Shows each step when it starts and ends. @returns the run's last report */
export async function follow(client: ReanaClient, run: string, ui: Ui): Promise<RunReport> {
  const shown = new Map<string, string>();
  for (;;) {
    const report = await patiently(() => client.status(run), ui);
    if (report.status === 'created') {
      throw new ScailfinError(
        `${inLine(report.name)} was created but never started: some of its inputs may be missing`,
        {
          hint: 'start a new run: scailfin run',
        },
      );
    }
    const { job_logs } = await patiently(() => client.logs(run), ui);
    for (const [id, step] of Object.entries(job_logs)) {
      const now = `${step.status}${tookOf(step)}${waitsFor(step)}`;
      if (shown.get(id) === now) continue;
      shown.set(id, now);
      const mark = Object.hasOwn(marks, step.status) ? marks[step.status] : '·';
      ui.say(` ${mark} ${inLine(step.job_name)}: ${inLine(now)}`);
    }
    if (isRunOver(report.status)) {
      const { total, finished } = report.progress;
      ui.say(`${inLine(report.name)}: ${report.status}, ${finished.total} of ${total.total} steps`);
      return report;
    }
    await new Promise(resolve => setTimeout(resolve, everyMs));
  }
}

/** An edge that crashed restarts within seconds, and its runs continue. */
export async function patiently<T>(ask: () => Promise<T>, ui: Ui): Promise<T> {
  let said = '';
  for (const end = Date.now() + patienceMs; ; ) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof ConnectionError) || Date.now() > end) throw error;
      if (error.message !== said) ui.say(`${inLine(error.message)}; asking again for a minute`);
      said = error.message;
      await new Promise(resolve => setTimeout(resolve, 2000));
    }
  }
}

const marks: Readonly<Record<string, string>> = { finished: '✓', failed: '✗', stopped: '✗', running: '▸' };

function tookOf({ started_at, finished_at }: StepReport): string {
  const took = (Date.parse(finished_at ?? '') - Date.parse(started_at ?? '')) / 1000;
  return Number.isFinite(took) ? ` (${formatDuration(took)})` : '';
}

/** The reason why a step is still queued, which is the end of its log. */
function waitsFor({ status, logs }: StepReport): string {
  const why = status === 'queued' ? endOf((logs ?? '').trim().split('\n')).at(-1) : '';
  return why ? `: ${why}` : '';
}

/** The run's own reason, and the end of the failed step's output. */
export async function failure(client: ReanaClient, { name, status }: RunReport): Promise<ScailfinError> {
  const { workflow_logs, job_logs } = await client.logs(name);
  const failed = Object.values(job_logs).find(step => step.status === 'failed');
  const tail = (text: string | null | undefined): string[] => {
    const lines = printable(text ?? '')
      .trim()
      .split('\n');
    return endOf(lines).map(line => `  ${line}`);
  };
  const lines = [`${inLine(name)} ${status === 'stopped' ? 'was stopped' : status}`, ...tail(workflow_logs)];
  if (failed) lines.push(`step ${inLine(failed.job_name)} printed:`, ...tail(failed.logs));
  return new ScailfinError(lines.filter(line => line.trim() !== '').join('\n'), {
    hint: `the complete log: reana-client logs -w ${inLine(name)}`,
  });
}

const endOf = (lines: readonly string[]): string[] => lines.slice(-8);
