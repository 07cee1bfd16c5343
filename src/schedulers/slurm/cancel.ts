import type { Command, Output } from '../job.js';
import { refusal } from './words.js';

export const cancel = (ids: readonly string[]): Command => ({ argv: ['scancel', ...ids] });

export function parseCancel(out: Output): void {
  if (out.exitCode === 0) return;
  const said = out.stderr.split('\n').filter(l => l.trim() !== '');
  const complaint = said.filter(l => !/Invalid job id specified|already complet|^scancel: Terminating/i.test(l));
  if (said.length === 0 || complaint.length > 0) throw refusal('scancel', { ...out, stderr: complaint.join('\n') });
}
