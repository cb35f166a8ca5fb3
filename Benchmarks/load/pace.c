/* Load that wrk cannot make: at a fixed rate, from a crowd of mostly idle connections, or each request on a new one.
 *
 *   pace PORT PATH CONNECTIONS ACTIVE RATE SECONDS kept|fresh
 *
 * RATE 0 keeps ACTIVE requests under way, on one connection after the other of all. With another RATE each request is due at
 * its own moment, whatever became of those before: its time counts from that moment, so that a proxy which stands still is
 * charged with every request that it kept waiting. One thread, 127.0.0.1 only.
 *
 * Opens the connections, warms up for a second, prints "ready", waits for a line, then runs for SECONDS and prints one line of
 * JSON, times in microseconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct connection {
  int fd;
  int64_t since_ns;     /* when its request was due, 0 while it has none */
  size_t got, expected; /* bytes of the answer; none expected before its head has come */
};

/* Times in buckets that are less than 1 % wide: 128 to each power of two. */
enum { STEPS = 128 };
static uint64_t times[64 * STEPS], timed;
static int64_t longest_ns;

static struct connection *all;
static int *idle;                /* a ring of connections without a request, the one that waits longest first */
static int count, idle_first, idle_count, under_way;
static uint64_t failed;
static bool fresh;
static char request[4096], room[1 << 20];
static size_t request_length;
static int epoll;
static struct sockaddr_in address;

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void record(int64_t ns) {
  if (ns < STEPS) ns = STEPS;
  int power = 63 - __builtin_clzll((uint64_t)ns);
  times[power * STEPS + (int)((uint64_t)ns >> (power - 7)) - STEPS]++;
  timed++;
  if (ns > longest_ns) longest_ns = ns;
}

static double percentile_us(double share) {
  uint64_t rank = (uint64_t)(share * (double)timed), seen = 0;
  for (int at = 0; at < 64 * STEPS; at++) {
    seen += times[at];
    if (seen > rank) return (double)((uint64_t)(at % STEPS + STEPS + 1) << (at / STEPS - 7)) / 1000;
  }
  return (double)longest_ns / 1000;
}

static void die(const char *what) {
  fprintf(stderr, "pace: %s: %s\n", what, strerror(errno));
  exit(71);
}

static void open_connection(struct connection *connection) {
  connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connection->fd < 0) die("no socket");
  if (connect(connection->fd, (struct sockaddr *)&address, sizeof address) != 0) die("cannot connect");
  setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, connection->fd, &event) != 0) die("cannot watch a socket");
}

static void rest(struct connection *connection) {
  idle[(idle_first + idle_count++) % count] = (int)(connection - all);
}

static void ask(int64_t due_ns) {
  struct connection *connection = &all[idle[idle_first]];
  idle_first = (idle_first + 1) % count;
  idle_count--;
  if (connection->fd < 0) open_connection(connection);
  connection->since_ns = due_ns;
  connection->got = connection->expected = 0;
  under_way++;
  if (send(connection->fd, request, request_length, MSG_NOSIGNAL) != (ssize_t)request_length) die("cannot send");
}

static void end(struct connection *connection, bool well) {
  record(now_ns() - connection->since_ns);
  if (!well) failed++;
  connection->since_ns = 0;
  under_way--;
  if (fresh || !well) {
    close(connection->fd);
    connection->fd = -1;
  }
  rest(connection);
}

static void receive(struct connection *connection) {
  ssize_t got = recv(connection->fd, room, sizeof room - 1, MSG_DONTWAIT);
  if (got < 0 && errno == EAGAIN) return;
  if (!connection->since_ns) { /* idle: the proxy has closed it */
    failed++;
    close(connection->fd);
    connection->fd = -1;
    return;
  }
  if (got <= 0) return end(connection, false);
  if (!connection->expected) {
    room[got] = 0;
    char *blank = strstr(room, "\r\n\r\n"), *length = strcasestr(room, "\r\nContent-Length:");
    if (strncmp(room, "HTTP/1.1 200", 12) != 0 || !blank || !length) return end(connection, false);
    connection->expected = (size_t)(blank - room) + 4 + strtoul(length + 17, NULL, 10);
  }
  connection->got += (size_t)got;
  if (connection->got >= connection->expected) end(connection, connection->got == connection->expected);
}

static void run(double seconds, int active, double rate) {
  struct epoll_event events[256];
  int64_t start = now_ns(), stop = start + (int64_t)(seconds * 1e9), give_up = stop + 5000000000LL;
  for (uint64_t asked = 0;;) {
    int64_t now = now_ns(), due = rate > 0 ? start + (int64_t)((double)asked / rate * 1e9) : now;
    while (idle_count > 0 && (rate > 0 ? due <= now && due < stop : under_way < active && now < stop)) {
      ask(due);
      asked++;
      if (rate > 0) due = start + (int64_t)((double)asked / rate * 1e9);
    }
    now = now_ns();
    bool over = rate > 0 ? due >= stop : now >= stop;
    if ((over && under_way == 0) || now >= give_up) break;
    /* While a request is due and none of the connections is free, an answer is what to wait for. */
    int64_t wait = rate > 0 && idle_count > 0 && !over ? due - now : 100000000;
    if (wait < 0) wait = 0;
    struct timespec timeout = {wait / 1000000000, wait % 1000000000};
    int ready = epoll_pwait2(epoll, events, 256, &timeout, NULL);
    for (int at = 0; at < ready; at++) receive(events[at].data.ptr);
  }
  failed += (uint64_t)under_way;
}

int main(int words, char **word) {
  if (words != 8) {
    fputs("pace: give PORT PATH CONNECTIONS ACTIVE RATE SECONDS kept|fresh\n", stderr);
    return 64;
  }
  int active = atoi(word[4]);
  double rate = atof(word[5]), seconds = atof(word[6]);
  count = atoi(word[3]);
  fresh = strcmp(word[7], "fresh") == 0;
  address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(word[1])),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  request_length = (size_t)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", word[2]);
  prctl(PR_SET_TIMERSLACK, 1);
  epoll = epoll_create1(EPOLL_CLOEXEC);
  all = calloc((size_t)count, sizeof *all);
  idle = calloc((size_t)count, sizeof *idle);
  if (epoll < 0 || !all || !idle) die("cannot start");
  for (int at = 0; at < count; at++) {
    all[at].fd = -1;
    if (!fresh) open_connection(&all[at]);
    rest(&all[at]);
  }
  run(1, active, rate);
  memset(times, 0, sizeof times);
  timed = failed = 0;
  longest_ns = 0;
  puts("ready");
  fflush(stdout);
  if (!fgets(room, sizeof room, stdin)) return 0;
  int64_t began = now_ns();
  run(seconds, active, rate);
  printf("{\"requests\": %llu, \"failed\": %llu, \"seconds\": %.6f, \"p50\": %.1f, \"p99\": %.1f, \"p99.9\": %.1f, \"max\": %.1f}\n",
         (unsigned long long)timed, (unsigned long long)failed, (double)(now_ns() - began) / 1e9, percentile_us(0.5),
         percentile_us(0.99), percentile_us(0.999), (double)longest_ns / 1000);
  return 0;
}
