import type { Command, Output } from '../job.js';
import { limited } from './limited.js';
import { CANCELLED, refusal } from './words.js';

export const cancel = (ids: readonly string[]): Command => ({
  argv: limited(60, 'bkill', ...ids.map(id => id.replace(/_(\d+)$/, '[$1]'))),
});

export function parseCancel(out: Output): void {
  if (out.exitCode === 0) return;
  const said = `${out.stderr}\n${out.stdout}`.split('\n').filter(l => l.trim() !== '');
  const complaint = said.filter(l => !CANCELLED.test(l));
  if (out.exitCode === null || out.exitCode === 124 || said.length === 0 || complaint.length > 0)
    throw refusal('bkill', { ...out, stderr: complaint.join('\n'), stdout: '' });
}
