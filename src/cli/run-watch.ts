import { ConnectionError, ScailfinError } from '../errors.js';
import { inLine, printable } from '../printable.js';
import type { RunLogs } from '../reana/answers.js';
import type { ReanaClient, RunReport, StepReport } from '../reana/client.js';
import { isRunOver } from '../reana/run.js';
import { formatDuration } from '../units.js';
import type { Ui } from './ui.js';

const everyMs = 500;
/** How often the logs are asked for while no step begins or ends: then only the reason why one waits can change. */
const logsEveryMs = 5000;
/** The logs hold all that the steps have printed. They are asked for so rarely that it takes a small part of the time. */
const logsShare = 0.1;
const patienceMs = 60_000;

/** Shows each step when it starts and ends. @returns the run's last report */
export async function follow(client: ReanaClient, run: string, ui: Ui): Promise<RunReport> {
  const shown = new Map<string, string>();
  let [seen, soonest, due] = ['', 0, 0];
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
    const progress = JSON.stringify(report.progress);
    const now = Date.now();
    if (isRunOver(report.status) || now >= (progress === seen ? due : soonest)) {
      const { job_logs } = await patiently(() => client.logs(run), ui);
      tellNews(job_logs, shown, ui);
      const took = Date.now() - now;
      seen = progress;
      soonest = Date.now() + took / logsShare;
      due = Math.max(soonest, Date.now() + logsEveryMs);
    }
    if (isRunOver(report.status)) {
      const { total, finished } = report.progress;
      ui.say(`${inLine(report.name)}: ${report.status}, ${finished.total} of ${total.total} steps`);
      return report;
    }
    await new Promise(resolve => setTimeout(resolve, everyMs));
  }
}

/** @param shown what was said of each step, by its id */
function tellNews(steps: RunLogs['job_logs'], shown: Map<string, string>, ui: Ui): void {
  for (const [id, step] of Object.entries(steps)) {
    const now = `${step.status}${tookOf(step)}${waitsFor(step)}`;
    if (shown.get(id) === now) continue;
    shown.set(id, now);
    const mark = Object.hasOwn(marks, step.status) ? marks[step.status] : '·';
    ui.say(` ${mark} ${inLine(step.job_name)}: ${inLine(now)}`);
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

/**
 * The run's own reason, and the end of the output of the step that failed first. If a step failed, the reason is the last line of
 * the run's log; before it is what the workflow engine, such as yadage, says when it gives up: a traceback.
 */
export async function failure(client: ReanaClient, { name, status }: RunReport): Promise<ScailfinError> {
  const { workflow_logs, job_logs } = await client.logs(name);
  const end = ({ finished_at }: StepReport): string => finished_at ?? '~';
  const [failed] = Object.values(job_logs)
    .filter(step => step.status === 'failed')
    .sort((a, b) => (end(a) < end(b) ? -1 : 1));
  const tail = (text: string | null | undefined): string[] => {
    const lines = printable(text ?? '')
      .trim()
      .split('\n');
    return endOf(lines).map(line => `  ${line}`);
  };
  const lines = [
    `${inLine(name)} ${status === 'stopped' ? 'was stopped' : status}`,
    ...tail(workflow_logs).slice(failed ? -1 : 0),
  ];
  if (failed) lines.push(`step ${inLine(failed.job_name)} printed:`, ...tail(failed.logs));
  return new ScailfinError(lines.filter(line => line.trim() !== '').join('\n'), {
    hint: `the complete log: reana-client logs -w ${inLine(name)}`,
  });
}

const endOf = (lines: readonly string[]): string[] => lines.slice(-8);
