"""Uses the Spark that its environment names, and says what it saw.

    client.py WORKERS [SECONDS]     sums by groups, with a shuffle, and squares numbers in Python on that many workers, each taking SECONDS
"""

import sys
import time

from pyspark.sql import SparkSession
from pyspark.sql.functions import col, pandas_udf, udf
from pyspark.sql.functions import sum as total

count, seconds = int(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 0
spark = SparkSession.builder.getOrCreate()


@udf("string")
def where(n):
    import os
    import time

    time.sleep(0.5)
    return "%s %s" % (os.uname().nodename, os.environ["SPARK_LOCAL_IP"])


@udf("long")
def square(n):
    time.sleep(seconds)
    return n * n


@pandas_udf("double")
def half(column):
    return column / 2


workers = set()
end = time.time() + 240
while len(workers) < count and time.time() < end:
    workers = {row.w for row in spark.range(0, 4 * count, 1, 4 * count).select(where("id").alias("w")).collect()}
print("nodes", *sorted(w.split()[0] for w in workers), flush=True)
groups = spark.range(0, 1_000_000, 1, 12).groupBy((col("id") % 7).alias("k")).agg(total("id").alias("s"))
print("groups", *(row.s for row in groups.orderBy("k").collect()), flush=True)
print("sum", spark.range(0, 200, 1, 40).select(total(square("id"))).collect()[0][0], flush=True)
print("half", spark.range(0, 1000, 1, 4).select(total(half("id"))).collect()[0][0], flush=True)
