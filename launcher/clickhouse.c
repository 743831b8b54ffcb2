// A `clickhouse` program around the ClickHouse that the PyPI wheel `chdb` holds as one shared object.
//
// It is used only where no ClickHouse is installed: scripts/setup compiles it beside the unpacked wheel.
//
//     clickhouse/clickhouse             this program
//     clickhouse/lib/_chdb.abi3.so      the whole of ClickHouse
//     clickhouse/chdb.libs/             its neighbour, found through the object's own run path ($ORIGIN/../chdb.libs)
//
// It is called like the official program: `clickhouse server --config-file=…`, `clickhouse local …`, `clickhouse
// --version`. There is no `client`: the one in the object keeps every result for itself and prints nothing, so that it is
// refused instead of being silently useless; speak HTTP to the server. Linux only: elsewhere install the official program.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// The object is a Python extension: it wants these Python data symbols to exist when it is loaded. Python's functions are
// bound lazily and never called by the entry points below, so that no Python is needed; the data is never read by them.
#define PYTHON_DATA(name) char name[1024] __attribute__((aligned(16), visibility("default")))
PYTHON_DATA(PyBool_Type);
PYTHON_DATA(PyByteArray_Type);
PYTHON_DATA(PyCapsule_Type);
PYTHON_DATA(PyDict_Type);
PYTHON_DATA(PyExc_ImportError);
PYTHON_DATA(PyExc_RuntimeError);
PYTHON_DATA(PyExc_SystemError);
PYTHON_DATA(PyExc_TypeError);
PYTHON_DATA(PyExc_ValueError);
PYTHON_DATA(PyFloat_Type);
PYTHON_DATA(PyFrozenSet_Type);
PYTHON_DATA(PyMemoryView_Type);
PYTHON_DATA(PySet_Type);
PYTHON_DATA(_Py_FalseStruct);
PYTHON_DATA(_Py_NoneStruct);
PYTHON_DATA(_Py_TrueStruct);

typedef int (*entry_point)(int argc, char **argv);

// The object's own entry point of `local` adds a newline to every output and crashes when a query has no result, so that
// `local` goes through the C interface of chdb instead.
struct local_result_v2 {
  char *buf;
  size_t len;
  void *_vec;
  double elapsed;
  uint64_t rows_read;
  uint64_t bytes_read;
  char *error_message;
};
typedef struct local_result_v2 *(*local_entry_point)(int argc, char **argv);
static const char local_symbol[] = "query_stable_v2";

static const struct {
  const char *command;
  const char *symbol;  // int mainEntryClickHouse…(int, char **), mangled
} commands[] = {
    {"server", "_Z25mainEntryClickHouseServeriPPc"},
    {"local", local_symbol},
    {"benchmark", "_Z28mainEntryClickHouseBenchmarkiPPc"},
    {"format", "_Z25mainEntryClickHouseFormatiPPc"},
};
static const size_t command_count = sizeof commands / sizeof commands[0];

static const char *symbol_for(const char *command) {
  for (size_t i = 0; i < command_count; i++)
    if (strcmp(commands[i].command, command) == 0) return commands[i].symbol;
  return NULL;
}

static int usage(const char *command) {
  fprintf(stderr, "clickhouse: no command '%s'; there are:", command);
  for (size_t i = 0; i < command_count; i++) fprintf(stderr, " %s", commands[i].command);
  fputs(strcmp(command, "client") == 0 ? "\nclickhouse: this build's client prints no results; use curl on the HTTP port\n" : "\n", stderr);
  return 64;
}

// That interface reports a wrong option, but a failed query only on stderr, as `Code: 62. DB::Exception: …`. A script needs
// an exit code, so that stderr is passed through a thread which remembers the last such line.
static struct {
  pthread_t thread;
  int pipe;
  int real_stderr;
  int code;
} errors = {.real_stderr = -1};

static void *copy_errors(void *unused) {
  char buffer[4096], line[64];
  size_t line_length = 0;
  ssize_t count;
  while ((count = read(errors.pipe, buffer, sizeof buffer)) > 0) {
    if (write(errors.real_stderr, buffer, (size_t)count) < 0) continue;
    for (ssize_t i = 0; i < count; i++) {
      if (buffer[i] == '\n') {
        line[line_length] = '\0';
        sscanf(line, "Code: %d. DB::", &errors.code);
        line_length = 0;
      } else if (line_length < sizeof line - 1) {
        line[line_length++] = buffer[i];
      }
    }
  }
  return unused;
}

