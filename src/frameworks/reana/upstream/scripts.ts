/** Scripts of `templates/headnode` that fetch its programs and follow long work. */
export const ownScripts = /^(tool-|detach|follow$|keep-up$)/;
