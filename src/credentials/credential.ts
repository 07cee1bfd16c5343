/** Something that proves who we are for a while: a proxy certificate, a certified SSH key. */
export interface Credential {
  /** For messages: `the proxy /tmp/x509up_u1000`. */
  readonly what: string;
  /** From then on it proves nothing. */
  readonly end: Date;
}

/** Whole seconds until the credential ends; 0 when it has ended. */
export function secondsLeft(credential: Pick<Credential, 'end'>, now = new Date()): number {
  return Math.max(0, Math.floor((credential.end.getTime() - now.getTime()) / 1000));
}
