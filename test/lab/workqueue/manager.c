#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cctools/work_queue.h>
/* manager N [SECONDS]: squares the numbers up to N on workers, each in a task with files of its own, and prints their sum.
   Each task takes SECONDS. */
int main(int argc, char **argv) {
  int n = atoi(argv[1]), i, seconds = argc > 2 ? atoi(argv[2]) : 0;
  struct work_queue *q = work_queue_create(atoi(getenv("WORK_QUEUE_PORT")));
  if (!q) { perror("work_queue_create"); return 1; }
  if (getenv("WORK_QUEUE_PASSWORD_FILE") && !work_queue_specify_password_file(q, getenv("WORK_QUEUE_PASSWORD_FILE"))) return 1;
  work_queue_specify_keepalive_interval(q, 10);
  work_queue_specify_keepalive_timeout(q, 10);
  for (i = 1; i <= n; i++) {
    char in[64], command[200];
    sprintf(in, "in.%d", i);
    FILE *f = fopen(in, "w"); fprintf(f, "%d\n", i); fclose(f);
    sprintf(command, "sleep %d; read n <in; echo $((n * n)) >out; hostname >>out", seconds);
    struct work_queue_task *t = work_queue_task_create(command);
    work_queue_task_specify_file(t, in, "in", WORK_QUEUE_INPUT, WORK_QUEUE_NOCACHE);
    sprintf(in, "out.%d", i);
    work_queue_task_specify_file(t, in, "out", WORK_QUEUE_OUTPUT, WORK_QUEUE_NOCACHE);
    work_queue_task_specify_cores(t, 1); work_queue_task_specify_memory(t, 10); work_queue_task_specify_disk(t, 10);
    work_queue_submit(q, t);
  }
  long sum = 0; int done = 0;
  while (!work_queue_empty(q)) {
    struct work_queue_task *t = work_queue_wait(q, 5);
    if (!t) continue;
    if (t->result != 0 || t->return_status != 0) { fprintf(stderr, "task %d: result %d status %d\n", t->taskid, t->result, t->return_status); return 1; }
    char name[64], host[64]; long value;
    sprintf(name, "out.%d", t->taskid);
    FILE *f = fopen(name, "r");
    if (!f || fscanf(f, "%ld %63s", &value, host) != 2) { fprintf(stderr, "%s is not as it should be\n", name); return 1; }
    fclose(f);
    sum += value; done++;
    printf("task %d on %s\n", t->taskid, host); fflush(stdout);
    work_queue_task_delete(t);
  }
  printf("sum %ld of %d\n", sum, done);
  work_queue_delete(q);
  return 0;
}
