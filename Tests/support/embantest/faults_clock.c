// A wall clock that a test can set, for the program and its ClickHouse together: preloaded (LD_PRELOAD), it adds the nanoseconds in the file
// that FAULT_CLOCK names to every reading of the time of day. Clocks that only go forward stay as they are, as with a real clock that
// somebody sets. Moments of the shifted day that a caller waits for are shifted back, so that a wait lasts as long as it was meant to.
//
//     cc -shared -fPIC -O2 -o faults_clock.so faults_clock.c -ldl
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *shared;

__attribute__((constructor)) static void open_clock(void) {
  const char *path = getenv("FAULT_CLOCK");
  int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  void *mapped = mmap(NULL, sizeof *shared, PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (mapped != MAP_FAILED) shared = mapped;
}

static void add(struct timespec *time, int64_t nanoseconds) {
  int64_t sum = time->tv_nsec + nanoseconds % 1000000000;
  time->tv_sec += nanoseconds / 1000000000;
  if (sum >= 1000000000) {
    sum -= 1000000000;
    time->tv_sec++;
  } else if (sum < 0) {
    sum += 1000000000;
    time->tv_sec--;
  }
  time->tv_nsec = sum;
}

static int64_t offset(void) { return shared == NULL ? 0 : *shared; }

static int of_the_day(clockid_t clock) { return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE; }

// Callers that wait until a moment do not say of which clock it is. One of the time since boot is never this late.
static struct timespec unshifted(const struct timespec *moment) {
  struct timespec real = *moment;
  if (real.tv_sec > 1000000000) add(&real, -offset());
  return real;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  int result = (int)syscall(SYS_clock_gettime, clock, time);
  if (result == 0 && of_the_day(clock)) add(time, offset());
  return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  (void)zone;
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *out) {
  struct timespec now = {0};
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != NULL) *out = now.tv_sec;
  return now.tv_sec;
}

int timespec_get(struct timespec *time, int base) { return base == TIME_UTC && clock_gettime(CLOCK_REALTIME, time) == 0 ? base : 0; }

// The next definition of a name. Those of condition variables have an old version with another layout, which must not be found.
static void *next(const char *name, const char *version) {
  void *found = version == NULL ? NULL : dlvsym(RTLD_NEXT, name, version);
  return found != NULL ? found : dlsym(RTLD_NEXT, name);
}

int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex, const struct timespec *restrict moment) {
  static int (*real)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
  if (real == NULL) real = next("pthread_cond_timedwait", "GLIBC_2.3.2");
  struct timespec until = unshifted(moment);
  return real(condition, mutex, &until);
}

int pthread_mutex_timedlock(pthread_mutex_t *restrict mutex, const struct timespec *restrict moment) {
  static int (*real)(pthread_mutex_t *, const struct timespec *);
  if (real == NULL) real = next("pthread_mutex_timedlock", NULL);
  struct timespec until = unshifted(moment);
  return real(mutex, &until);
}

int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict moment) {
  static int (*real)(sem_t *, const struct timespec *);
  if (real == NULL) real = next("sem_timedwait", NULL);
  struct timespec until = unshifted(moment);
  return real(semaphore, &until);
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *moment, struct timespec *left) {
  struct timespec until = (flags & TIMER_ABSTIME) != 0 && of_the_day(clock) ? unshifted(moment) : *moment;
  return syscall(SYS_clock_nanosleep, clock, flags, &until, left) == 0 ? 0 : errno;
}

int timerfd_settime(int timer, int flags, const struct itimerspec *moment, struct itimerspec *before) {
  struct itimerspec until = *moment;
  if ((flags & TFD_TIMER_ABSTIME) != 0) until.it_value = unshifted(&moment->it_value);
  return (int)syscall(SYS_timerfd_settime, timer, flags, &until, before);
}
