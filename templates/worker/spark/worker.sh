# shellcheck shell=bash
# worker.sh HEADNODE CORES MEMORY: runs a worker of Spark in this directory, which has its files: wire/, spark/, and the headnode's
# packages. HEADNODE is the address of the master in the network of workers, MEMORY that of the worker's executors in MiB
set -u
umask 077
here=$PWD
unset PYTHONPATH PYTHONHOME PYTHONSTARTUP "${!SPARK_@}" "${!PYSPARK_@}"
wanted=$(cat spark/python) || exit 1
version=$(python3 -I -c 'import sys; print("%d.%d" % sys.version_info[:2])') || { echo 'there is no python3 here' >&2; exit 1; }
[ "$version" = "$wanted" ] || { echo "python3 is version $version here, and the headnode's is $wanted; give --worker-image with an image that has $wanted" >&2; exit 1; }
mkdir -p "$TMPDIR/site" "$TMPDIR/java/bin" "$TMPDIR/conf" "$TMPDIR/work" || exit 1
for archive in spark.tar java.tar.gz packages.tar.gz; do
  # an image may have no tar or no gzip
  [ ! -e "$archive" ] || tar -xf "$archive" -C "$TMPDIR/site" 2>/dev/null || python3 -I -m tarfile -e "$archive" "$TMPDIR/site" || exit 1
  rm -f "$archive"
done
cp spark/java.sh "$TMPDIR/java/bin/java" && chmod 700 "$TMPDIR/java/bin/java" || exit 1
# nobody knows the key for the worker's pages, which show logs: they are for nobody
{
  cat spark/spark-defaults.conf
  printf 'spark.org.apache.spark.ui.JWSFilter.param.secretKey %s\n' "$(head -c 48 /dev/urandom | base64 -w 0 | tr '+/' '-_')"
} >"$TMPDIR/conf/spark-defaults.conf" || exit 1
cp spark/log4j2.properties "$TMPDIR/conf"
read -r b c d < <(od -An -N3 -tu1 /dev/urandom)
address=127.$((16 + b % 240)).$((c % 255)).$((1 + d % 254))
export JAVA_HOME=$TMPDIR/java SPARK_HOME=$TMPDIR/site/pyspark SPARK_CONF_DIR=$TMPDIR/conf PYTHONPATH=$TMPDIR/site
export SPARK_LOCAL_IP=$address SPARK_LOCAL_HOSTNAME=$address SPARK_LOCAL_DIRS=$TMPDIR/work SPARK_DAEMON_MEMORY=128m
# for Java programs that compute little
export SPARK_DAEMON_JAVA_OPTS='-XX:TieredStopAtLevel=1 -XX:+UseSerialGC' SPARK_LAUNCHER_OPTS='-XX:TieredStopAtLevel=1 -XX:+UseSerialGC'
# what tasks write goes there, and with the worker
cd "$TMPDIR" || exit 1
exec python3 -B -s "$here/wire/node.py" "spark@$address" bash "$SPARK_HOME/bin/spark-class" org.apache.spark.deploy.worker.Worker \
  --host "$address" --port 7130 --webui-port 0 --cores "$2" --memory "$3M" --work-dir "$TMPDIR/work" "spark://$1:7077"
