/** Scripts of `templates/headnode` that fetch its programs, and follow what takes long. */
export const ownScripts = /^(tool-|detach|follow$|keep-up$)/;
