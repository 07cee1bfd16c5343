import { basename, extname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Call, flag } from '../http/call.js';
import { fullName, type RunRecord } from '../runs/record.js';
import { archive, extent } from '../workspace/archive.js';
import { NotThereError } from '../workspace/errors.js';
import { find } from '../workspace/find.js';
import { entryAt, namesOf } from '../workspace/inside.js';
import { openFile } from '../workspace/read.js';

/**
 * Sends a file as it is; sends a directory or several files as a zip archive.
 * @throws NotThereError if nothing matches
 */
export async function download(call: Call, run: RunRecord, root: string, pathOrGlob: string): Promise<void> {
  const isDirectory = (await entryAt(root, namesOf(pathOrGlob)))?.stats.isDirectory();
  const files = (await find(root, pathOrGlob)).filter(({ stats }) => !stats.isDirectory());
  const [only] = files;
  if (!only) {
    const text = isDirectory ? 'The provided directory is empty.' : `${pathOrGlob} does not exist.`;
    throw new NotThereError(text);
  }
  if (!isDirectory && files.length === 1) return sendFile(call, root, only.path);
  const stream = archive(root, files);
  const time = new Date().toISOString().slice(0, 19).replace('T', '-').replaceAll(':', '');
  const name = `download_${fullName(run)}_${basename(pathOrGlob)}_${time}.zip`;
  call.response.writeHead(200, { 'Content-Type': 'application/zip', 'Content-Disposition': attachment(name) });
  await pipeline(stream, call.response);
}

async function sendFile(call: Call, root: string, path: string): Promise<void> {
  const { response } = call;
  const file = await openFile(root, path);
  const stats = await file.stat();
  const preview = flag(call, 'preview') ? previews[extname(path).toLowerCase()] : undefined;
  response.writeHead(200, {
    'Content-Type': preview ?? 'application/octet-stream',
    'Content-Length': stats.size,
    'Last-Modified': stats.mtime.toUTCString(),
    ...(preview ? shownAs(preview) : { 'Content-Disposition': attachment(path) }),
  });
  if (stats.size > 0) return pipeline(file.createReadStream(extent(stats)), response);
  await file.close();
  response.end();
}

/**
 * Headers for files in a browser: a step's output is not part of our pages. It may not run scripts, and may not load
 * anything, because that would tell others who looks at it. Only a PDF is shown in a frame, by the page itself.
 */
const shownAs = (type: string): Record<string, string> => ({
  'Content-Security-Policy': [
    ...["default-src 'none'", "style-src 'unsafe-inline'", 'img-src data:', 'font-src data:'],
    ...[`frame-ancestors ${type === 'application/pdf' ? "'self'" : "'none'"}`, 'sandbox'],
  ].join('; '),
  ...{ 'X-Content-Type-Options': 'nosniff', 'Cross-Origin-Resource-Policy': 'same-origin' },
  ...{ 'Referrer-Policy': 'no-referrer', 'Cache-Control': 'no-store' },
});

const previews: Readonly<Record<string, string>> = {
  ...{ '.png': 'image/png', '.jpg': 'image/jpeg', '.jpeg': 'image/jpeg', '.gif': 'image/gif', '.webp': 'image/webp' },
  ...{ '.svg': 'image/svg+xml', '.pdf': 'application/pdf', '.html': 'text/html; charset=utf-8' },
  ...{ '.txt': 'text/plain; charset=utf-8', '.log': 'text/plain; charset=utf-8' },
};

/** RFC 6266; reana-client uses this name for the file in the directory that it is asked to write to. */
function attachment(name: string): string {
  if (/^[\x20-\x7e]+$/.test(name)) return `attachment; filename="${name.replaceAll(/["\\]/g, '\\$&')}"`;
  const encoded = encodeURIComponent(name).replaceAll(/['()*]/g, c => `%${c.charCodeAt(0).toString(16)}`);
  return `attachment; filename*=UTF-8''${encoded}`;
}
