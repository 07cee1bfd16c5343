import type { Command, Output } from '../job.js';
import { refusal } from './words.js';

/** qdel's messages about cancelled jobs, all on stdout. */
export const CANCELLED =
  /\bhas (deleted|registered the) job(?:-array task)? "?(\d+)(?:\.(\d+))?|^job "?(\d+)(?:\.(\d+))?"? is already in deletion/;

/** qdel's messages about jobs that are over. */
export const GONE = /^(denied: )?(the )?job(-array tasks?)? .* do(es)? not exist|^\.+$/i;

const COMPLAINT = /privilege|permission|denied|error|unable|invalid/i;

export const cancel = (ids: readonly string[]): Command => ({ argv: ['qdel', ...ids.map(id => id.replace('_', '.'))] });

export function parseCancel(out: Output): void {
  const said = `${out.stdout}\n${out.stderr}`.split('\n').filter(l => l.trim() !== '');
  const complaint = said.filter(l => !CANCELLED.test(l) && !GONE.test(l));
  const failed = out.exitCode === 0 ? complaint.filter(l => COMPLAINT.test(l)) : complaint;
  if (failed.length > 0 || (out.exitCode !== 0 && said.length === 0))
    throw refusal('qdel', { ...out, stdout: '', stderr: failed.join('\n') });
}
