import type { GridProxy } from '../../credentials/x509/proxy.js';
import { AuthError } from '../../errors.js';
import type { Outcome } from './userauth.js';

/** What to do about a server's error text; the first match counts. */
const cures: readonly (readonly [RegExp, string])[] = [
  [/\bCRL\b/, "the site's revocation lists are out of date: tell its administrators"],
  [/expired|not yet valid/i, 'the clock of this machine or of the server is wrong: compare `date -u` on both'],
  [
    /trusted CA|unknown ca|issuer certificate/i,
    'the site does not know the CA of your certificate: ask the site which CAs it accepts',
  ],
  [/revoked/i, 'ask your CA for a new certificate'],
];

/**
 * The error that says why a server did not accept a proxy.
 * @param account the account that was asked for; empty if the server chooses it
 */
export function refusal(
  alias: string,
  account: string,
  proxy: GridProxy,
  { isGsi, isEstablished, said }: Outcome,
): AuthError {
  const { file, identity, end } = proxy;
  if (!isGsi) return new AuthError(`${alias} has GSSAPI, but not GSI: it takes no proxies`);
  if (proxy.limited) {
    const hint = 'make a proxy with full rights: scailfin proxy init';
    return new AuthError(`${alias} refused the limited proxy ${file}`, { hint });
  }
  if (proxy.certificates[0].proxy?.policy === 'independent') {
    return new AuthError(`${alias} refused the independent proxy ${file}, which stands for nobody but itself`, {
      hint: 'make a proxy that represents you: scailfin proxy init',
    });
  }
  const words = said.join('; ');
  if (words === '' && isEstablished) {
    const how = account === '' ? `has no account for ${identity}` : `does not let ${identity} in as ${account}`;
    const hint = `ask the site to add that name to its grid map file${account === '' ? '' : `, or correct the user ${account}`}`;
    return new AuthError(`${alias} ${how}`, { hint });
  }
  const about = `${alias} refused the proxy ${file} of ${identity}`;
  if (words === '') return new AuthError(`${about} and gives no reason`);
  const clocks =
    /expired|not yet valid/i.test(words) && !/\bCRL\b/.test(words)
      ? `; it ends at ${second(end)}, and this machine's clock says ${second(new Date())}`
      : '';
  const hint = cures.find(([pattern]) => pattern.test(words))?.[1];
  return new AuthError(`${about}: ${words}${clocks}`, { hint });
}

const second = (date: Date): string => `${date.toISOString().slice(0, 19)}Z`;
