import { AuthError } from '../../errors.js';

/** Why a certificate, a chain or a key can't be used. */
export type Problem =
  | 'malformed'
  | 'expired'
  | 'not-yet-valid'
  | 'unknown-ca'
  | 'bad-signature'
  | 'not-a-ca'
  | 'pathlen'
  | 'revoked'
  | 'crl'
  | 'signing-policy'
  | 'limited'
  | 'proxy-kind'
  | 'usage'
  | 'unsupported'
  | 'wrong-name'
  | 'wrong-key';

/** A certificate that can't be used, with the reason as one word. */
export class CertificateError extends AuthError {
  constructor(
    readonly reason: Problem,
    message: string,
    options: { hint?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, options);
  }

  override toJSON(): Record<string, unknown> {
    return { ...super.toJSON(), reason: this.reason };
  }
}
