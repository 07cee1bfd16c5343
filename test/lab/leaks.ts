import { appendFileSync } from 'node:fs';
import { secrets } from '../secrets.js';
import type { Host } from './host.js';

/**
 * Where the test run collects what it found of its own secrets; see test/setup/leaks.ts. Without it nothing is searched.
 */
const reportFile = (): string | undefined => process.env.SCAILFIN_LEAKS;

/** Secrets and what keys look like; a public part says PUBLIC. */
const patterns = [...secrets, 'PRIVATE KEY-----'];

/** Where no secret may be, however well the file is guarded: it would stay there, or be sent to somebody with a question. */
const records = String.raw`/\.local/state/|/\.cache/|/logs?/|/var/log/|\.jsonl$|\.log$`;

/** Names files with a secret that are a record of something, or that others may read: `MODE PATH`, a line each. */
const search = `grep -rlIF --exclude-dir=.git -f - /home /root /tmp /var/tmp /var/log 2>/dev/null |
while read -r f; do
  mode=$(stat -L -c %a "$f") || continue
  if [ $((0$mode & 077)) -ne 0 ] || printf '%s' "$f" | grep -qE '${records}'; then echo "$mode $f"; fi
done`;

export async function searchFiles(host: Host): Promise<void> {
  if (reportFile() === undefined) return;
  const options = { user: 'root', stdin: `${patterns.join('\n')}\n`, check: false, timeoutMs: 60_000 };
  const { stdout } = await host.exec(['sh', '-c', search], options);
  for (const line of stdout.split('\n').filter(Boolean)) report(`a secret is in a file of ${host.name}: ${line}`);
}

/** What scailfin printed. */
export function searchOutput(what: string, text: string): void {
  if (reportFile() === undefined) return;
  for (const [n, pattern] of patterns.entries()) {
    if (text.includes(pattern)) report(`secret ${n} of test/secrets.ts was printed by ${what}`);
  }
}

function report(line: string): void {
  appendFileSync(reportFile() as string, `${line}\n`);
}
