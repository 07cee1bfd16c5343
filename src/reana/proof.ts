import { createHmac } from 'node:crypto';

/** Where a REANA of ours proves that it is; whoever asks sends a word of its own. */
export const proofPath = '/api/scailfin/proof';

/**
 * What only who knows the token can say, of a word that nobody can have heard before. It is of the port that was asked,
 * so that who took a port over can't have another port's owner answer.
 * @param token secret
 */
export const proofOf = (token: string, port: number, nonce: string): string =>
  createHmac('sha256', token).update(`scailfin proof ${port} ${nonce}`).digest('base64url');
