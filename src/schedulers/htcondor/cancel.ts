import type { Command, Output } from '../job.js';
import { GONE, refusal } from './words.js';

export const cancel = (ids: readonly string[]): Command => ({
  argv: ['condor_rm', ...ids.map(id => id.replace('_', '.'))],
});

export function parseCancel(out: Output): void {
  if (out.exitCode === 0) return;
  const said = `${out.stdout}\n${out.stderr}`.split('\n').flatMap(l => l.trim() || []);
  const complaint = said.filter(l => !GONE.test(l) && !/marked for removal/i.test(l));
  if (said.length === 0 || complaint.length > 0)
    throw refusal('condor_rm', { ...out, stdout: '', stderr: complaint.join('\n') });
}