static void finish_errors(void) {
  if (errors.real_stderr < 0) return;
  fflush(stderr);
  dup2(errors.real_stderr, STDERR_FILENO);  // closes the only writing end, which ends the thread
  pthread_join(errors.thread, NULL);
  errors.real_stderr = -1;
}

static void watch_errors(void) {
  int ends[2];
  int real_stderr = dup(STDERR_FILENO);
  if (real_stderr < 0 || pipe2(ends, O_CLOEXEC) != 0) return;
  errors.pipe = ends[0];
  errors.real_stderr = real_stderr;
  if (pthread_create(&errors.thread, NULL, copy_errors, NULL) != 0) {
    errors.real_stderr = -1;
    return;
  }
  dup2(ends[1], STDERR_FILENO);
  close(ends[1]);
  atexit(finish_errors);  // `--help` and others leave by exit()
}

// Exits as the official program does: with ClickHouse's error code modulo 256, and never with 0 after an error.
static int run_local(local_entry_point entry, int argc, char **argv) {
  watch_errors();
  struct local_result_v2 *result = entry(argc, argv);
  finish_errors();
  int failed = result == NULL || errors.code != 0;
  if (result != NULL) {
    if (result->len > 0) fwrite(result->buf, 1, result->len, stdout);
    if (fflush(stdout) != 0) return 74;
    if (result->error_message != NULL) {
      failed = 1;
      fprintf(stderr, "%s\n", result->error_message);
      sscanf(result->error_message, "Code: %d. DB::", &errors.code);
    }
  }
  if (!failed) return 0;
  return errors.code % 256 != 0 ? errors.code % 256 : 1;
}

// A server that was started for one process only must not outlive it: with EMBAN_PARENT_PID in the environment, the server
// ends itself as soon as that process is no longer its parent, however the parent died.
static void *watch_parent(void *argument) {
  pid_t parent = (pid_t)(intptr_t)argument;
  while (getppid() == parent) usleep(200 * 1000);
  kill(getpid(), SIGTERM);
  sleep(60);  // time for an orderly end
  _exit(75);
}

static void follow_parent(void) {
  const char *text = getenv("EMBAN_PARENT_PID");
  if (text == NULL || atol(text) <= 1) return;
  sigset_t all, before;
  pthread_t thread;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);  // the thread inherits this: signals are for the server's own threads
  if (pthread_create(&thread, NULL, watch_parent, (void *)(intptr_t)atol(text)) == 0) pthread_detach(thread);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

int main(int argc, char **argv) {
  // As in the official program, options without a command are meant for `local`: `--version`, `--query`.
  const char *command = "local";
  if (argc > 1 && argv[1][0] != '-') {
    command = argv[1];
    for (int i = 1; i < argc; i++) argv[i] = argv[i + 1];  // moves the final NULL too
    argc--;
  }
  const char *symbol = symbol_for(command);
  if (symbol == NULL) return usage(command);

  char program[PATH_MAX], object[PATH_MAX + 32];
  ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
  if (length < 0) {
    perror("clickhouse: /proc/self/exe");
    return 71;
  }
  program[length] = '\0';
  snprintf(object, sizeof object, "%s/lib/_chdb.abi3.so", dirname(program));

  // Without this the server forks a watchdog, and the process that was started is not the server.
  setenv("CLICKHOUSE_WATCHDOG_ENABLE", "0", 1);

  if (strcmp(command, "server") == 0) {
    // A parent may start us from a thread that blocks all signals, and would hand that down.
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    follow_parent();
  }

  void *handle = dlopen(object, RTLD_LAZY | RTLD_GLOBAL);
  if (handle == NULL) {
    fprintf(stderr, "clickhouse: %s\n", dlerror());
    return 72;
  }
  void *entry = dlsym(handle, symbol);
  if (entry == NULL) {
    fprintf(stderr, "clickhouse: %s\n", dlerror());
    return 72;
  }
  return symbol == local_symbol ? run_local((local_entry_point)entry, argc, argv) : ((entry_point)entry)(argc, argv);
}
