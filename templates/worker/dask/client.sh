# shellcheck shell=bash
# client.sh COMMAND…: runs a program on a node, such as JupyterLab, and lets it find Dask's scheduler on the headnode. Beside this file are
# the wire's, and the certificate and the key that prove clients to the scheduler
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2016
exec python3 -B -s "$here/wire/node.py" dask bash -c '
  # Dask writes a file of settings where it finds none
  export DASK_CONFIG=${DASK_CONFIG-$TMPDIR/dask}
  export DASK_SCHEDULER_ADDRESS=tls://127.0.0.1:{port} DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION=True
  export DASK_DISTRIBUTED__COMM__TLS__CA_FILE=$0/cert.pem DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT=$0/cert.pem
  export DASK_DISTRIBUTED__COMM__TLS__CLIENT__KEY=$0/key.pem
  exec "$@"' "$here" "$@"
