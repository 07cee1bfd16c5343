/** What the wrapper wrote down of a step: `key=value` lines; `deleted=` comes once per path, in base64. */
export interface Report {
  /** The step's own exit status; undefined where it was never run. */
  readonly exit: number | undefined;
  /** Worked on the headnode's own files: nothing is to be merged. */
  readonly shared: boolean;
  readonly deleted: readonly string[];
  readonly values: ReadonlyMap<string, string>;
}

export function parseReport(text: string): Report {
  const lines = text.split('\n').flatMap(line => {
    const at = line.indexOf('=');
    return at > 0 ? [[line.slice(0, at), line.slice(at + 1)] as const] : [];
  });
  const values = new Map(lines);
  const exit = values.get('exit');
  return {
    exit: exit !== undefined && /^\d+$/.test(exit) ? Number(exit) : undefined,
    shared: ['yes', 'true', '1'].includes(values.get('shared') ?? ''),
    deleted: lines.filter(([key]) => key === 'deleted').map(([, path]) => Buffer.from(path, 'base64').toString()),
    values,
  };
}

/** The wrapper's own exit statuses; a step's own status of that number comes with a report that names it. */
const classes: Readonly<Record<number, string>> = {
  160: 'no container runtime works',
  161: 'its image is not there, or could not be converted',
  162: 'a file it needs did not arrive as it was when the step was submitted',
  163: 'what it made could not be brought back',
  164: 'the launcher of parallel programs failed',
  165: 'the disk is full',
  166: 'the wrapper itself failed',
};

export interface Outcome {
  readonly state: 'finished' | 'failed';
  readonly exitCode?: number | undefined;
  readonly reason?: string | undefined;
}

/**
 * What became of a step whose job ended by itself.
 * @param status the job's; undefined where a signal ended it
 */
export function outcomeOf(
  job: { readonly exitCode?: number | undefined; readonly signal?: number | undefined },
  report: Report | undefined,
  node: string | undefined,
): Outcome {
  const there = node ? ` on ${node}` : '';
  if (job.signal !== undefined) return { state: 'failed', reason: `signal ${job.signal} ended it${there}` };
  const known = classes[job.exitCode ?? -1];
  const said = report?.values.get('message');
  // the wrapper's word counts above the step's: a step that went well and whose output is lost has failed
  const isWrappers = known !== undefined && (report?.exit === undefined || report.exit !== job.exitCode);
  if (isWrappers)
    return { state: 'failed', reason: said ? `${node ? `on ${node}: ` : ''}${said}` : `${known}${there}` };
  if (report?.exit === undefined) {
    return {
      state: 'failed',
      exitCode: job.exitCode,
      reason: `it ended${there} with status ${job.exitCode} and no report`,
    };
  }
  if (report.exit === 0) return { state: 'finished', exitCode: 0 };
  return { state: 'failed', exitCode: report.exit, reason: `its command ended with status ${report.exit}` };
}
