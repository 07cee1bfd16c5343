/*
 * A VOMS server's REST interface (GET /generate-ac), for voms-proxy-init and for us. It attests what it is asked for,
 * with the attribute certificates that voms-proxy-fake makes in its directory's name.
 *   node voms-server.js PORT CERT KEY LOG
 * LOG gets each request's bytes, escaped as JSON, a line each.
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';

const [port = '', cert = '', key = '', log = ''] = process.argv.slice(2);
const [userCert, userKey] = ['/home/scail/.globus/usercert.pem', '/home/scail/.globus/userkey.pem'];

/**
 * @param {string[]} fqans
 * @param {number} hours
 * @returns {string} Base64 in lines
 */
function attest(fqans, hours) {
  const dir = mkdtempSync(join(tmpdir(), 'voms-'));
  try {
    const [, vo = ''] = (fqans[0] ?? '').split('/');
    const granted = fqans.flatMap(fqan => [
      '-fqan',
      `${fqan.includes('/Role=') ? fqan : `${fqan}/Role=NULL`}/Capability=NULL`,
    ]);
    const names = ['-cert', userCert, '-key', userKey, '-hostcert', cert, '-hostkey', key];
    const where = ['-voms', vo, '-uri', `grid:${port}`, '-separate', join(dir, 'ac'), '-out', join(dir, 'proxy')];
    const args = ['-rfc', '-newformat', '-quiet', '-vomslife', String(hours), ...names, ...where, ...granted];
    execFileSync('voms-proxy-fake', args, { stdio: 'pipe' });
    return readFileSync(join(dir, 'ac'), 'latin1').replace(/-----[^-]+-----\n/g, '');
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** @param {string} fqan */
const isRefused = fqan => fqan.startsWith('/testvo/secret');

/**
 * @param {string} path
 * @returns {[number, string]} HTTP status and XML
 */
function answer(path) {
  const url = new URL(path, 'https://grid');
  if (url.pathname !== '/generate-ac') return [404, ''];
  const fqans = (url.searchParams.get('fqans') ?? '').split(',');
  const seconds = Number(url.searchParams.get('lifetime'));
  const of = (/** @type {string} */ inside) => `<?xml version="1.0" encoding="UTF-8"?><voms>${inside}</voms>`;
  if (fqans.some(isRefused))
    return [403, of('<error><code>NoSuchUser</code><message>User unknown to this VO.</message></error>')];
  const warning = seconds > 86_400 ? '<warning>The validity of this VOMS AC is shortened to 24 hours</warning>' : '';
  return [200, of(`<ac>${attest(fqans, Math.min(seconds, 86_400) / 3600)}</ac>${warning}`)];
}

const options = {
  cert: readFileSync(cert),
  key: readFileSync(key),
  // the chain of a proxy is nothing that TLS alone could verify
  ...{ requestCert: true, rejectUnauthorized: false },
};
createServer(options, socket => {
  let text = '';
  socket.on('error', () => {});
  socket.on('data', data => {
    text += data.toString('latin1');
    // GSI clients send a "0" first, and some end lines with LF alone
    const request = /^0?GET (\S+) HTTP\/1\.[01]\r?\n[\s\S]*?\r?\n\r?\n/.exec(text);
    if (!request) return;
    const subject = socket.getPeerCertificate()?.subject;
    appendFileSync(log, `${JSON.stringify({ request: text, subject })}\n`);
    const [status, body] = answer(request[1] ?? '');
    socket.end(`HTTP/1.1 ${status} X\r\nContent-Type: text/xml\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  });
}).listen(Number(port), () => process.stdout.write('ready\n'));
