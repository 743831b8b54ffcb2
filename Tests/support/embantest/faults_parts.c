// Kills ClickHouse where it hurts most: preloaded (LD_PRELOAD), right before a part that an insert has written is put in its place. By then
// ClickHouse has noted that it has the insert. It happens once while the file exists that FAULT_PARTS names; that says how many parts are put
// in their places first, and is removed.
//
//     cc -shared -fPIC -O2 -o faults_parts.so faults_parts.c -ldl
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_int passed;

static void die_if_told(void) {
  const char *path = getenv("FAULT_PARTS");
  FILE *file = path == NULL ? NULL : fopen(path, "re");
  if (file == NULL) return;
  int first;
  int read = fscanf(file, "%d", &first);
  fclose(file);
  if (read != 1 || atomic_fetch_add(&passed, 1) < first) return;
  // Whoever removes it dies, and nobody else: two servers may share the file.
  if (unlink(path) == 0) kill(getpid(), SIGKILL);
}

int rename(const char *from, const char *to) {
  int (*next)(const char *, const char *) = (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename");
  if (strstr(from, "/tmp_insert_") != NULL) die_if_told();
  return next(from, to);
}
