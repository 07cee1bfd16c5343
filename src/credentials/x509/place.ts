/** X509_USER_PROXY, or the path at which Globus puts a user's proxy. */
export function proxyFile(env: NodeJS.ProcessEnv = process.env): string {
  return env.X509_USER_PROXY || `/tmp/x509up_u${process.getuid?.() ?? 0}`;
}
