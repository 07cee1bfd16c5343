import type { Made } from '../credentials/x509/create.js';
import type { ProxyReport } from '../credentials/x509/inspect.js';
import type { Stored } from '../credentials/x509/myproxy.js';
import { formatDuration } from '../units.js';
import { table } from './table.js';
import type { Ui } from './ui.js';

/** A proxy as `proxy info` shows it, with the same lines as grid-proxy-info and voms-proxy-info. */
export function describeProxy(report: ProxyReport, now = new Date()): string {
  const rows = [
    ['subject', report.subject],
    ['issuer', report.issuer],
    ['identity', report.identity],
    ['type', report.type],
    ['strength', report.strength],
    ['path', report.path],
    ['time left', timeLeft(report.start, report.end, now)],
    ['trusted', report.trust.verified ? `yes, by ${report.trust.root}` : `no: ${report.trust.why}`],
    ...report.voms.flatMap(voms => [
      ['', ''],
      ['VO', voms.server ? `${voms.vo} (${voms.server})` : voms.vo],
      ['issuer', voms.issuer],
      ...voms.fqans.map(fqan => ['attribute', fqan]),
      ['time left', timeLeft(voms.start, voms.end, now)],
    ]),
  ];
  return table(rows);
}

function timeLeft(start: Date, end: Date, now: Date): string {
  const apart = (from: Date, to: Date): string => formatDuration((to.getTime() - from.getTime()) / 1000);
  if (now > end) return `none: it expired ${apart(end, now)} ago, at ${minute(end)}`;
  if (now < start) return `not valid before ${minute(start)}, in ${apart(now, start)}: is this machine's clock right?`;
  return `${apart(now, end)}, until ${minute(end)}`;
}

/** Shows a proxy that was made or fetched. */
export async function announce({ proxy, notes }: Made, ui: Ui): Promise<void> {
  const { inspectProxy } = await import('../credentials/x509/inspect.js');
  const report = inspectProxy(proxy);
  for (const note of notes) ui.say(`note: ${note}`);
  if (ui.json) return ui.printJson({ ...report, notes });
  const now = new Date();
  ui.print(`${report.limited ? 'limited ' : ''}proxy of ${report.identity}`);
  ui.print(`${report.path}, good for ${timeLeft(report.start, report.end, now)}`);
  for (const { vo, fqans } of report.voms) ui.print(`${vo}: ${fqans.join(' ')}`);
}

/** The credentials on a MyProxy server, as `proxy stored` shows them. */
export function describeStored(found: readonly Stored[], now = new Date()): string {
  const rows = found.flatMap(({ name, owner, start, end, retriever, renewer }) => [
    ['name', name || 'none'],
    ['owner', owner],
    ...(start && end ? [['time left', timeLeft(start, end, now)]] : []),
    ...(retriever === undefined ? [] : [['who may fetch', retriever]]),
    ...(renewer === undefined ? [] : [['who may renew', renewer]]),
    ['', ''],
  ]);
  return table(rows.slice(0, -1));
}

export const minute = (date: Date): string => `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
