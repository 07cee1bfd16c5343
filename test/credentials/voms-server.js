/*
 * VOMS servers (GET /generate-ac, as vomsd 2.1 answers it), for voms-proxy-init and for us. The attribute certificates are made by
 * voms-proxy-fake in the server's name.
 *   node voms-server.js VOS CERT KEY LOG
 * VOS is JSON: the VOs of vo.ts. LOG gets each request as JSON, a line each: the port and the path.
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';

const [vos = '', cert = '', key = '', log = ''] = process.argv.slice(2);
/** The only user for whom it has what voms-proxy-fake needs. */
const [userCert, userKey] = ['/home/scail/.globus/usercert.pem', '/home/scail/.globus/userkey.pem'];
const longest = 86_400;

/** @typedef {import('./vo.js').Vo} Vo */

/**
 * @param {Vo} vo
 * @param {readonly string[]} fqans
 * @param {number} seconds
 * @returns {string} Base64 in lines
 */
function attest({ vo, port, old }, fqans, seconds) {
  const dir = mkdtempSync(join(tmpdir(), 'voms-'));
  try {
    const granted = fqans.flatMap(fqan => [
      '-fqan',
      `${fqan.includes('/Role=') ? fqan : `${fqan}/Role=NULL`}/Capability=NULL`,
    ]);
    const names = ['-cert', userCert, '-key', userKey, '-hostcert', cert, '-hostkey', key];
    const where = ['-voms', vo, '-uri', `grid:${port}`, '-separate', join(dir, 'ac'), '-out', join(dir, 'proxy')];
    const form = ['-rfc', '-quiet', ...(old ? [] : ['-newformat']), '-vomslife', String(seconds / 3600)];
    execFileSync('voms-proxy-fake', [...form, ...names, ...where, ...granted], { stdio: 'pipe' });
    return readFileSync(join(dir, 'ac'), 'latin1').replace(/-----[^-]+-----\n/g, '');
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/**
 * @param {Vo} vo
 * @param {string} path
 * @param {string} who name of the client's certificate
 * @returns {[string, string]} HTTP status and XML
 */
function answer(vo, path, who) {
  const url = new URL(path, 'https://grid');
  if (url.pathname !== '/generate-ac') return ['404 Not Found', ''];
  const of = (/** @type {string} */ inside) => `<?xml version="1.0" encoding="UTF-8"?><voms>${inside}</voms>`;
  const refuse = (/** @type {string} */ status, /** @type {string} */ code, /** @type {string} */ why) =>
    /** @type {[string, string]} */ ([status, of(`<error><code>${code}</code><message>${why}</message></error>`)]);
  const member = vo.members.find(({ name }) => name === who);
  if (!member) return refuse('403 Forbidden', 'NoSuchUser', `${vo.vo}: User unknown to this VO.`);
  if (member.suspended !== undefined) {
    const why = `User is currently suspended!\nSuspension reason: ${member.suspended}`;
    return refuse('403 Forbidden', 'SuspendedUser', why);
  }
  const wanted = (url.searchParams.get('fqans') ?? `/${vo.vo}`).split(',');
  const missing = wanted.find(fqan => !member.fqans.includes(fqan));
  if (missing !== undefined) {
    const command = missing.includes('/Role=') ? `B${missing.replace('/Role=', ':')}` : `G${missing}`;
    return refuse('400 Bad Request', 'BadRequest', `${vo.vo}: Unable to satisfy ${command} request!`);
  }
  const groups = member.fqans.filter(fqan => !fqan.includes('/Role='));
  const seconds = Number(url.searchParams.get('lifetime'));
  const ac = attest(vo, [...new Set([...wanted, ...groups])], Math.min(seconds, longest));
  if (seconds <= longest) return ['200 OK', of(`<ac>${ac}</ac>`)];
  const warning = `grid:${vo.port}: The validity of this VOMS AC in your proxy is shortened to ${longest} seconds!`;
  return ['500 Internal Server Error', of(`<ac>${ac}</ac><warning>${warning}</warning>`)];
}

const options = {
  cert: readFileSync(cert),
  key: readFileSync(key),
  // the chain of a proxy is nothing that TLS alone could verify
  ...{ requestCert: true, rejectUnauthorized: false },
};

/** @param {Vo} vo */
function serve(vo) {
  const server = createServer(options, socket => {
    let text = '';
    socket.on('error', () => {});
    socket.on('data', data => {
      text += data.toString('latin1');
      // GSI clients send a "0" first, and some end lines with LF alone
      const [, path] = /^0?GET (\S+) HTTP\/1\.[01]\r?\n[\s\S]*?\r?\n\r?\n/.exec(text) ?? [];
      if (path === undefined) return;
      const { O, OU, CN } = socket.getPeerCertificate().subject;
      // a proxy's name has further CN behind the user's
      const who = `/O=${O}/OU=${OU}/CN=${[CN].flat()[0]}`;
      appendFileSync(log, `${JSON.stringify({ port: vo.port, path })}\n`);
      const [status, body] = answer(vo, path, who);
      const head = ['Content-Type: text/xml; charset=utf-8', `Content-Length: ${body.length}`, 'Connection: close'];
      socket.end(`HTTP/1.1 ${status}\r\nServer: gSOAP/2.8\r\n${head.join('\r\n')}\r\n\r\n${body}`);
    });
  });
  return new Promise(resolve => server.listen(vo.port, () => resolve(undefined)));
}

await Promise.all(JSON.parse(readFileSync(vos, 'utf8')).map(serve));
process.stdout.write('ready\n');
