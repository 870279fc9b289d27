/*
 * The model of `push15` once more, in C, as the yardstick of bench/simulator: the same wheel, the same dice, the same
 * events in the same order, and the same hash as the columns of src/dissemination/rumor.ts on src/simulator.
 *
 *     cc -O2 -o push15 push15.c && ./push15 1000000 1
 *
 * Prints: events, hash, informed nodes, CPU seconds, resident megabytes.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* Latencies and intervals are below two blocks, so that the near slots are all that is needed. */
enum { SLOTS = 8192, MASK = SLOTS - 1 };
enum { INTERVAL_MS = 1000, SENDS = 15, FROM_MS = 10, CHOICES = 490 };
enum { TIMER = 0, MESSAGE = 2, COMMAND = 5 };

typedef struct {
  int32_t row, head, payload;
} Event;
typedef struct {
  Event *events;
  uint32_t length, capacity;
} Slot;

static Slot slots[SLOTS];
/* Empty arrays, handed on to other slots. */
static Event *spare[32][SLOTS];
static int spares[32];
static uint64_t waiting;

static int size_class(uint32_t capacity) { return 31 - __builtin_clz(capacity / 16); }

static void push(uint64_t at, int32_t row, int32_t head, int32_t payload) {
  Slot *slot = &slots[at & MASK];
  if (slot->length == slot->capacity) {
    uint32_t wanted = slot->capacity == 0 ? 16 : slot->capacity * 2;
    int class = size_class(wanted);
    Event *events = spares[class] > 0 ? spare[class][--spares[class]] : malloc(wanted * sizeof(Event));
    if (slot->capacity > 0) {
      memcpy(events, slot->events, slot->length * sizeof(Event));
      int old = size_class(slot->capacity);
      spare[old][spares[old]++] = slot->events;
    }
    slot->events = events;
    slot->capacity = wanted;
  }
  Event *event = &slot->events[slot->length++];
  event->row = row;
  event->head = head;
  event->payload = payload;
  waiting++;
}

static uint32_t scramble(uint32_t x) {
  x = (x ^ (x >> 16)) * 0x21f0aaadu;
  x = (x ^ (x >> 15)) * 0x735a2d97u;
  return x ^ (x >> 15);
}

typedef struct {
  uint32_t seed_a, seed_b;
  uint32_t *counters;
} Dice;

static Dice dice(uint32_t seed, uint32_t stream, uint32_t rows) {
  uint32_t low = scramble(seed), high = scramble(0);
  Dice made;
  made.seed_a = scramble(low ^ scramble(high ^ (stream * 0x9e3779b9u)));
  made.seed_b = scramble(made.seed_a ^ scramble(low + 0x9e3779b9u));
  made.counters = calloc(rows, sizeof(uint32_t));
  return made;
}

static uint32_t below(Dice *dice, uint32_t row, uint32_t bound) {
  uint32_t counter = dice->counters[row]++;
  uint32_t first = scramble(((row * 0x9e3779b9u) ^ dice->seed_a) + counter * 0xc13fa9a9u);
  uint32_t draw = scramble(first ^ row ^ dice->seed_b);
  return (uint32_t)((double)draw / 4294967296.0 * (double)bound);
}

int main(int argc, char **argv) {
  uint32_t rows = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000000;
  uint32_t seed = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1;
  clock_t began = clock();
  Dice protocol = dice(seed, 1, rows), links = dice(seed, 2, rows);
  uint8_t *state = calloc(rows, 1);
  uint16_t *sends = calloc(rows, sizeof(uint16_t));
  int32_t *informed_at = malloc(rows * sizeof(int32_t));
  for (uint32_t row = 0; row < rows; row++) informed_at[row] = -1;
  uint32_t hash_a = 0x243f6a88u, hash_b = 0x85a308d3u;
  uint64_t events = 0, informed = 0;
  const int32_t life = 1;

  push(0, 0, (COMMAND << 28) | life, 0);
  for (uint64_t at = 0; waiting > 0; at++) {
    Slot *slot = &slots[at & MASK];
    if (slot->length == 0) continue;
    for (uint32_t i = 0; i < slot->length; i++) {
      Event event = slot->events[i];
      uint32_t row = (uint32_t)event.row;
      waiting--;
      events++;
      hash_a = (hash_a ^ row) * 0x9e3779b1u + (uint32_t)at;
      hash_b = (hash_b ^ (uint32_t)event.head ^ (hash_a >> 15)) * 0x85ebca6bu + (uint32_t)event.payload;
      if (((uint32_t)event.head >> 28) == TIMER) {
        if (state[row] != 1) continue;
        uint32_t other = below(&protocol, row, rows - 1);
        if (other >= row) other++;
        uint32_t transit = FROM_MS + below(&links, row, CHOICES);
        push(at + transit, (int32_t)other, (int32_t)(((uint32_t)MESSAGE << 28) | row), 1);
        if (++sends[row] == SENDS) state[row] = 2;
        else push(at + INTERVAL_MS, (int32_t)row, life, 1);
      } else if (state[row] == 0) {
        state[row] = 1;
        informed_at[row] = (int32_t)at;
        informed++;
        push(at + below(&protocol, row, INTERVAL_MS), (int32_t)row, life, 1);
      }
      slot = &slots[at & MASK];
    }
    int class = size_class(slot->capacity);
    spare[class][spares[class]++] = slot->events;
    slot->events = NULL;
    slot->length = slot->capacity = 0;
  }

  double seconds = (double)(clock() - began) / CLOCKS_PER_SEC;
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  printf("{\"events\":%llu,\"hash\":\"%08x%08x\",\"informed\":%llu,\"cpuSeconds\":%.4f,\"rssMiB\":%.1f}\n",
         (unsigned long long)events, hash_a, hash_b, (unsigned long long)informed, seconds, usage.ru_maxrss / 1024.0);
  return 0;
}
