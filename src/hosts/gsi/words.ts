import { printable } from '../../printable.js';

/** What TLS alerts and failures mean between a proxy and a GSI server; Node names them by `code`. */
const alerts: readonly (readonly [RegExp, string])[] = [
  [
    /HANDSHAKE_FAILURE|NO_SHARED_CIPHER/,
    'has no AES-GCM cipher suite, and for others, such as ChaCha20, GSI has no MIC',
  ],
  [/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|WRONG_VERSION/, 'speaks neither TLS 1.2 nor 1.3'],
  [/ALERT_CERTIFICATE_EXPIRED/, 'says that the proxy, or a certificate behind it, has expired'],
  [/ALERT_CERTIFICATE_REVOKED/, 'says that your certificate was revoked'],
  [/ALERT_UNKNOWN_CA/, 'does not know the authority that issued your certificate'],
  [/ALERT_(BAD_|UNSUPPORTED_)?CERTIFICATE/, 'does not accept the proxy'],
];

/** A failed handshake in words that follow the server's name. */
export function tlsFailure(error: Error & { code?: string }): string {
  const known = alerts.find(([pattern]) => pattern.test(error.code ?? ''));
  return known?.[1] ?? `broke the TLS session off: ${error.message}`;
}

/**
 * What a server's error text says in the end. Globus sends a chain of lines, the outermost layer first, each behind its
 * module's name; the cause is the last. Other servers' texts stay, on one line.
 */
export function serverWords(text: string): string {
  const lines = text
    .split('\n')
    .map(line => printable(line).trim())
    .filter(line => line !== '');
  const causes = lines.flatMap(line => /^globus_\w+: (.+)/.exec(line)?.[1] ?? []);
  return causes.at(-1) ?? lines.join('; ');
}
