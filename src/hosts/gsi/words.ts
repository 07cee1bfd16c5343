import { printable } from '../../printable.js';

/** The meaning of TLS alerts and failures between a proxy and a GSI server; Node names them by `code`. */
const alerts: readonly (readonly [RegExp, string])[] = [
  [
    /HANDSHAKE_FAILURE|NO_SHARED_CIPHER/,
    "has no AES-GCM cipher suite; with others, such as ChaCha20, GSI can't sign messages",
  ],
  [/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|WRONG_VERSION/, 'speaks neither TLS 1.2 nor 1.3'],
  [/ALERT_CERTIFICATE_EXPIRED/, 'says that the proxy, or a certificate behind it, has expired'],
  [/ALERT_CERTIFICATE_REVOKED/, 'says that your certificate was revoked'],
  [/ALERT_UNKNOWN_CA/, 'does not know the authority that issued your certificate'],
  [/ALERT_(BAD_|UNSUPPORTED_)?CERTIFICATE/, 'does not accept the proxy'],
];

/** A sentence about a failed handshake; it follows the server's name. */
export function tlsFailure(error: Error & { code?: string }): string {
  const known = alerts.find(([pattern]) => pattern.test(error.code ?? ''));
  return known?.[1] ?? `broke the TLS session off: ${error.message}`;
}

/**
 * The cause in a server's error text. Globus sends a chain of lines, the outermost layer first, each after the name of
 * its module; the cause is the last line. Texts of other servers are kept, on one line.
 */
export function serverWords(text: string): string {
  const lines = text
    .split('\n')
    .map(line => printable(line).trim())
    .filter(line => line !== '');
  const causes = lines.flatMap(line => /^globus_\w+: (.+)/.exec(line)?.[1] ?? []);
  return causes.at(-1) ?? lines.join('; ');
}
