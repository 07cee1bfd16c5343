import { AuthError, ScailfinError } from '../../errors.js';
import { printable } from '../../printable.js';
import { between } from '../../text.js';
import { readAttributes } from './attributes.js';
import { Channel } from './channel.js';
import { comparable, oneLine } from './name.js';
import { CertificateError } from './problem.js';
import type { Trust } from './trust.js';
import type { Identity } from './user.js';
import { type VomsRequest, type VomsServer, vomsServers } from './vomses.js';

export interface VomsOptions {
  readonly trust: Trust;
  /** Wanted lifetime of the attributes in seconds; the server may give less. */
  readonly lifetime: number;
  readonly timeoutMs?: number;
  /** Default: the servers of the vomses files. */
  readonly servers?: readonly VomsServer[];
}

/** An answer of a VOMS server. */
export interface VomsAnswer {
  /** DER of the attribute certificate. */
  readonly certificate: Buffer;
  /** The server's own words. */
  readonly warnings: readonly string[];
}

/**
 * Asks the servers of a VO, one after the other, for an attribute certificate of the user. A refusal is no reason to stop: a VOMS
 * server that has lost its database says of every member that they are unknown. So voms-proxy-init goes on, too.
 * @param own the user's certificate or proxy
 * @throws AuthError in the server's words if it refuses; if there are several servers, with the reason for each
 */
export async function requestAttributes(
  request: VomsRequest,
  own: Identity,
  options: VomsOptions,
): Promise<VomsAnswer> {
  const servers = options.servers ?? vomsServers(request.vo);
  const failures: ScailfinError[] = [];
  for (const server of servers) {
    try {
      return await ask(server, request, own, options);
    } catch (error) {
      if (!(error instanceof ScailfinError)) throw error;
      failures.push(error);
    }
  }
  if (failures.length === 1) throw failures[0];
  const reasons = failures.map(({ message }) => `  ${message}`);
  // what a server answered says more than that another one is away
  const telling = failures.find(failure => failure instanceof AuthError) ?? failures[0];
  throw new AuthError([`no server of the VO ${request.vo} gave attributes:`, ...reasons].join('\n'), {
    hint: telling?.hint,
  });
}

async function ask(server: VomsServer, request: VomsRequest, own: Identity, options: VomsOptions): Promise<VomsAnswer> {
  const { host, port, vo } = server;
  const { trust, timeoutMs } = options;
  const peer = { host, port, services: ['host', 'voms'], identity: server.name };
  const channel = await Channel.open({ ...peer, trust, own, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
  try {
    const fqans = request.fqans.length > 0 ? request.fqans : [`/${vo}`];
    const path = `/generate-ac?fqans=${fqans.join(',')}&lifetime=${options.lifetime}`;
    channel.write(`GET ${path} HTTP/1.0\r\nUser-Agent: scailfin\r\nAccept: */*\r\nHost: ${host}:${port}\r\n\r\n`);
    const who = `the VOMS server ${host}:${port}`;
    return checked(parseAnswer((await channel.readAll()).toString('utf8'), who), own, who);
  } finally {
    channel.close();
  }
}

/** Reads only the XML of these servers, not XML in general: VOMS REST interface, /generate-ac. */
export function parseAnswer(text: string, who: string): VomsAnswer {
  const [head = '', ...rest] = text.split(/\r?\n\r?\n/);
  const body = rest.join('\n\n');
  const status = /^HTTP\/1\.\d (\d{3})/.exec(head)?.[1];
  const errors = [...between(body, '<error>', '</error>')].map(error => {
    const [code, message] = [inside(error, 'code'), inside(error, 'message')];
    return { code, text: message && code ? `${message} (${code})` : (message ?? code ?? '') };
  });
  const certificate = inside(body, 'ac')?.replace(/\s+/g, '');
  // with a warning, the status is 500 although the attributes are there
  if (errors.length > 0 || (status !== '200' && certificate === undefined)) {
    const words = errors.map(({ text }) => text).join('; ');
    const why = words !== '' ? words : status ? `HTTP status ${status}` : 'its answer is not HTTP';
    throw new AuthError(`${who} refuses: ${why}`, { hint: hints.get(errors[0]?.code ?? '') ?? otherHint });
  }
  if (certificate === undefined) throw new CertificateError('malformed', `${who} sent no attributes`);
  const warnings = [...between(body, '<warning>', '</warning>')].map(plain);
  return { certificate: Buffer.from(certificate, 'base64'), warnings };
}

/** By the codes in vomsd's answers. */
const hints: ReadonlyMap<string, string> = new Map([
  ['NoSuchUser', 'the VO knows its members by the names of their certificates: ask it whether it knows yours'],
  ['SuspendedUser', 'ask the VO how to end the suspension'],
  ['BadRequest', 'the VO has no such group or role, or did not give it to you; without it, you get all your groups'],
]);

const otherHint = 'check VO, group and role; ask the VO whether you are a member';

/** The text of the first element with this name. */
function inside(xml: string, element: string): string | undefined {
  const [found] = between(xml, `<${element}>`, `</${element}>`);
  return found === undefined ? undefined : plain(found);
}

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

const plain = (xml: string): string =>
  printable(xml.replace(/&(lt|gt|amp|quot|apos);/g, (_, name: string) => entities[name] as string)).trim();

/**
 * A server without the option `newformat` names the user where the user's CA belongs. VOMS itself accepts both.
 * @throws CertificateError unless the attributes belong to the user
 */
function checked(answer: VomsAnswer, own: Identity, who: string): VomsAnswer {
  const { holder } = readAttributes(answer.certificate);
  const user = own.certificates.find(c => !c.proxy) ?? own.certificates[0];
  const named = comparable(oneLine(holder.issuer));
  const names = [user.issuer, user.subject].map(name => comparable(oneLine(name)));
  if (holder.serial.equals(user.serial) && names.includes(named)) return answer;
  throw new CertificateError('wrong-name', `${who} sent the attributes of somebody else than ${user.name}`);
}
