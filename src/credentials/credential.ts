/** Something that proves who the user is for a limited time: a proxy certificate or a certified SSH key. */
export interface Credential {
  /** For messages: `the proxy /tmp/x509up_u1000`. */
  readonly what: string;
  /** After this time it is useless. */
  readonly end: Date;
}

/** Whole seconds until the credential ends; 0 if it has ended. */
export function secondsLeft(credential: Pick<Credential, 'end'>, now = new Date()): number {
  return Math.max(0, Math.floor((credential.end.getTime() - now.getTime()) / 1000));
}
